// SPDX-License-Identifier: Apache-2.0
// The WebSockets of browsers, one for each SPICE channel: who may open one, and how many. The upgrade is answered
// only after kerbside-proxy has been reached.
import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { AddressCounts } from '../net/address-counts.js';
import { loggerFor } from '../log.js';
import type { NetworkList } from '../net/network-list.js';
import { Bridge } from './bridge.js';
import type { Origin } from '../net/forwarded.js';
import { browserOf, originFault } from './browser.js';
import type { Html5Metrics } from './metrics.js';
import { ProxyUnreachable, type DialledLeg, type ProxyLeg } from './proxy-leg.js';

const log = loggerFor('kerbside.html5proxy.websocket');

/** The path that the browser's client opens; that of websockify. */
const PATH = '/websockify';
const SUBPROTOCOL = 'binary';
/** The longest message of a browser. Its client sends less than 64 KiB at once. */
const MAX_MESSAGE_BYTES = 1024 * 1024;
/** Between two pings. */
const PROBE_INTERVAL_MS = 30_000;

/** What {@link Sockets} is made with. */
export interface SocketsDependencies {
  readonly leg: ProxyLeg;
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
  }

  private async open(request: IncomingMessage, socket: Duplex, head: Buffer, browser: Origin): Promise<void> {
    const gone = new AbortController();
    const onGone = (): void => gone.abort();
    socket.once('close', onGone);
    const { localAddress = '', localPort = 0 } = request.socket;
    let leg: DialledLeg;
    try {
      leg = await this.parts.leg.dial(browser, { address: localAddress, port: localPort }, gone.signal);
    } catch (error) {
      if (!(error instanceof ProxyUnreachable)) throw error;
      if (gone.signal.aborted) return;
      log.warning('kerbside-proxy cannot be reached', { detail: error.message });
      const refusal = { status: error.late ? 504 : 502, reason: 'proxy_unreachable', detail: error.message };
      this.refuse(socket, browser, refusal);
      return;
    }
    // Before there is a bridge, the leg ends with the browser's connection; also where the handshake is refused.
    const drop = (): void => void leg.stream.destroy();
    socket.once('close', drop);
    if (socket.destroyed || !this.accepting) {
      leg.stream.destroy();
      socket.destroy();
      return;
    }
    this.server.handleUpgrade(request, socket, head, (websocket) => {
      socket.off('close', drop);
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
    });
  }

  private refusalOf(request: IncomingMessage, browser: Origin): Refusal | null {
    const path = (request.url ?? '').replace(/\?.*$/s, '');
    if (path !== PATH) return { status: 404, reason: 'path', detail: 'no WebSocket at this path' };
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

/** RFC 6455, section 4.2.1; the rest of it is checked when the handshake is answered. */
function isWebSocket({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    /^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '')
  );
}
