// SPDX-License-Identifier: Apache-2.0
// The control plane of one node: answers the relay workers out of the database, keeps the records of sessions and
// channels, writes audit events, feeds the metrics, and tells the workers which sessions must end.
import { Conflict } from '../exception.js';
import { loggerFor } from '../log.js';
import { AUDIT, hypervisorFailed, INSTANCE_AUDIT, instanceRefused } from '../objects/audit-message.js';
import type { ConnectInfo } from '../objects/connect-info.js';
import type { ChannelGrant, ChannelRefusal, ConsoleSessions, Refusal } from '../objects/console-session.js';
import type { Sight } from '../sources/openstack-clouds.js';
import type { AuditQueue } from './audit-queue.js';
import type { CloseReason } from './close-reason.js';
import type {
  AuthorizeReply,
  AuthorizeRequest,
  Denial,
  EstablishRequest,
  Verdict,
  WorkerNote,
  WorkerRequest,
} from './ipc.js';
import { LiveChannels, type LiveChannel } from './live-channels.js';
import type { ProxyMetrics } from './metrics.js';
import { retry } from './retry.js';
import { channelName } from './spice/constants.js';

const log = loggerFor('kerbside.console.control-plane');

const CHANNEL_MAIN = 1;
/** A poll looks this many seconds further back than the last one, for other nodes' clocks and slow commits. */
const POLL_OVERLAP = 10;

/** What the control plane needs to know of the configuration. */
export interface ControlPlaneSettings {
  readonly node: string;
  readonly maxConnectionsPerAddress: number;
  readonly permittedChannels: readonly string[];
  /** Seconds that a look at an instance may take: less than the worker waits for its answer. */
  readonly lookTimeout: number;
}

/** Says what is true of the instance behind a console at this moment; never waits longer than its deadline. */
export interface InstanceLook {
  look(source: string, uuid: string, deadline: AbortSignal): Promise<Sight>;
}

/** A worker as the control plane sees it. */
export interface WorkerName {
  readonly id: number;
  readonly pid: number;
}

/** Tells a worker to end a session's channels. */
export type SessionEnder = (
  workerId: number,
  sessionId: string,
  generation: number,
  reason: CloseReason,
) => void;

type NoteOf<Op extends WorkerNote['op']> = Extract<WorkerNote, { op: Op }>;

/** Decides and records for all workers of this node. */
export class ControlPlane {
  readonly live = new LiveChannels();
  private since: number;
  private polling = false;
  private pollFailing = false;
  /** Asked before the main channel of an instance opens; null: nobody can be asked. */
  instances: InstanceLook | null = null;
  private readonly finishing = new Set<Promise<void>>();
  /** Workers that have ended: few in a process's life, and ids are not used again. */
  private readonly dead = new Set<number>();

  constructor(
    private readonly sessions: ConsoleSessions,
    private readonly audit: AuditQueue,
    private readonly metrics: ProxyMetrics,
    private readonly settings: ControlPlaneSettings,
    private readonly endOnWorker: SessionEnder,
  ) {
    this.since = Date.now() / 1000 - POLL_OVERLAP;
  }

  /**
   * Answers a request of a worker.
   *
   * @throws DatabaseError when the database is away, Conflict when a session was taken over or terminated
   */
  request(worker: WorkerName, body: WorkerRequest): Promise<unknown> {
    switch (body.op) {
      case 'authorize':
        return this.authorize(worker, body);
      case 'establish':
        return this.establish(body);
    }
  }

  /** Takes a note about a channel. */
  linked(note: NoteOf<'linked'>): void {
    const channel = this.live.find(note.connectionRef);
    if (channel === undefined) return;
    this.metrics.backendSeconds.observe(note.backendTime);
    this.record(channel, AUDIT.hypervisorConnected);
    this.chain(channel, () => this.sessions.linked(channel.connectionRef));
  }

  /** The hypervisor of a channel could not be used. */
  backendFailed(note: NoteOf<'backend_failed'>): void {
    this.metrics.backendFailures.inc({ reason: note.reason });
    const channel = this.live.find(note.connectionRef);
    if (channel !== undefined) this.record(channel, hypervisorFailed(note.detail));
  }

