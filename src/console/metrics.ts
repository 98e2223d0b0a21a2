// SPDX-License-Identifier: Apache-2.0
// The proxy's Prometheus metrics: the original's six names, and what it lacked. One registry in the supervisor's
// process; the workers report to it over IPC.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { StartupError } from '../exception.js';
import { loggerFor } from '../log.js';
import { VERSION } from '../version.js';

const log = loggerFor('kerbside.console.metrics');

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** The metrics and their registry. */
export class ProxyMetrics {
  readonly registry = new Registry();
  readonly connections = this.counter('connections_total', 'TCP connections accepted on the SPICE ports.');
  readonly activeConnections = this.gauge('active_connections', 'Authorized channels that are open now.');
  readonly authorized = this.counter('authorized_total', 'Channels whose ticket was accepted.');
  readonly denied = this.counter('denied_total', 'Channels whose ticket was not accepted.');
  readonly bytesRelayed = this.counter('bytes_relayed_total', 'Bytes relayed.', ['direction']);
  readonly firewallVerdicts = this.counter(
    'firewall_verdicts_total',
    'Messages that broke the channel policy.',
    ['channel', 'direction', 'rule', 'action'],
  );
  readonly refused = this.counter(
    'refused_total',
    'Client connections refused or lost before authorization.',
    ['reason'],
  );
  readonly backendFailures = this.counter('backend_failures_total', 'Hypervisors that could not be used.', [
    'reason',
  ]);
  readonly closed = this.counter('closed_total', 'Authorized channels that ended.', ['reason']);
  readonly instanceLooks = this.counter(
    'instance_looks_total',
    'Looks at instances in Nova before their screens are opened.',
    ['outcome'],
  );
  readonly wrongGuests = this.counter(
    'wrong_guests_total',
    'Hypervisors that showed another machine than the one asked for, or did not tell which.',
    ['reason'],
  );
  readonly withheld = this.counter(
    'migration_messages_withheld_total',
    'Migration messages kept from clients.',
    ['type'],
  );
  readonly activeSessions = this.gauge('active_sessions', 'Sessions with an open channel on this node.', [
    'source',
  ]);
  readonly workers = this.gauge('workers', 'Relay workers that run.');
  readonly workerDeaths = this.counter(
    'worker_deaths_total',
    'Relay workers that ended without being told to.',
  );
  readonly linkSeconds = this.histogram('link_seconds', 'From accept to the ticket of a client.');
  readonly authorizeSeconds = this.histogram(
    'authorize_seconds',
    'Decision of the control plane about a channel.',
  );
  readonly backendSeconds = this.histogram(
    'backend_seconds',
    'Dialling and linking a hypervisor that accepted.',
  );

  constructor() {
    new Gauge({
      name: 'kerbside_build_info',
      help: 'Always 1; the labels tell what runs.',
      labelNames: ['version', 'node_version'],
      registers: [this.registry],
    }).set({ version: VERSION, node_version: process.versions.node }, 1);
    // The original's lanes read these two labels before any traffic has passed.
    this.bytesRelayed.inc({ direction: 'client_to_server' }, 0);
    this.bytesRelayed.inc({ direction: 'server_to_client' }, 0);
  }

  /** Calls `refresh` before each scrape, to bring the gauges up to date. */
  onScrape(refresh: () => void): void {
    this.refresh = refresh;
  }

  /** The exposition, text format 0.0.4. */
  text(): Promise<string> {
    this.refresh();
    return this.registry.metrics();
  }

  private refresh: () => void = () => undefined;

  private counter<T extends string>(name: string, help: string, labelNames: T[] = []): Counter<T> {
    return new Counter({ name: `kerbside_proxy_${name}`, help, labelNames, registers: [this.registry] });
  }

  private gauge<T extends string>(name: string, help: string, labelNames: T[] = []): Gauge<T> {
    return new Gauge({ name: `kerbside_proxy_${name}`, help, labelNames, registers: [this.registry] });
  }

  private histogram(name: string, help: string): Histogram {
    return new Histogram({
      name: `kerbside_proxy_${name}`,
      help,
      buckets: SECONDS,
      registers: [this.registry],
    });
  }
}

/**
 * Serves `GET /metrics`; every other path is 404.
 *
 * @throws StartupError when the port cannot be had
 */
export async function serveMetrics(
  metrics: ProxyMetrics,
  address: string,
  port: number,
): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url?.split('?')[0] !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    metrics.text().then(
      (text) => response.writeHead(200, { 'content-type': metrics.registry.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  server.requestTimeout = 10_000;
  server.maxConnections = 64;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new StartupError(fault(error, address, port))),
    );
    server.listen({ host: address, port }, resolve);
  });
  // Without a listener a failed accept (no file descriptor left) would end the process.
  server.on('error', (error) => log.error('metrics listener fault', { error }));
  return new MetricsServer(server);
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
  return `[metrics] port: cannot listen on ${address} port ${port}: ${what}`;
}
