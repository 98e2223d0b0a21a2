// SPDX-License-Identifier: Apache-2.0
// The proxy's parent process: puts together control plane, relay workers, certificates and metrics; polls for
// sessions to end; drains and stops.
import { isDeepStrictEqual } from 'node:util';
import type { Conf } from '../conf/index.js';
import type { Database } from '../objects/database.js';
import { loggerFor } from '../log.js';
import { doneWithin } from '../net/deadline.js';
import type { Liveness } from '../service/heartbeat.js';
import type { Messaging } from '../messaging/messaging.js';
import type { MetricsServer, ProcessMetrics } from '../service/metrics.js';
import { Readiness } from '../service/readiness.js';
import type { OwnNotifications } from '../notifications/own/own-notifications.js';
import { SessionEnds } from '../notifications/own/session-ends.js';
import type { AuditEntry, AuditEvents } from '../objects/audit-event.js';
import type { LostConnection } from '../objects/channel-types.js';
import type { ConsoleChannels } from '../objects/console-channel.js';
import { MAIN_CHANNEL } from '../objects/console-session-state.js';
import { AuditQueue } from './control/audit-queue.js';
import { CertificateWatch, loadCertificates } from '../tls/certificates.js';
import { spiceCertificates } from '../tls/inspection.js';
import { checkVncFiles } from '../tls/vnc-files.js';
import { SHUTDOWN_SCREEN_TIME } from './screen-name.js';
import { ControlPlane, type SessionNouns } from './control/control-plane.js';
import type { Answer, WorkerNote, WorkerRequest } from './ipc.js';
import type { Locator } from '../sources/locator.js';
import type { ClientPlace } from './spice/migration-messages.js';
import type { TlsMaterial } from '../tls/certificates.js';
import type { WorkerName } from './control/channel-registry.js';
import { ProxyMetrics } from './control/metrics.js';
import { NotificationPublisher } from './control/notification-publisher.js';
import { relaySettings } from './control/relay-settings.js';
import { nodeSettings, type NodeSettings } from './control/session-settings.js';
import { checkFolder, checkRecording } from '../recording/recording-folder.js';
import { channelName } from './spice/constants.js';
import { fromFanout, toFanout } from './control/screen-events.js';
import { WorkerPool, type Ports, type WorkerListener } from './control/worker-pool.js';

const log = loggerFor('kerbside.console.supervisor');

/** For how long the workers may take to end everything, screens that say so included, and the last records after them. */
const STOP_TIMEOUT_MS = 3000 + SHUTDOWN_SCREEN_TIME * 1000;
const RECORD_TIMEOUT_MS = 1500;
/** Between two checks of this node's own channels, for what the poll misses, which goes by time. */
const CHECK_INTERVAL_MS = 10_000;
/** Of the time that a worker waits for an answer, the part that the lookup of an instance may take. */
const LOOKUP_SHARE = 0.7;

/** What {@link startProxy} needs. */
export interface ProxyServices {
  readonly conf: Conf;
  readonly db: Database;
  readonly messaging: Messaging;
  readonly nouns: SessionNouns & { readonly channels: Pick<ConsoleChannels, 'clearNode'> };
  readonly events: AuditEvents;
  readonly own: OwnNotifications;
  readonly locator: Locator;
  /** Whether other processes can have taken this one for dead. */
  readonly liveness: Liveness;
  /** Where the proxy shows its metrics; it serves them. */
  readonly metrics: ProcessMetrics;
}

/** What a {@link ProxyServer} is made with. */
interface ProxyDependencies {
  readonly metrics: ProxyMetrics;
  readonly metricsServer: MetricsServer;
  readonly readiness: Readiness;
  readonly audit: AuditQueue;
  readonly nouns: SessionNouns;
  readonly tls: TlsMaterial;
  readonly locator: Locator;
  readonly own: OwnNotifications;
  readonly ends: SessionEnds;
  readonly messaging: Messaging;
  readonly liveness: Liveness;
}