  /** A migration message was kept from the client; the place for carrying the session over. */
  withheld(note: NoteOf<'withheld'>): void {
    this.metrics.withheld.inc({ type: String(note.messageType) });
    const channel = this.live.find(note.connectionRef);
    if (channel !== undefined)
      this.record(channel, `Migration message ${note.messageType} withheld from the client`);
  }

  /** A channel ended. */
  closed(note: NoteOf<'closed'>): void {
    const { connectionRef, reason, bytesUp, bytesDown, duration } = note;
    const channel = this.live.remove(connectionRef);
    if (channel === undefined) return;
    this.metrics.closed.inc({ reason });
    this.tellWrongGuest(channel, reason);
    this.countVerdicts(channel, note.verdicts);
    this.record(
      channel,
      `Channel closed: ${reason} after ${duration.toFixed(1)} s, ${bytesUp} bytes up, ${bytesDown} bytes down`,
    );
    this.finish(channel, { reason, bytesUp, bytesDown, duration });
  }

  /** A worker is gone: its channels are closed in the records, and what belonged to them on other workers ends. */
  workerDied(worker: WorkerName): void {
    this.dead.add(worker.id);
    for (const channel of this.live.ofWorker(worker.id)) {
      this.live.remove(channel.connectionRef);
      this.metrics.closed.inc({ reason: 'proxy worker died' });
      this.record(channel, 'Channel closed: proxy worker died');
      this.finish(channel, { reason: 'proxy worker died', bytesUp: 0, bytesDown: 0, duration: 0 });
    }
    void retry(
      () => this.sessions.closeWorker(this.settings.node, worker.pid),
      'close the channels of a dead worker',
    );
  }

  /** Looks for sessions that were terminated, or whose main channel ended, anywhere in the cloud. */
  async poll(): Promise<void> {
    if (this.polling) return;
    this.polling = true;
    const startedAt = Date.now() / 1000;
    try {
      for (const session of await this.sessions.sessionsToClose(this.since)) {
        const reason = session.terminated ? 'terminated by request' : 'main channel closed';
        this.endSession(session.sessionId, session.generation, reason);
      }
      this.since = startedAt - POLL_OVERLAP;
      if (this.pollFailing) log.warning('sessions to end are looked up again');
      this.pollFailing = false;
    } catch (error) {
      if (!this.pollFailing) log.error('sessions to end cannot be looked up', { error: error as Error });
      this.pollFailing = true;
    } finally {
      this.polling = false;
    }
  }

  /** The same as {@link poll} without any clock: ends this node's channels whose session is over. */
  async sweep(): Promise<void> {
    try {
      for (const { connectionRef, terminated } of await this.sessions.connectionsToClose(
        this.settings.node,
      )) {
        const channel = this.live.find(connectionRef);
        if (channel === undefined) continue;
        const reason = terminated ? 'terminated by request' : 'main channel closed';
        this.endSession(channel.sessionId, channel.generation, reason);
      }
    } catch (error) {
      log.debug('the sweep of ended sessions failed', { error: error as Error });
    }
  }

  /** Waits until all work on closed channels is in the database. */
  async settle(): Promise<void> {
    await Promise.all(this.finishing);
  }

  private async authorize(worker: WorkerName, request: AuthorizeRequest): Promise<AuthorizeReply> {
    const { ticket, connectionId, channelType, channelId, clientIp, clientPort } = request;
    this.metrics.linkSeconds.observe(request.linkTime);
    if (this.live.ofAddress(request.clientIp) >= this.settings.maxConnectionsPerAddress) {
      return { kind: 'denied', because: 'limit', reason: 'limit_address' };
    }
    const stop = this.metrics.authorizeSeconds.startTimer();
    const outcome = await this.sessions.authorize({
      ...{ ticket, connectionId, channelType, channelId, clientIp, clientPort },
      node: this.settings.node,
      pid: worker.pid,
    });
    stop();
    if (outcome.kind === 'refused') return this.refuse(request, outcome);
    const target = await this.targetOf(worker, request, outcome);
    return 'kind' in target ? target : this.grant(worker, request, outcome, target);
  }

