// SPDX-License-Identifier: Apache-2.0
// What a process shows to Prometheus: the metrics of all its parts behind one listener.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Gauge, Registry } from 'prom-client';
import type { Conf } from './conf/index.js';
import { StartupError } from './exception.js';
import { loggerFor } from './log.js';
import { VERSION } from './version.js';

const log = loggerFor('kerbside.metrics');

/** Metrics in the text format 0.0.4. Parts of a process have no name in common. */
export interface Exposition {
  text(): Promise<string>;
}

/** Where metrics are served, and by which option of [metrics], for faults. */
export interface MetricsPlace {
  readonly address: string;
  readonly port: number;
  readonly option: 'port' | 'conductor_port';
}

/** The metrics of a process. */
export class ProcessMetrics implements Exposition {
  private readonly registry = new Registry();
  private readonly parts = new Set<Exposition>();
  private server: MetricsServer | undefined;

  constructor() {
    new Gauge({
      name: 'kerbside_build_info',
      help: 'Always 1; the labels tell what runs.',
      labelNames: ['version', 'node_version'],
      registers: [this.registry],
    }).set({ version: VERSION, node_version: process.versions.node }, 1);
  }

  /** Whether they are served already: the first part of a process that serves them serves them for all. */
  get served(): boolean {
    return this.server !== undefined;
  }

  /** Shows the metrics of a part, too; gives the function that ends it. */
  add(part: Exposition): () => void {
    this.parts.add(part);
    return () => this.parts.delete(part);
  }

  /** The metrics of all parts. */
  async text(): Promise<string> {
    const texts = [this.registry.metrics(), ...[...this.parts].map(async (part) => part.text())];
    return (await Promise.all(texts)).join('');
  }

  /**
   * Serves them until the server is closed.
   *
   * @throws StartupError when the port cannot be had
   */
  async serve(place: MetricsPlace): Promise<MetricsServer> {
    const server = await serveMetrics(this, place, () => {
      this.server = undefined;
    });
    this.server = server;
    return server;
  }
}

/**
 * Serves `GET /metrics`; every other path is 404.
 *
 * @throws StartupError when the port cannot be had
 */
async function serveMetrics(
  metrics: Exposition,
  { address, port, option }: MetricsPlace,
  closed: () => void,
): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url?.split('?')[0] !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    metrics.text().then(
      (text) => response.writeHead(200, { 'content-type': Registry.PROMETHEUS_CONTENT_TYPE }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  server.requestTimeout = 10_000;
  server.maxConnections = 64;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new StartupError(`[metrics] ${option}: ${fault(error, address, port)}`)),
    );
    server.listen({ host: address, port }, resolve);
  });
  // Without a listener a failed accept (no file descriptor left) would end the process.
  server.on('error', (error) => log.error('metrics listener fault', { error }));
  server.on('close', closed);
  return new MetricsServer(server);
}

/**
 * The exporter of a program that has no proxy: on `[metrics] conductor_port`.
 *
 * @throws StartupError when the port cannot be had
 */
export async function startExporter({
  conf,
  metrics,
}: {
  readonly conf: Pick<Conf, 'metrics'>;
  readonly metrics: ProcessMetrics;
}): Promise<MetricsServer> {
  const { address, conductorPort: port } = conf.metrics;
  const server = await metrics.serve({ address, port, option: 'conductor_port' });
  log.info('metrics listening', { address, port: server.port });
  return server;
}

/** The running metrics listener. */
export class MetricsServer {
  constructor(private readonly server: Server) {}

  /** The port in use. */
  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Stops listening and drops scrapers. */
  close(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}

function fault(error: NodeJS.ErrnoException, address: string, port: number): string {
  const what =
    error.code === 'EADDRINUSE'
      ? 'the port is taken by another program; stop it or choose another port'
      : error.message;
  return `cannot listen on ${address} port ${port}: ${what}`;
}
