// SPDX-License-Identifier: Apache-2.0
// What a stranger may ask of our HTTP servers, and how they end: one set of limits for all of them.
import { once } from 'node:events';
import type { Server } from 'node:http';
import { doneWithin } from './deadline.js';

/** For node:http's and node:https's createServer. */
export const HTTP_LIMITS = {
  /** Request line and headers together, bytes. */
  maxHeaderSize: 16384,
  /** From the first byte of a connection to the end of the headers, ms. */
  headersTimeout: 10_000,
  /** From the first byte of a request to its last, body included, ms. */
  requestTimeout: 20_000,
  /** How long a connection may be idle between requests, ms. Longer than the 60 s of common balancers. */
  keepAliveTimeout: 65_000,
  /** How often the timeouts are checked, ms. */
  connectionsCheckingInterval: 2000,
} as const;

/** Counts requests under way, so that closing waits for them and for nothing else. */
export class RequestGate {
  private pending = 0;
  private closing = false;

  constructor(private readonly server: Server) {
    server.on('request', (_request, response) => {
      this.pending += 1;
      response.once('close', () => {
        this.pending -= 1;
        this.closeWhenIdle();
      });
    });
  }

  /** Stops listening, lets requests under way finish for at most `milliseconds`, then cuts what is left. */
  async close(milliseconds: number): Promise<void> {
    const closed = once(this.server, 'close');
    this.closing = true;
    this.server.close();
    this.closeWhenIdle();
    if (await doneWithin(closed, milliseconds)) return;
    this.server.closeAllConnections();
    await closed;
  }

  /** Node does not close connections that have not sent a request yet; no answer is owed on those. */
  private closeWhenIdle(): void {
    if (this.closing && this.pending === 0) this.server.closeAllConnections();
  }
}