/** The running proxy of this node. */
export class ProxyServer implements WorkerListener {
  private readonly control: ControlPlane;
  private readonly pool: WorkerPool;
  private readonly watch: CertificateWatch;
  private readonly pollTimer: NodeJS.Timeout;
  private readonly checkTimer: NodeJS.Timeout;
  private readonly unsubscribe: () => void;
  private session: NodeSettings;
  private draining = false;
  private bound: Ports = { secure: [], insecure: [] };

  /** Puts the parts together; {@link startProxy} makes them and starts the workers. */
  constructor(
    private readonly conf: Conf,
    private readonly parts: ProxyDependencies,
  ) {
    const { default: general, proxy, spice } = conf;
    this.session = nodeSettings(conf);
    this.pool = new WorkerPool(relaySettings(conf), parts.tls, this);
    this.control = new ControlPlane(
      {
        ...{ nouns: parts.nouns, audit: parts.audit, metrics: parts.metrics, locator: parts.locator },
        publisher: new NotificationPublisher(parts.own, parts.ends, general.nodeName),
        liveness: parts.liveness,
        looking: { recording: conf.recording, inspection: conf.inspection },
        send: (workerId, message) => this.pool.send(workerId, message),
        cast: (message) => parts.messaging.fanout.cast(message),
      },
      {
        node: general.nodeName,
        maxConnectionsPerAddress: proxy.maxConnectionsPerAddress,
        session: this.session,
        place: placeOf(spice),
        messageScreen: conf.console.messageScreen === 'on',
        lookupTimeout: proxy.controlTimeout * LOOKUP_SHARE,
        recoveryTimeout: general.serviceDownTime,
      },
    );
    this.unsubscribe = parts.messaging.fanout.subscribe((message) => {
      if (message.method === 'screen_event') this.pool.broadcast(fromFanout(message.args));
      else this.control.onFanout(message);
    });
    this.pollTimer = setInterval(() => {
      void this.control.watch.poll();
      this.control.settingsWatch.poll();
    }, proxy.pollInterval * 1000);
    this.checkTimer = setInterval(() => void this.control.watch.checkChannels(), CHECK_INTERVAL_MS);
    this.watch = new CertificateWatch(spiceCertificates(spice), parts.tls, (material) =>
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

  /** Reads the certificates again, and applies what of the configuration may change while sessions live. */
  reload(conf: Conf): void {
    void this.watch.reload();
    const before = this.session;
    const now = nodeSettings(conf);
    if (isDeepStrictEqual(now, before)) return;
    this.session = now;
    const { firewall, pacing, guestPolicy, trust } = now;
    if (!isDeepStrictEqual(firewall, before.firewall))
      log.info('the firewall has other rules; open channels follow with their next message', {
        mode: firewall.mode,
        permitted_channels: firewall.permittedChannels.join(','),
      });
    if (!isDeepStrictEqual(pacing, before.pacing))
      log.info('slow links are paced otherwise; open channels follow', { mode: pacing.mode });
    if (!isDeepStrictEqual([guestPolicy, trust], [before.guestPolicy, before.trust]))
      log.info('the guest data policy is another one; open channels follow with their next message');
    this.control.useSettings(this.session);
  }

  /** Channels, sessions and workers of this node, for the list of services. */
  report(): Readonly<Record<string, unknown>> {
    const { registry } = this.control;
    return {
      ...{ channels: registry.size, sessions: registry.sessionCount, draining: this.draining },
      workers: this.pool.size,
    };
  }

  /** This node was taken for dead and is back. @throws DatabaseError when the database is away again: call it again */
  recovered(): Promise<void> {
    return this.control.recover();
  }

  /** Accepts nothing more; resolves when the last session has ended or `drain_timeout` is over. */
  async drain(): Promise<void> {
    const { drainTimeout } = this.conf.proxy;
    this.draining = true;
    log.info('draining: no new connections', {
      channels: this.control.registry.size,
      drain_timeout: drainTimeout,
    });
    await this.pool.drain(drainTimeout * 1000);
  }

  /** Ends every connection and all workers, and writes what is left to write. */
  async close(): Promise<void> {
    clearInterval(this.pollTimer);
    clearInterval(this.checkTimer);
    this.watch.close();
    await this.pool.stop(STOP_TIMEOUT_MS);
    // The channels of the last screens have told each other what they had to.
    this.unsubscribe();
    await doneWithin(this.control.stopLooking(), RECORD_TIMEOUT_MS);
    await doneWithin(this.control.settle(), RECORD_TIMEOUT_MS);
    await doneWithin(this.parts.audit.close(), RECORD_TIMEOUT_MS);
    await doneWithin(this.parts.ends.close(), RECORD_TIMEOUT_MS);
    await this.parts.metricsServer.close();
  }

  request(worker: WorkerName, body: WorkerRequest): Promise<Answer> {
    return this.control.request(worker, body);
  }

  note(worker: WorkerName, note: WorkerNote): void {
    // It comes back at once for the workers of this node.
    if (note.op === 'screen_event') this.parts.messaging.fanout.cast(toFanout(note));
    else this.control.note(note, worker.id);
  }

  tapped(workerId: number): (bytes: Buffer) => void {
    return this.control.taps.reader(workerId);
  }

  died(worker: WorkerName, expected: boolean): void {
    this.control.workerDied(worker);
    if (!expected) this.parts.metrics.workerDeaths.inc();
  }

  private refreshGauges(): void {
    const { activeConnections, activeSessions, workers } = this.parts.metrics;
    const { registry } = this.control;
    this.control.paced.refresh();
    activeConnections.set(registry.size);
    workers.set(this.pool.size);
    activeSessions.reset();
    for (const { source } of registry.sessions()) activeSessions.inc({ source });
  }
}

/**
 * Starts the proxy of this node.
 *
 * @throws StartupError when a certificate, a port or the metrics port cannot be had
 */
export async function startProxy(services: ProxyServices): Promise<ProxyServer> {
  const { conf, db, messaging, nouns, own, locator, liveness, metrics: exposed } = services;
  checkRecording(conf.recording);
  if (conf.inspection.mode !== 'off' && conf.inspection.path !== '')
    checkFolder('inspection', conf.inspection.path);
  await checkVncFiles(conf.vnc);
  const tls = await loadCertificates(spiceCertificates(conf.spice));
  const ends = new SessionEnds(db, own, 'node');
  const metrics = new ProxyMetrics();
  exposed.add(metrics);
  const { address, port } = conf.metrics;
  const readiness = new Readiness(db, { starting: true });
  const metricsServer = await exposed.serve({ address, port, option: 'port' }, readiness);
  const audit = new AuditQueue(services.events, { dropped: () => metrics.auditDropped.inc() });
  const server = new ProxyServer(conf, {
    ...{ metrics, metricsServer, readiness, audit, nouns, tls, locator },
    ...{ own, ends, messaging, liveness },
  });
  try {
    const lost = await nouns.channels.clearNode(conf.default.nodeName);
    if (lost.length > 0)
      log.info('closed the channels that an earlier run of this node left open', { channels: lost.length });
    for (const channel of lost) audit.add(lostBefore(channel, conf.default.nodeName));
    for (const { sessionId, generation, channelType } of lost)
      if (channelType === MAIN_CHANNEL) ends.add(sessionId, generation);
    await server.listen();
  } catch (error) {
    await server.close();
    throw error;
  }
  return server;
}

/** The end of a channel of an earlier run, for the audit trail. */
function lostBefore(channel: LostConnection, node: string): AuditEntry {
  const { source, uuid, sessionId, channelType, issuedTo, clientIp } = channel;
  return {
    ...{ source, uuid, session_id: sessionId, channel: channelName(channelType), node, pid: process.pid },
    message: 'Channel closed: node restarted',
    ...{ issued_to: issuedTo, client_ip: clientIp, by: { kind: 'service' } },
  };
}

/** Where clients reach this site, as .vv files have it. */
function placeOf({ publicFqdn, publicSecurePort, hostSubject }: Conf['spice']): ClientPlace {
  return { host: publicFqdn, tlsPort: publicSecurePort, subject: hostSubject === '' ? null : hostSubject };
}
