// SPDX-License-Identifier: Apache-2.0
// One WebSocket and its leg to kerbside-proxy: bytes pass as they are, the slower side sets the pace, and the end of
// one is the end of the other.
import { pipeline } from 'node:stream';
import { createWebSocketStream, type WebSocket } from 'ws';
import type { DialledLeg } from './proxy-leg.js';

/** For how long a side may take for its last bytes and its closing handshake. */
const LINGER_MS = 10_000;
/** RFC 6455, section 7.4.1. */
const GOING_AWAY = 1001;
/** The same: the connection ended without a closing handshake. */
const ABNORMAL = 1006;
/**
 * Pings without an answer that end a bridge. After an outage TCP may rest for as long again before it sends once more:
 * for an answer to come through after one of two minutes, four must be waited.
 */
const MOST_UNANSWERED = 8;

/** How a bridge ended. */
export interface BridgeEnd {
  /** Bytes of SPICE from the browser and to it. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** Seconds. */
  readonly duration: number;
  readonly reason: string;
}

/** A bridge between a browser and kerbside-proxy. */
export class Bridge {
  private readonly startedAt = performance.now();
  private bytesUp = 0;
  private bytesDown = 0;
  private reason: string | null = null;
  /** Pings since the browser has sent something. */
  private unanswered = 0;

  /** Starts to pass bytes; `onEnd` is called once, when both sides are done. */
  constructor(
    private readonly socket: WebSocket,
    private readonly leg: DialledLeg,
    private readonly onEnd: (end: BridgeEnd) => void,
  ) {
    const stream = createWebSocketStream(socket);
    // Without listeners a fault that comes after the end would end the process.
    const { stream: proxy } = leg;
    for (const each of [socket, stream, proxy]) each.on('error', () => undefined);
    socket.on('message', (data: Buffer) => {
      this.unanswered = 0;
      this.bytesUp += data.length;
    });
    socket.on('pong', () => (this.unanswered = 0));
    socket.once('close', (code) => this.closed(code));
    proxy.once('end', () => this.ending('the proxy closed'));
    proxy.on('data', (chunk: Buffer) => (this.bytesDown += chunk.length));
    pipeline(proxy, stream, proxy, (error) => this.finish(error ?? null));
  }

  /**
   * Pings the browser.
   * @returns false when it has not answered for too long: the bridge ends then
   */
  probe(): boolean {
    // A browser that is not read from cannot answer: kerbside-proxy has a deadline for that.
    if (this.unanswered >= MOST_UNANSWERED && !this.socket.isPaused) {
      this.ending('the browser does not answer');
      this.socket.terminate();
      return false;
    }
    this.unanswered += 1;
    this.socket.ping();
    return true;
  }

  /** Ends the bridge: the service stops. */
  close(): void {
    this.ending('the service stops');
    this.leg.stream.destroy();
    this.socket.close(GOING_AWAY);
    this.cutSoon();
  }

  // kerbside-proxy must not take a channel that was lost for one that its user closed.
  private closed(code: number): void {
    this.ending(code === ABNORMAL ? 'the connection to the browser was lost' : 'the browser closed');
    if (code === ABNORMAL) this.leg.reset();
  }

  /** The first reason counts; from then on there is a deadline. */
  private ending(reason: string): void {
    if (this.reason !== null) return;
    this.reason = reason;
    this.cutSoon();
  }

  private cutSoon(): void {
    const cut = setTimeout(() => {
      this.socket.terminate();
      this.leg.stream.destroy();
    }, LINGER_MS);
    cut.unref();
    this.socket.once('close', () => clearTimeout(cut));
  }

  private finish(error: NodeJS.ErrnoException | null): void {
    this.leg.stream.destroy();
    // Bytes that are left for the browser are sent within the deadline.
    if (this.socket.readyState <= this.socket.OPEN) {
      this.socket.close();
      this.cutSoon();
    }
    const duration = (performance.now() - this.startedAt) / 1000;
    const reason = this.reason ?? error?.code ?? error?.message ?? 'ended';
    this.onEnd({ bytesUp: this.bytesUp, bytesDown: this.bytesDown, duration, reason });
  }
}