  /**
   * Where the channel leads. For the main channel of an instance Nova is asked: whoever has its port by now must not be
   * shown. The other channels follow their main one, which is up only once the guest has proved who it is.
   */
  private async targetOf(
    worker: WorkerName,
    request: AuthorizeRequest,
    outcome: ChannelGrant,
  ): Promise<ConnectInfo | Denial> {
    const { source, uuid, connectInfo, sessionId } = outcome;
    const { instances } = this;
    if (!isInstance(outcome) || request.channelType !== CHANNEL_MAIN || instances === null)
      return connectInfo;
    const channel = liveChannel(worker, request, outcome);
    let sight: Sight;
    try {
      sight = await instances.look(
        source,
        uuid,
        AbortSignal.timeout(Math.ceil(this.settings.lookTimeout * 1000)),
      );
    } catch (error) {
      this.finish(channel, { reason: 'control plane failed', bytesUp: 0, bytesDown: 0, duration: 0 });
      throw error;
    }
    if (sight.kind === 'unknown') {
      log.warning('Nova could not be asked about an instance', { source, uuid, fault: sight.why });
      this.metrics.instanceLooks.inc({ outcome: 'unknown' });
      this.record(channel, INSTANCE_AUDIT.unverified);
      return connectInfo;
    }
    const why = sight.kind === 'refused' ? sight.why : sight.connectInfo === null ? 'gone' : null;
    this.metrics.instanceLooks.inc({ outcome: why ?? 'true' });
    if (why === null && sight.kind === 'true' && sight.connectInfo !== null) return sight.connectInfo;
    const reason = why ?? 'gone';
    this.metrics.denied.inc();
    this.record(channel, instanceRefused(reason));
    this.finish(channel, { reason: `instance ${reason}`, bytesUp: 0, bytesDown: 0, duration: 0 });
    return { kind: 'denied', because: 'error', reason: `instance_${reason}`, sessionId };
  }

  private tellWrongGuest(channel: LiveChannel, reason: CloseReason): void {
    if (reason !== 'wrong guest' && reason !== 'guest not identified') return;
    const mismatch = reason === 'wrong guest';
    this.metrics.wrongGuests.inc({ reason: mismatch ? 'mismatch' : 'missing' });
    this.record(channel, mismatch ? INSTANCE_AUDIT.wrongGuest : INSTANCE_AUDIT.unknownGuest);
  }

  private grant(
    worker: WorkerName,
    request: AuthorizeRequest,
    outcome: ChannelGrant,
    target: ConnectInfo,
  ): AuthorizeReply {
    const { connectionRef, sessionId, generation, source, uuid } = outcome;
    const { channelType } = request;
    const channel = liveChannel(worker, request, outcome);
    if (this.dead.has(worker.id)) {
      this.finish(channel, { reason: 'proxy worker died', bytesUp: 0, bytesDown: 0, duration: 0 });
      return { kind: 'denied', because: 'error', reason: 'worker_died', sessionId };
    }
    if (!this.permits(channelType)) {
      this.record(channel, AUDIT.channelForbidden);
      this.metrics.denied.inc();
      this.finish(channel, { reason: 'channel forbidden', bytesUp: 0, bytesDown: 0, duration: 0 });
      return { kind: 'denied', because: 'channel', reason: 'channel_forbidden', sessionId };
    }
    this.metrics.authorized.inc();
    this.live.add(channel);
    this.record(channel, AUDIT.channelCreated);
    const { proxyConnectionId, backendConnectionId } = outcome;
    return {
      ...{ kind: 'granted', connectionRef, sessionId, generation, source, uuid },
      ...{ proxyConnectionId, backendConnectionId },
      target: { ...target, transport: target.transport ?? null },
      guest: isInstance(outcome) ? uuid : null,
    };
  }

