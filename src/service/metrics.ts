// SPDX-License-Identifier: Apache-2.0
// What a process exposes to monitoring: the metrics of all its parts for Prometheus, and its readiness for load balancers,
// behind one listener.
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Gauge, Registry } from 'prom-client';
import type { Conf } from '../conf/index.js';
import { loggerFor } from '../log.js';
import { listen } from '../net/listen.js';
import type { Database } from '../objects/database.js';
import { Readiness } from './readiness.js';
import { VERSION } from '../version.js';

const log = loggerFor('kerbside.metrics');

/** For a request from its first byte to its last. */
const LIMITS = { requestTimeout: 10_000 } as const;
/** Scrapers and load balancers are few. */
const MAX_CONNECTIONS = 64;

/** Metrics in the text format 0.0.4. Parts of a process have no name in common. */
export interface Exposition {
  text(): Promise<string>;
}

/** Where metrics are served, and the option of [metrics] for faults. */
export interface MetricsPlace {
  readonly address: string;
  readonly port: number;
  readonly option: 'port' | 'conductor_port' | 'html5proxy_port';
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

  /** Exposes the metrics of a part; gives the function that ends it. */
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
   * Serves them until the server is closed, and whether the process is ready.
   *
   * @throws StartupError when the port cannot be had
   */
  async serve(place: MetricsPlace, readiness: Pick<Readiness, 'fault'>): Promise<MetricsServer> {
    const server = createServer(LIMITS, watching(this, readiness));
    server.maxConnections = MAX_CONNECTIONS;
    const { address: host, port, option } = place;
    await listen(server, { host, port, option: `[metrics] ${option}`, log });
    server.on('close', () => (this.server = undefined));
    this.server = new MetricsServer(server);
    return this.server;
  }
}

/** `GET /metrics`, `GET /healthcheck` and `GET /healthcheck/live`; every other path is 404. */
function watching(metrics: Exposition, readiness: Pick<Readiness, 'fault'>): RequestListener {
  return (request, response) => {
    const fail = (): void => void response.writeHead(500).end();
    switch (`${request.method ?? ''} ${request.url?.split('?')[0] ?? ''}`) {
      case 'GET /metrics':
        metrics
          .text()
          .then(
            (text) => response.writeHead(200, { 'content-type': Registry.PROMETHEUS_CONTENT_TYPE }).end(text),
            fail,
          );
        return;
      case 'GET /healthcheck':
        readiness.fault().then((fault) => answer(response, fault), fail);
        return;
      case 'GET /healthcheck/live':
        answer(response, undefined);
        return;
      default:
        response.writeHead(404).end();
    }
  };
}

/** Answers as the REST service does. */
function answer(response: ServerResponse, fault: string | undefined): void {
  const [status, body] = fault === undefined ? [200, { result: 'ok' }] : [503, { error: fault, status: 503 }];
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/**
 * The exporter of a program that has no proxy: on `[metrics] conductor_port`.
 *
 * @throws StartupError when the port cannot be had
 */
export async function startExporter({
  conf,
  db,
  metrics,
}: {
  readonly conf: Pick<Conf, 'metrics'>;
  readonly db: Pick<Database, 'ping'>;
  readonly metrics: ProcessMetrics;
}): Promise<MetricsServer> {
  const { address, conductorPort: port } = conf.metrics;
  const server = await metrics.serve({ address, port, option: 'conductor_port' }, new Readiness(db));
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
