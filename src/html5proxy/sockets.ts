// SPDX-License-Identifier: Apache-2.0
// The WebSockets of browsers, one for each SPICE channel, or for a whole VNC console: who may open one, and how many. The
// upgrade is answered only after kerbside-proxy has been reached, and for VNC after the machine has been.
import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { AddressCounts } from '../net/address-counts.js';
import { loggerFor } from '../log.js';
import type { NetworkList } from '../net/network-list.js';
import { Bridge } from './bridge.js';
import type { Origin } from '../net/forwarded.js';
import { browserOf, originFault } from './browser.js';
import type { Html5Metrics } from './metrics.js';
import { consoleTokenOf, TokenRefused, type TokenBearer } from './rfb/console-token.js';
import { greetBrowser } from './rfb/browser-handshake.js';
import { linkSession, SessionRefused } from './rfb/session-link.js';
import { rfbTokenOf } from './rfb/socket-token.js';
import { ProxyUnreachable, type DialledLeg, type ProxyLeg } from './proxy-leg.js';

const log = loggerFor('kerbside.html5proxy.websocket');

/** The path that clients open, that of websockify; and the one of Nova's `path=?token=...`, which is for VNC alone. */
const PATH = '/websockify';
const TOKEN_PATH = '/';
const SUBPROTOCOL = 'binary';
/** The longest message of a browser. Its client sends less than 64 KiB at once. */
const MAX_MESSAGE_BYTES = 1024 * 1024;
/** Between two pings. */
const PROBE_INTERVAL_MS = 30_000;

/** As the pages answer. */
const TOKEN_STATUS = { limited: 429, not_ready: 409, in_use: 409, unknown: 404 } as const;

/** What {@link Sockets} is made with. */
export interface SocketsDependencies {
  readonly leg: ProxyLeg;
  /** Gives the console token of Kerbside for what a VNC client came with. */
  readonly tokens: TokenBearer;
  /** Seconds that a VNC console may take to come up. */
  readonly openTimeout: number;
  readonly metrics: Html5Metrics;
  readonly trusted: NetworkList;
  /** [html5proxy] allowed_origins */
  readonly origins: readonly string[];
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
}

/** Why a WebSocket is refused. */
interface Refusal {
  readonly status: number;
  /** The label of the metric. */
  readonly reason: string;
  readonly detail: string;
}

/** A connection to kerbside-proxy, and whether VNC follows on it. */
interface OpenedLeg {
  readonly leg: DialledLeg;
  readonly rfb: boolean;
}

