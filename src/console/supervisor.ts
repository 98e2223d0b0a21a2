// SPDX-License-Identifier: Apache-2.0
// The proxy's parent process: puts together control plane, relay workers, certificates and metrics; polls for
// sessions to end; drains and stops.
import { isDeepStrictEqual } from 'node:util';
import type { Conf } from '../conf/index.js';
import type { Database } from '../objects/database.js';
import { loggerFor } from '../log.js';
import { doneWithin } from '../net/deadline.js';
import type { Presence } from '../service/heartbeat.js';
import type { Messaging } from '../messaging/messaging.js';
import type { MetricsServer, ProcessMetrics } from '../service/metrics.js';
import { Readiness } from '../service/readiness.js';
import type { OwnNotifications } from '../notifications/own/own-notifications.js';
import { SessionEnds } from '../notifications/own/session-ends.js';
import type { AuditEvents } from '../objects/audit-event.js';
import { MAIN_CHANNEL } from '../objects/console-session-state.js';
import { AuditQueue } from './control/audit-queue.js';
import { CertificateWatch, loadCertificates } from '../tls/certificates.js';
import { ControlPlane, type SessionNouns } from './control/control-plane.js';
import type { Answer, WorkerNote, WorkerRequest } from './ipc.js';
import type { ConsoleLocator } from './control/location.js';
import type { TlsMaterial } from '../tls/certificates.js';
import type { WorkerName } from './control/live-channels.js';
import { ProxyMetrics } from './control/metrics.js';
import { relaySettings } from './control/relay-settings.js';
import { WorkerPool, type Ports, type WorkerListener } from './control/worker-pool.js';

const log = loggerFor('kerbside.console.supervisor');

/** Milliseconds that the workers may take to end everything, and that the last records may take after them. */
const STOP_TIMEOUT = 3000;
const RECORD_TIMEOUT = 1500;
/** Milliseconds between two looks at this node's own channels: the net under the poll, which goes by time. */
const SWEEP_INTERVAL = 10_000;
/** Of the time that a worker waits for an answer, the part that a look at an instance may take. */
const LOOK_SHARE = 0.7;

/** What the proxy stands on. */
export interface ProxyServices {
  readonly conf: Conf;
  readonly db: Database;
  readonly messaging: Messaging;
  readonly nouns: SessionNouns;
  readonly events: AuditEvents;
  readonly own: OwnNotifications;
  readonly locator: ConsoleLocator;
  /** What this process may be sure of: whether others can have taken it for dead. */
  readonly presence: Presence;
  /** Where the proxy shows its metrics; it serves them. */
  readonly metrics: ProcessMetrics;
}

/** What {@link ProxyServer} is made of. */
interface Parts {
  readonly metrics: ProxyMetrics;
  readonly metricsServer: MetricsServer;
  readonly readiness: Readiness;
  readonly audit: AuditQueue;
  readonly nouns: SessionNouns;
  readonly tls: TlsMaterial;
  readonly locator: ConsoleLocator;
  readonly own: OwnNotifications;
  readonly ends: SessionEnds;
  readonly messaging: Messaging;
  readonly presence: Presence;
}

/** The running proxy of this node. */
export class ProxyServer implements WorkerListener {
  private readonly control: ControlPlane;
  private readonly pool: WorkerPool;
  private readonly watch: CertificateWatch;
  private readonly pollTimer: NodeJS.Timeout;
  private readonly sweepTimer: NodeJS.Timeout;
  private readonly unsubscribe: () => void;
  private firewall: Conf['firewall'];
  private draining = false;
  private bound: Ports = { secure: [], insecure: [] };

  /** Takes the parts up; {@link startProxy} makes them and starts the workers. */
  constructor(
    private readonly conf: Conf,
    private readonly parts: Parts,
  ) {
    const { default: general, proxy, firewall, spice } = conf;
    this.firewall = firewall;
    this.pool = new WorkerPool(relaySettings(conf), parts.tls, this);
    this.control = new ControlPlane(
      parts.nouns,
      parts.audit,
      parts.metrics,
      {
        node: general.nodeName,
        maxConnectionsPerAddress: proxy.maxConnectionsPerAddress,
        session: { firewall },
        lookTimeout: proxy.controlTimeout * LOOK_SHARE,
        recoveryPatience: general.serviceDownTime,
      },
      {
        endOnWorker: (workerId, sessionId, generation, reason) =>
          this.pool.tell(workerId, { op: 'end_session', sessionId, generation, reason }),
        tellSettings: (workerId, sessionId, settings) =>
          this.pool.tell(workerId, { op: 'policy_changed', sessionId, settings }),
        certain: () => parts.presence.certain(),
        news: {
          started: (session) => parts.own.started(session),
          ended: (sessionId, generation) => parts.ends.add(sessionId, generation),
          refused: (refused) => parts.own.refused(refused),
        },
        locator: parts.locator,
      },
    );
    this.unsubscribe = parts.messaging.fanout.subscribe((message) => this.control.hear(message));
    this.pollTimer = setInterval(() => void this.control.poll(), proxy.pollInterval * 1000);
    this.sweepTimer = setInterval(() => void this.control.sweep(), SWEEP_INTERVAL);
    this.watch = new CertificateWatch(spice.certPath, spice.keyPath, parts.tls, (material) =>
      this.pool.useCertificates(material),
    );
    parts.metrics.onScrape(() => this.refreshGauges());
  }

