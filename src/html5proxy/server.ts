// SPDX-License-Identifier: Apache-2.0
// Starts and ends the service for browsers: its listener, its pages and its WebSockets.
import { once } from 'node:events';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Conf } from '../conf/index.js';
import { CertificateWatch, loadCertificates } from '../tls/certificates.js';
import { browserCertificates } from '../tls/inspection.js';
import { AddressCounts } from '../net/address-counts.js';
import { loggerFor } from '../log.js';
import type { MetricsServer, ProcessMetrics } from '../service/metrics.js';
import { doneWithin } from '../net/deadline.js';
import { HTTP_LIMITS } from '../net/http-limits.js';
import { listen } from '../net/listen.js';
import { plainAddress } from '../net/address.js';
import { NetworkList } from '../net/network-list.js';
import type { Database } from '../objects/database.js';
import type { ConsoleTokens } from '../objects/console-token.js';
import type { SessionOutcomes } from '../objects/session-outcome.js';
import { Readiness } from '../service/readiness.js';
import type { TokenExchange } from '../broker/token-exchange.js';
import { Html5Metrics } from './metrics.js';
import { Pages } from './pages.js';
import { checkLeg, proxyLeg } from './leg-check.js';
import type { ProxyLeg } from './proxy-leg.js';
import { Sockets } from './sockets.js';
import { nativeAddress } from './native-address.js';
import { readViewer } from './viewer-files.js';
import { readWebRoot } from './web-root.js';

const log = loggerFor('kerbside.html5proxy');

/** What {@link startHtml5Proxy} needs. */
export interface Html5Services {
  readonly conf: Conf;
  readonly db: Database;
  readonly exchange: TokenExchange;
  readonly outcomes: SessionOutcomes;
  readonly tokens: Pick<ConsoleTokens, 'redeem'>;
  /** Where its metrics are exposed; it serves them unless another part of the process does. */
  readonly metrics: ProcessMetrics;
}

/** For how long the TLS handshake of a browser may take. */
const TLS_LIMITS = { handshakeTimeout: 10_000 } as const;

/** TCP connections beside the WebSockets: for files, and for refusals with a status. */
const SPARE_CONNECTIONS = 1024;
const SPARE_PER_ADDRESS = 64;
/** For how long requests under way and closing handshakes may take at the end. */
const CLOSE_DEADLINE_MS = 3000;

/** What an {@link Html5Server} is made with. */
interface Html5Dependencies {
  readonly server: Server;
  readonly pages: Pages;
  readonly readiness: Readiness;
  readonly sockets: Sockets;
  readonly leg: ProxyLeg;
  readonly certificates: CertificateWatch | null;
  /** Ends the metrics. */
  readonly hide: () => Promise<void> | void;
}

/** The running service. */
export class Html5Server {
  private readonly server: Server;

  constructor(
    private readonly conf: Conf,
    private readonly parts: Html5Dependencies,
  ) {
    this.server = parts.server;
  }

  /** The TCP port that it listens on. */
  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** /healthcheck answers 503 from now on; everything else goes on. */
  setDraining(): void {
    this.parts.readiness.setDraining();
  }

  /** Accepts nothing more; resolves when the last WebSocket has ended or `drain_timeout` is over. */
  async drain(): Promise<void> {
    log.info('draining: no new connections', { websockets: this.parts.sockets.size });
    this.server.close();
    this.server.closeIdleConnections();
    await doneWithin(this.parts.sockets.drain(), this.conf.proxy.drainTimeout * 1000);
  }

  /** Reads certificate and files again. */
  reload(): void {
    void this.parts.certificates?.reload();
    void checkLeg(this.parts.leg);
    readWebRoot(this.conf.html5proxy.web).then(
      (web) => this.parts.pages.useWeb(web),
      (error: unknown) =>
        log.error('the files for browsers were not reloaded; the old ones stay in use', {
          error: error instanceof Error ? error.message : String(error),
        }),
    );
  }

  /** For the list of services. */
  report(): Readonly<Record<string, unknown>> {
    return { websockets: this.parts.sockets.size };
  }

  /** Ends everything. */
  async close(): Promise<void> {
    this.parts.sockets.close();
    this.parts.certificates?.close();
    const closed = this.server.listening ? once(this.server, 'close') : Promise.resolve();
    if (this.server.listening) this.server.close();
    this.server.closeIdleConnections();
    const cut = setTimeout(() => this.server.closeAllConnections(), CLOSE_DEADLINE_MS);
    await Promise.all([closed, doneWithin(this.parts.sockets.drain(), CLOSE_DEADLINE_MS)]);
    clearTimeout(cut);
    await this.parts.hide();
  }
}

