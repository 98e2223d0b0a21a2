// SPDX-License-Identifier: Apache-2.0
// One WebSocket and its leg to kerbside-proxy: bytes pass as they are, the slower side sets the pace, and the end of
// one is the end of the other.
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream';
import { createWebSocketStream, type WebSocket } from 'ws';

/** For how long a side may take for its last bytes and its closing handshake. */
const LINGER_MS = 10_000;
const GOING_AWAY = 1001;

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
  /** The browser has sent something since the last probe. */
  private active = true;

  /** Starts to pass bytes; `onEnd` is called once, when both sides are done. */
  constructor(
    private readonly socket: WebSocket,
    private readonly leg: Socket,
    private readonly onEnd: (end: BridgeEnd) => void,
  ) {
    const stream = createWebSocketStream(socket);
    // Without listeners a fault that comes after the end would end the process.
    for (const each of [socket, stream, leg]) each.on('error', () => undefined);
    socket.on('message', (data: Buffer) => {
      this.active = true;
      this.bytesUp += data.length;
    });
    socket.on('pong', () => (this.active = true));
    socket.once('close', () => this.ending('the browser closed'));
    leg.once('end', () => this.ending('the proxy closed'));
    leg.on('data', (chunk: Buffer) => (this.bytesDown += chunk.length));
    pipeline(leg, stream, leg, (error) => this.finish(error ?? null));
  }

  /**
   * Pings the browser.
   * @returns false when it has sent nothing since the last time: the bridge ends then
   */
  probe(): boolean {
    // A browser that is not read from cannot answer: kerbside-proxy has a deadline for that.
    if (!this.active && !this.socket.isPaused) {
      this.ending('the browser does not answer');
      this.socket.terminate();
      return false;
    }
    this.active = false;
    this.socket.ping();
    return true;
  }

  /** Ends the bridge: the service stops. */
  close(): void {
    this.ending('the service stops');
    this.leg.destroy();
    this.socket.close(GOING_AWAY);
    this.cutSoon();
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
      this.leg.destroy();
    }, LINGER_MS);
    cut.unref();
    this.socket.once('close', () => clearTimeout(cut));
  }

  private finish(error: NodeJS.ErrnoException | null): void {
    this.leg.destroy();
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