  /** The ports of the TLS listeners, one for each address. */
  get securePorts(): readonly number[] {
    return this.bound.secure;
  }

  /** The ports of the plain listeners, one for each address. */
  get insecurePorts(): readonly number[] {
    return this.bound.insecure;
  }

  /** The port of the metrics. */
  get metricsPort(): number {
    return this.parts.metricsServer.port;
  }

  /**
   * Starts the workers; returns once all of them listen.
   *
   * @throws StartupError when a port cannot be had
   */
  async listen(): Promise<void> {
    this.bound = await this.pool.start(this.conf.spice.workers);
    this.parts.readiness.require(() => (this.pool.reachable ? undefined : 'no relay worker listens'));
    this.parts.readiness.setStarted();
    log.info('metrics listening', { address: this.conf.metrics.address, port: this.metricsPort });
    for (const port of new Set(this.bound.secure)) log.info('secure SPICE listener bound', { port });
    for (const port of new Set(this.bound.insecure)) log.info('insecure SPICE listener bound', { port });
  }

  /** `/healthcheck` beside the metrics answers 503 from now on. */
  setDraining(): void {
    this.parts.readiness.setDraining();
  }

  /** Reads the certificates again, and takes up what of the configuration may change while sessions live. */
  reload({ firewall }: Conf): void {
    void this.watch.reload();
    if (isDeepStrictEqual(firewall, this.firewall)) return;
    this.firewall = firewall;
    log.info('the firewall has other rules; open channels follow with their next message', {
      mode: firewall.mode,
      permitted_channels: firewall.permittedChannels.join(','),
    });
    this.control.useSettings({ firewall });
  }

  /** Channels, sessions and workers of this node, for the list of services. */
  report(): Readonly<Record<string, unknown>> {
    const { live } = this.control;
    return {
      ...{ channels: live.size, sessions: live.sessionCount, draining: this.draining },
      workers: this.pool.size,
    };
  }

  /** This node was taken for dead and is back. @throws DatabaseError when the database is away again: call it anew */
  recovered(): Promise<void> {
    return this.control.recover();
  }

  /** Accepts nothing more; resolves when the last session has ended or `drain_timeout` is over. */
  async drain(): Promise<void> {
    const { drainTimeout } = this.conf.proxy;
    this.draining = true;
    log.info('draining: no new connections', {
      channels: this.control.live.size,
      drain_timeout: drainTimeout,
    });
    await this.pool.drain(drainTimeout * 1000);
  }

  /** Ends every connection and all workers, and writes what is left to write. */
  async close(): Promise<void> {
    clearInterval(this.pollTimer);
    clearInterval(this.sweepTimer);
    this.unsubscribe();
    this.watch.close();
    await this.pool.stop(STOP_TIMEOUT);
    await doneWithin(this.control.settle(), RECORD_TIMEOUT);
    await doneWithin(this.parts.audit.close(), RECORD_TIMEOUT);
    await doneWithin(this.parts.ends.close(), RECORD_TIMEOUT);
    await this.parts.metricsServer.close();
  }

  request(worker: WorkerName, body: WorkerRequest): Promise<Answer> {
    return this.control.request(worker, body);
  }

  note(note: WorkerNote): void {
    this.control.note(note);
  }

  died(worker: WorkerName, expected: boolean): void {
    this.control.workerDied(worker);
    if (!expected) this.parts.metrics.workerDeaths.inc();
  }

  private refreshGauges(): void {
    const { activeConnections, activeSessions, workers } = this.parts.metrics;
    const { live } = this.control;
    activeConnections.set(live.size);
    workers.set(this.pool.size);
    activeSessions.reset();
    for (const { source } of live.sessions()) activeSessions.inc({ source });
  }
}

/**
 * Starts the proxy of this node.
 *
 * @throws StartupError when a certificate, a port or the metrics port cannot be had
 */
export async function startProxy(services: ProxyServices): Promise<ProxyServer> {
  const { conf, db, messaging, nouns, own, locator, presence, metrics: exposed } = services;
  const tls = await loadCertificates(conf.spice.certPath, conf.spice.keyPath);
  const ends = new SessionEnds(db, own, 'node');
  const metrics = new ProxyMetrics();
  exposed.add(metrics);
  const { address, port } = conf.metrics;
  const readiness = new Readiness(db, { starting: true });
  const metricsServer = await exposed.serve({ address, port, option: 'port' }, readiness);
  const audit = new AuditQueue(services.events);
  const server = new ProxyServer(conf, {
    ...{ metrics, metricsServer, readiness, audit, nouns, tls, locator },
    ...{ own, ends, messaging, presence },
  });
  try {
    const lost = await nouns.channels.clearNode(conf.default.nodeName);
    if (lost.length > 0)
      log.info('closed the channels that an earlier run of this node left open', { channels: lost.length });
    for (const { sessionId, generation, channelType } of lost)
      if (channelType === MAIN_CHANNEL) ends.add(sessionId, generation);
    await server.listen();
  } catch (error) {
    await server.close();
    throw error;
  }
  return server;
}