/** The open WebSockets. */
export class Sockets {
  private readonly server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });
  private readonly bridges = new Set<Bridge>();
  /** VNC clients in their handshake. */
  private readonly greeted = new Set<WebSocket>();
  private readonly byAddress = new AddressCounts();
  /** Open ones and those that are being opened. */
  private count = 0;
  private accepting = true;
  private whenEmpty: (() => void) | undefined;
  private readonly probeTimer = setInterval(() => this.probe(), PROBE_INTERVAL_MS);

  constructor(private readonly parts: SocketsDependencies) {
    this.probeTimer.unref();
  }

  /** Open ones. */
  get size(): number {
    return this.bridges.size;
  }

  /** Answers a request for an upgrade. */
  handle(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Without a listener a reset would end the process.
    socket.on('error', () => undefined);
    const browser = browserOf(request, this.parts.trusted);
    const refusal = this.refusalOf(request, browser);
    if (refusal !== null) {
      this.refuse(socket, browser, refusal);
      return;
    }
    this.count += 1;
    this.byAddress.add(browser.address);
    this.parts.metrics.active.set(this.count);
    socket.once('close', () => {
      this.count -= 1;
      this.byAddress.remove(browser.address);
      this.parts.metrics.active.set(this.count);
      if (this.count === 0) this.whenEmpty?.();
    });
    this.open(request, socket, head, browser).catch((error: unknown) => {
      socket.destroy();
      log.error('a WebSocket failed', { error: error instanceof Error ? error : new Error(String(error)) });
    });
  }

  /** Accepts no more; resolves when the last one has ended. */
  drain(): Promise<void> {
    this.accepting = false;
    return new Promise((resolve) => {
      this.whenEmpty = resolve;
      if (this.count === 0) resolve();
    });
  }

  /** Ends them all. */
  close(): void {
    this.accepting = false;
    clearInterval(this.probeTimer);
    for (const bridge of this.bridges) bridge.close();
    for (const websocket of this.greeted) websocket.terminate();
  }

  private async open(request: IncomingMessage, socket: Duplex, head: Buffer, browser: Origin): Promise<void> {
    const gone = new AbortController();
    socket.once('close', () => gone.abort());
    let opened: OpenedLeg;
    try {
      opened = await this.dial(request, browser, gone.signal);
    } catch (error) {
      const refusal = refusalFor(error);
      if (refusal === null) throw error;
      if (gone.signal.aborted) return;
      if (error instanceof ProxyUnreachable)
        log.warning('kerbside-proxy cannot be reached', { detail: error.message });
      this.refuse(socket, browser, refusal);
      return;
    }
    const { leg, rfb } = opened;
    // Before there is a bridge, the leg ends with the browser's connection; also where the handshake is refused.
    const drop = (): void => void leg.stream.destroy();
    socket.once('close', drop);
    if (socket.destroyed || !this.accepting) {
      leg.stream.destroy();
      socket.destroy();
      return;
    }
    this.server.handleUpgrade(request, socket, head, (websocket) => {
      const start = (): void => {
        socket.off('close', drop);
        this.bridge(websocket, leg, browser);
      };
      if (rfb) this.greet(websocket, leg, browser, start);
      else start();
    });
  }

  /** A leg whose other end is there: for VNC, the machine. @throws ProxyUnreachable, TokenRefused, SessionRefused */
  private async dial(request: IncomingMessage, browser: Origin, gone: AbortSignal): Promise<OpenedLeg> {
    const { leg: proxy, tokens, openTimeout } = this.parts;
    const offered = rfbTokenOf(request);
    const token = offered === null ? null : await consoleTokenOf(offered, tokens, browser);
    const { localAddress = '', localPort = 0 } = request.socket;
    const leg = await proxy.dial(browser, { address: localAddress, port: localPort }, gone);
    if (token === null) return { leg, rfb: false };
    const onGone = (): void => void leg.stream.destroy();
    gone.addEventListener('abort', onGone, { once: true });
    const early = await linkSession(leg.stream, token, openTimeout);
    gone.removeEventListener('abort', onGone);
    if (early.length > 0) leg.stream.unshift(early);
    return { leg, rfb: true };
  }

  private greet(websocket: WebSocket, leg: DialledLeg, browser: Origin, start: () => void): void {
    this.greeted.add(websocket);
    greetBrowser(websocket, {
      done: (rest) => {
        this.greeted.delete(websocket);
        if (rest.length > 0) leg.stream.write(rest);
        start();
      },
      failed: (why) => {
        this.greeted.delete(websocket);
        leg.stream.destroy();
        log.info('a VNC client did not get through its handshake', { address: browser.address, detail: why });
      },
    });
  }

  private bridge(websocket: WebSocket, leg: DialledLeg, browser: Origin): void {
    this.parts.metrics.accepted.inc();
    const bridge: Bridge = new Bridge(websocket, leg, (end) => {
      this.bridges.delete(bridge);
      this.parts.metrics.bytes.inc({ direction: 'client_to_server' }, end.bytesUp);
      this.parts.metrics.bytes.inc({ direction: 'server_to_client' }, end.bytesDown);
      log.info('WebSocket closed', {
        ...{ address: browser.address, reason: end.reason },
        ...{ bytes_up: end.bytesUp, bytes_down: end.bytesDown, duration: Number(end.duration.toFixed(3)) },
      });
    });
    this.bridges.add(bridge);
    log.info('WebSocket opened', { address: browser.address });
  }

  private refusalOf(request: IncomingMessage, browser: Origin): Refusal | null {
    const path = (request.url ?? '').replace(/\?.*$/s, '');
    if (path !== PATH && !(path === TOKEN_PATH && rfbTokenOf(request) !== null))
      return { status: 404, reason: 'path', detail: 'no WebSocket at this path' };
    if (!isWebSocket(request)) return { status: 400, reason: 'handshake', detail: 'no WebSocket handshake' };
    const fault = originFault(request, browser, this.parts.origins);
    if (fault !== null) return { status: 403, reason: 'origin', detail: fault };
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
    if (offered[0] !== '' && !offered.includes(SUBPROTOCOL))
      return { status: 400, reason: 'subprotocol', detail: 'the subprotocol is not binary' };
    const { maxConnections, maxConnectionsPerAddress } = this.parts;
    if (!this.accepting) return { status: 503, reason: 'draining', detail: 'the service stops' };
    if (this.count >= maxConnections)
      return { status: 503, reason: 'limit_connections', detail: 'too many WebSockets' };
    if (this.byAddress.of(browser.address) >= maxConnectionsPerAddress)
      return { status: 429, reason: 'limit_address', detail: 'too many WebSockets from this address' };
    return null;
  }

  private refuse(socket: Duplex, browser: Origin, { status, reason, detail }: Refusal): void {
    this.parts.metrics.refused.inc({ reason });
    log.info('WebSocket refused', { address: browser.address, reason, status, detail });
    socket.once('finish', () => void socket.destroy());
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
    );
  }

  private probe(): void {
    for (const bridge of this.bridges) bridge.probe();
  }
}

/** What a browser is answered whose console did not come up; null: the fault is ours. */
function refusalFor(error: unknown): Refusal | null {
  if (error instanceof ProxyUnreachable)
    return { status: error.late ? 504 : 502, reason: 'proxy_unreachable', detail: error.message };
  if (error instanceof TokenRefused)
    return { status: TOKEN_STATUS[error.kind], reason: 'token', detail: error.message };
  if (error instanceof SessionRefused)
    return {
      status: error.denied ? 403 : 502,
      reason: error.denied ? 'token' : 'session',
      detail: error.message,
    };
  return null;
}

/** RFC 6455, section 4.2.1; the rest of it is checked when the handshake is answered. */
function isWebSocket({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    /^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '')
  );
}