  private refuse(request: AuthorizeRequest, refusal: ChannelRefusal): Denial {
    this.metrics.denied.inc();
    const { reason, source, uuid, sessionId } = refusal;
    if (source !== undefined && uuid !== undefined) {
      const gone = reason === 'console_gone' || reason === 'source_gone';
      this.audit.add({
        source,
        uuid,
        session_id: sessionId,
        channel: channelName(request.channelType),
        node: this.settings.node,
        message: gone ? AUDIT.invalidConsole : `Channel refused: ${reason.replaceAll('_', ' ')}`,
      });
    }
    return {
      kind: 'denied',
      because: BECAUSE[reason],
      reason,
      ...(sessionId === undefined ? {} : { sessionId }),
    };
  }

  private async establish(request: EstablishRequest): Promise<null> {
    const { connectionRef, sessionId, generation, backendConnectionId } = request;
    if (this.live.find(connectionRef) === undefined) throw new Conflict('the channel is closed');
    await this.sessions.establish(sessionId, generation, backendConnectionId);
    return null;
  }

  private permits(channelType: number): boolean {
    const { permittedChannels } = this.settings;
    return permittedChannels.length === 0 || permittedChannels.includes(channelName(channelType) ?? '');
  }

  private finish(
    channel: LiveChannel,
    end: { reason: string; bytesUp: number; bytesDown: number; duration: number },
  ): void {
    // A dead database must not keep the session's other channels open.
    if (channel.channelType === CHANNEL_MAIN) {
      this.endSession(channel.sessionId, channel.generation, 'main channel closed');
    }
    this.chain(channel, async () => {
      if (channel.channelType === CHANNEL_MAIN) await this.sessions.closed(channel.connectionRef, end);
      else await this.sessions.otherClosed(channel.connectionRef, end);
    });
    const done = channel.tail;
    this.finishing.add(done);
    void done.then(() => this.finishing.delete(done));
  }

  private endSession(sessionId: string, generation: number, reason: CloseReason): void {
    const ending = this.live.ofSession(sessionId).filter((channel) => channel.generation <= generation);
    for (const workerId of new Set(ending.map((channel) => channel.workerId))) {
      this.endOnWorker(workerId, sessionId, generation, reason);
    }
  }

  private chain(channel: LiveChannel, work: () => Promise<void>): void {
    channel.tail = channel.tail.then(() => retry(work, 'record a channel'));
  }

  private countVerdicts(channel: LiveChannel, verdicts: readonly Verdict[]): void {
    if (verdicts.length === 0) return;
    for (const { count, ...labels } of verdicts) this.metrics.firewallVerdicts.inc({ ...labels }, count);
    const totals = verdicts.map(({ rule, action, count }) => {
      const [enforced, observed] = action === 'enforced' ? [count, 0] : [0, count];
      return `${rule} (enforced=${enforced}, observed=${observed})`;
    });
    this.record(channel, `Firewall verdicts this connection: ${totals.join(', ')}`);
  }

  private record(channel: LiveChannel, message: string): void {
    const { source, uuid, sessionId, channelType, pid } = channel;
    const { node } = this.settings;
    this.audit.add({
      source,
      uuid,
      session_id: sessionId,
      channel: channelName(channelType),
      node,
      pid,
      message,
    });
  }
}

/** Whether the console is an instance of Nova, whose guest tells the instance's UUID. */
function isInstance({ platform }: ChannelGrant): boolean {
  return platform === 'openstack';
}

function liveChannel(worker: WorkerName, request: AuthorizeRequest, outcome: ChannelGrant): LiveChannel {
  const { connectionRef, sessionId, generation, source, uuid } = outcome;
  const { clientIp, channelType } = request;
  return {
    ...{ connectionRef, sessionId, generation, source, uuid, clientIp, channelType },
    workerId: worker.id,
    pid: worker.pid,
    tail: Promise.resolve(),
  };
}

/** What a client may conclude from each refusal: only a bad token earns result 7. */
const BECAUSE: Readonly<Record<Refusal, Denial['because']>> = {
  token_unknown: 'token',
  token_expired: 'token',
  token_terminated: 'token',
  token_in_use: 'token',
  main_required: 'connection_id',
  bad_connection_id: 'connection_id',
  console_gone: 'channel',
  source_gone: 'channel',
};