/**
 * Starts the service on [html5proxy] address and port.
 * @throws StartupError when the port is taken, or a file that the service needs cannot be read
 */
export async function startHtml5Proxy(services: Html5Services): Promise<Html5Server> {
  const { conf, exchange, outcomes } = services;
  const metrics = new Html5Metrics();
  const web = await readWebRoot(conf.html5proxy.web);
  const trusted = new NetworkList(conf.html5proxy.trustedProxies);
  const origins = conf.html5proxy.allowedOrigins;
  const readiness = new Readiness(services.db, { starting: true });
  const { tokens } = services;
  const pages = new Pages(
    {
      ...{ exchange, outcomes, tokens, metrics, readiness, trusted, origins },
      grace: conf.console.reconnectGrace,
      native: await nativeAddress(conf.spice),
    },
    web,
    await readViewer(),
  );
  const leg = await proxyLeg(conf);
  const sockets = new Sockets({
    ...{ leg, metrics, trusted, origins },
    tokens: { exchange, metrics },
    openTimeout: conf.proxy.linkTimeout + conf.proxy.controlTimeout + conf.proxy.backendTimeout,
    maxConnections: conf.html5proxy.maxConnections,
    maxConnectionsPerAddress: conf.html5proxy.maxConnectionsPerAddress,
  });
  const { server, certificates } = await makeServer(conf);
  server.maxConnections = conf.html5proxy.maxConnections + SPARE_CONNECTIONS;
  limitByAddress(server, trusted, conf.html5proxy.maxConnectionsPerAddress + SPARE_PER_ADDRESS);
  server.on('request', (request, response) => pages.handle(request, response));
  server.on('upgrade', (request, socket, head) => sockets.handle(request, socket, head));
  const remove = services.metrics.add(metrics);
  let exporter: MetricsServer | null = null;
  const hide = (): Promise<void> | void => {
    remove();
    return exporter?.close();
  };
  const running = new Html5Server(conf, {
    ...{ server, pages, readiness, sockets, leg, certificates, hide },
  });
  try {
    exporter = await serveMetrics(services, readiness);
    const { address: host, port } = conf.html5proxy;
    await listen(server, { host, port, option: '[html5proxy] address, port', log });
  } catch (error) {
    await running.close();
    throw error;
  }
  readiness.setStarted();
  const { address } = server.address() as AddressInfo;
  void checkLeg(leg);
  log.info('HTML5 proxy listening', { address, port: running.port, tls: certificates !== null });
  return running;
}

/** Closes connections of an address that has too many; trusted proxies have no limit. */
function limitByAddress(server: Server, trusted: NetworkList, limit: number): void {
  const counts = new AddressCounts();
  server.on('connection', (socket: Socket) => {
    const address = plainAddress(socket.remoteAddress);
    if (trusted.has(address)) return;
    if (counts.of(address) >= limit) {
      socket.destroy();
      return;
    }
    counts.add(address);
    socket.once('close', () => counts.remove(address));
  });
}

async function makeServer({
  html5proxy,
}: Conf): Promise<{ server: Server; certificates: CertificateWatch | null }> {
  const settings = browserCertificates(html5proxy);
  if (settings === null) return { server: createHttpServer(HTTP_LIMITS), certificates: null };
  const material = await loadCertificates(settings);
  const asOptions = ({
    cert,
    key,
  }: typeof material): { cert: string[]; key: string[]; minVersion: 'TLSv1.2' } => ({
    ...{ cert: [...cert], key: [...key], minVersion: 'TLSv1.2' },
  });
  const server = createHttpsServer({ ...HTTP_LIMITS, ...TLS_LIMITS, ...asOptions(material) });
  // An aborted handshake of a scanner or a health check must not end the process.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  const certificates = new CertificateWatch(settings, material, (fresh) =>
    server.setSecureContext(asOptions(fresh)),
  );
  return { server, certificates };
}

async function serveMetrics(
  { conf, metrics }: Html5Services,
  readiness: Readiness,
): Promise<MetricsServer | null> {
  if (metrics.served) return null;
  const { address, html5proxyPort: port } = conf.metrics;
  const server = await metrics.serve({ address, port, option: 'html5proxy_port' }, readiness);
  log.info('metrics listening', { address, port: server.port });
  return server;
}
