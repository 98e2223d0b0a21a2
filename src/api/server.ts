// SPDX-License-Identifier: Apache-2.0
// The listener of the REST service: begins, and lets requests that are under way finish when it ends.
import { createServer, type RequestListener } from 'node:http';
import { loggerFor } from '../log.js';
import { HTTP_LIMITS, RequestGate } from '../net/http-limits.js';
import { listen } from '../net/listen.js';
import type { Readiness } from '../service/readiness.js';

const log = loggerFor('kerbside.api');

const CLOSE_DEADLINE_MS = 5000;

/** Connections beyond this are cut at once: strangers must not take all of the process's file descriptors. */
const MAX_CONNECTIONS = 4096;

/** The REST service on its port. */
export class ApiServer {
  private gate: RequestGate | undefined;
  private bound = 0;

  /** @param place `[api]` address and port */
  constructor(
    private readonly place: { readonly address: string; readonly port: number },
    private readonly readiness: Pick<Readiness, 'setDraining'>,
  ) {}

  /** The TCP port that it listens on; 0 before it does. */
  get port(): number {
    return this.bound;
  }

  /**
   * Begins to listen.
   *
   * @param handler answers requests
   * @throws StartupError when the port cannot be had
   */
  async start(handler: RequestListener): Promise<void> {
    // NOTE: not app.listen(): Nest's own server can not be given a limit for its headers.
    const server = createServer(HTTP_LIMITS, handler);
    server.maxConnections = MAX_CONNECTIONS;
    const gate = new RequestGate(server);
    const { address: host, port: wanted } = this.place;
    const place = { host, port: wanted, option: '[api] address, port', log };
    const { address, port } = await listen(server, place);
    this.gate = gate;
    this.bound = port;
    log.info('REST API listening', { address, port });
  }

  /** `/healthcheck` answers 503 from now on; everything else goes on. */
  setDraining(): void {
    this.readiness.setDraining();
  }

  /** Stops listening, lets requests under way finish for at most 5 s, ends. */
  async close(): Promise<void> {
    this.setDraining();
    await this.gate?.close(CLOSE_DEADLINE_MS);
  }
}
