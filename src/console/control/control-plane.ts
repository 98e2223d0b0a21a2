// SPDX-License-Identifier: Apache-2.0
// The control plane of one node: answers the relay workers out of the database and takes their notes. What is written
// of channels is channel-records.ts, which sessions must end session-endings.ts.
import { Conflict, DatabaseError } from '../../exception.js';
import { systemTimers, type Timers } from '../../net/timers.js';
import type { FanoutMessage } from '../../messaging/fanout.js';
import {
  AUDIT,
  hypervisorFailed,
  INSTANCE_AUDIT,
  instanceRefused,
  MOVE_AUDIT,
} from '../../objects/audit-message.js';
import type { ConnectInfo } from '../../objects/connect-info.js';
import type {
  ChannelEnd,
  ChannelGrant,
  ChannelRefusal,
  ChannelRequest,
  ConsoleSessions,
  PreparedChannel,
} from '../../objects/console-session.js';
import { ChannelInDoubt } from '../../objects/console-channel.js';
import { MAIN_CHANNEL } from '../../objects/console-session-state.js';
import type { AuditQueue } from './audit-queue.js';
import { ChannelRecords } from './channel-records.js';
import type { CloseReason } from '../../close-reason.js';
import { DatabaseOutage } from './database-outage.js';
import { Gatherer } from './gatherer.js';
import { checkInstance, isInstance, type InstanceLook, type InstanceVerdict } from './instance-check.js';
import type {
  AuthorizeReply,
  AuthorizeRequest,
  Denial,
  EstablishRequest,
  Verdict,
  WorkerNote,
  WorkerRequest,
} from '../ipc.js';
import { KnownSessions } from './known-sessions.js';
import { liveChannel, LiveChannels, type LiveChannel, type WorkerName } from './live-channels.js';
import type { ProxyMetrics } from './metrics.js';
import { ChannelNews, type SessionNews } from './channel-news.js';
import { NodeRecovery } from './node-recovery.js';
import { BECAUSE, isToldByNote, refusalMessage } from './refusals.js';
import { Retries } from './retry.js';
import { SessionEndings, type SessionEnder } from './session-endings.js';
import { channelName } from '../spice/constants.js';

/** A channel that came to nothing. */
const NOTHING_PASSED = { bytesUp: 0, bytesDown: 0, duration: 0 } as const;

/** Milliseconds for which channels of one session are gathered: a user waits for them. */
const JOINS_MS = 5;

/** What the control plane needs to know of the configuration. */
export interface ControlPlaneSettings {
  readonly node: string;
  readonly maxConnectionsPerAddress: number;
  readonly permittedChannels: readonly string[];
  /** Seconds that a look at an instance may take: less than the worker waits for its answer. */
  readonly lookTimeout: number;
  /** Seconds that other nodes get to come back when this one does. */
  readonly recoveryPatience?: number;
}

/** Whom the control plane speaks with. */
export interface Surroundings {
  readonly endOnWorker: SessionEnder;
  /** Whether no other process can have declared this node down. */
  readonly certain: () => boolean;
  readonly news: SessionNews;
  /** Absent: the machine's. */
  readonly timers?: Timers;
}

type ConsoleChanged = Extract<FanoutMessage, { method: 'console_changed' }>['args'];
type NoteOf<Op extends WorkerNote['op']> = Extract<WorkerNote, { op: Op }>;

/** Decides and records for all workers of this node. */
export class ControlPlane {
  readonly live = new LiveChannels();
  /** Asked before the main channel of an instance opens; null: nobody can be asked. */
  instances: InstanceLook | null = null;
  private readonly records: ChannelRecords;
  private readonly endings: SessionEndings;
  private readonly recovery: NodeRecovery;
  private readonly news: ChannelNews;
  private readonly outage: DatabaseOutage;
  private readonly retries = new Retries();
  private readonly known: KnownSessions;
  private readonly joins: Gatherer<PreparedChannel, boolean>;
  /** Workers that have ended: few in a process's life, and ids are not used again. */
  private readonly dead = new Set<number>();

  constructor(
    private readonly sessions: ConsoleSessions,
    private readonly audit: AuditQueue,
    private readonly metrics: ProxyMetrics,
    private readonly settings: ControlPlaneSettings,
    { endOnWorker, certain, news, timers = systemTimers }: Surroundings,
  ) {
    const { live } = this;
    const { node, recoveryPatience = 0 } = settings;
    this.news = new ChannelNews(news, node);
    this.joins = new Gatherer(timers, JOINS_MS, (channels) => sessions.join(channels));
    this.known = new KnownSessions(() => timers.now());
    this.records = new ChannelRecords(sessions, audit, this.retries, node, timers);
    const answered = (): void => this.retries.hurry();
    this.endings = new SessionEndings({ sessions, live, node, certain, endOnWorker, answered });
    this.outage = new DatabaseOutage(audit, node, (ref) => this.records.inDoubt(ref));
    this.recovery = new NodeRecovery({
      ...{ sessions, live, metrics, node, patience: recoveryPatience },
      ...{ records: this.records, endings: this.endings },
      resumed: (main) => this.news.started(main),
    });
  }

  /**
   * Answers a request of a worker.
   *
   * @throws DatabaseError when the database is away and a main channel comes up, Conflict when its session was taken
   * over or terminated
   */
  request(worker: WorkerName, body: WorkerRequest): Promise<unknown> {
    switch (body.op) {
      case 'authorize':
        return this.authorize(worker, body).catch((fault: unknown) => this.outage.deny(fault));
      case 'establish':
        return this.establish(body);
    }
  }

  /** Takes a note about a channel. */
  linked(note: NoteOf<'linked'>): void {
    const channel = this.live.find(note.connectionRef);
    if (channel === undefined) return;
    this.metrics.backendSeconds.observe(note.backendTime);
    this.records.audit(channel, AUDIT.hypervisorConnected);
    this.records.linked(channel);
  }

  /** The hypervisor of a channel could not be used. */
  backendFailed(note: NoteOf<'backend_failed'>): void {
    this.metrics.backendFailures.inc({ reason: note.reason });
    const channel = this.live.find(note.connectionRef);
    if (channel !== undefined) this.records.audit(channel, hypervisorFailed(note.detail));
  }

  /** A migration message was kept from the client; the place for carrying the session over. */
  withheld(note: NoteOf<'withheld'>): void {
    this.metrics.withheld.inc({ type: String(note.messageType) });
    const channel = this.live.find(note.connectionRef);
    if (channel !== undefined)
      this.records.audit(channel, `Migration message ${note.messageType} withheld from the client`);
  }

  /** A client was turned away. Told here only when nothing else tells of it. */
  refused({ reason, clientIp }: NoteOf<'refused'>): void {
    this.metrics.refused.inc({ reason });
    // A ticket that cannot be a token is denied by the worker itself.
    if (reason === 'token_malformed') this.metrics.denied.inc();
    if (isToldByNote(reason)) this.news.refused(reason, { clientIp });
  }

  /** A channel ended. */
  closed(note: NoteOf<'closed'>): void {
    const { connectionRef, reason, bytesUp, bytesDown, duration } = note;
    const channel = this.live.remove(connectionRef);
    if (channel === undefined) return;
    this.metrics.closed.inc({ reason });
    this.tellWrongGuest(channel, reason);
    this.countVerdicts(channel, note.verdicts);
    this.records.audit(
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
      this.records.audit(channel, 'Channel closed: proxy worker died');
      this.finish(channel, { reason: 'proxy worker died', ...NOTHING_PASSED });
    }
    const close = (): Promise<unknown> => this.sessions.closeWorker(this.settings.node, worker.pid);
    void this.retries.run(close, 'close the channels of a dead worker');
  }

  /** Takes up what another process, or another part of this one, says. */
  hear(message: FanoutMessage): void {
    switch (message.method) {
      case 'session_ended': {
        const { session_id: sessionId, generation, terminated } = message.args;
        this.endings.hear({ sessionId, generation, terminated });
        return;
      }
      case 'console_changed':
        this.hearOfConsole(message.args);
        return;
      case 'policy_changed':
        return;
    }
  }

  /** This node was taken for dead and is back. @throws DatabaseError when the database is away again: call it anew */
  recover(): Promise<void> {
    return this.recovery.run();
  }

  /** Looks for sessions that were terminated, or whose main channel ended, anywhere in the cloud. */
  poll(): Promise<void> {
    return this.endings.poll();
  }

  /** The same as {@link poll} without any clock: ends this node's channels whose session is over. */
  sweep(): Promise<void> {
    return this.endings.sweep();
  }

  /** Waits until all work on closed channels is in the database. */
  settle(): Promise<void> {
    this.recovery.close();
    return this.records.settle();
  }

  // Only the node of the main channel writes it down: a session has one main channel, on one node.
  private hearOfConsole({ source, uuid, change }: ConsoleChanged): void {
    switch (change) {
      case 'moving':
      case 'moved':
      case 'stayed':
        for (const main of this.live.mainsOf(source, uuid)) {
          // Nova tells of each step of a migration, in both formats.
          if (main.move !== change) this.records.audit(main, MOVE_AUDIT[change]);
          main.move = change;
        }
        return;
      case 'removed':
        void this.endings.poll();
        return;
      case 'changed':
        return;
    }
  }

  private async authorize(worker: WorkerName, request: AuthorizeRequest): Promise<AuthorizeReply> {
    const { ticket, connectionId, channelType, channelId, clientIp, clientPort } = request;
    this.metrics.linkSeconds.observe(request.linkTime);
    if (this.live.ofAddress(request.clientIp) >= this.settings.maxConnectionsPerAddress) {
      return { kind: 'denied', because: 'limit', reason: 'limit_address' };
    }
    const asked = performance.now();
    const stop = this.metrics.authorizeSeconds.startTimer();
    const channel = {
      ...{ ticket, connectionId, channelType, channelId, clientIp, clientPort },
      node: this.settings.node,
      pid: worker.pid,
    };
    const outcome = (await this.joinKnown(channel)) ?? (await this.sessions.authorize(channel));
    stop();
    this.outage.over();
    this.retries.hurry();
    if (outcome.kind === 'refused') return this.refuse(request, outcome);
    const target = await this.targetOf(worker, request, outcome);
    return 'kind' in target ? target : this.grant(worker, { ...request, asked }, outcome, target);
  }

  /** The grant of a channel whose session this node knows; null: the database must be asked. */
  private async joinKnown(request: ChannelRequest): Promise<ChannelGrant | null> {
    const main = this.known.mainOf(request);
    if (main === null) return null;
    const channel = this.sessions.prepare(main, request);
    const { connectionRef, sessionId, generation } = channel.grant;
    try {
      const joined = await this.joins.add(channel, `${sessionId} ${generation}`);
      return joined ? channel.grant : null;
    } catch (error) {
      throw error instanceof DatabaseError ? new ChannelInDoubt(connectionRef, error) : error;
    }
  }

  /** Where the channel leads, or why it leads nowhere. */
  private async targetOf(
    worker: WorkerName,
    request: AuthorizeRequest,
    outcome: ChannelGrant,
  ): Promise<ConnectInfo | Denial> {
    const { instances } = this;
    if (!isInstance(outcome) || request.channelType !== MAIN_CHANNEL || instances === null)
      return outcome.connectInfo;
    const channel = liveChannel(worker, request, outcome);
    let verdict: InstanceVerdict;
    try {
      verdict = await checkInstance(instances, outcome, this.metrics, this.settings.lookTimeout);
    } catch (error) {
      this.finish(channel, { reason: 'control plane failed', ...NOTHING_PASSED });
      throw error;
    }
    if (verdict.kind === 'target') {
      if (verdict.unverified) this.records.audit(channel, INSTANCE_AUDIT.unverified);
      return verdict.target;
    }
    const { why } = verdict;
    this.metrics.denied.inc();
    this.records.audit(channel, instanceRefused(why));
    this.finish(channel, { reason: `instance ${why}`, ...NOTHING_PASSED });
    this.news.refused(`instance_${why}`, channel);
    return { kind: 'denied', because: 'error', reason: `instance_${why}`, sessionId: outcome.sessionId };
  }

  private tellWrongGuest(channel: LiveChannel, reason: CloseReason): void {
    if (reason !== 'wrong guest' && reason !== 'guest not identified') return;
    const mismatch = reason === 'wrong guest';
    this.metrics.wrongGuests.inc({ reason: mismatch ? 'mismatch' : 'missing' });
    this.records.audit(channel, mismatch ? INSTANCE_AUDIT.wrongGuest : INSTANCE_AUDIT.unknownGuest);
  }

  private grant(
    worker: WorkerName,
    request: AuthorizeRequest & { readonly asked: number },
    outcome: ChannelGrant,
    target: ConnectInfo,
  ): AuthorizeReply {
    const { connectionRef, sessionId, generation, source, uuid } = outcome;
    const { channelType } = request;
    const channel = liveChannel(worker, request, outcome);
    if (this.dead.has(worker.id)) {
      this.finish(channel, { reason: 'proxy worker died', ...NOTHING_PASSED });
      return { kind: 'denied', because: 'error', reason: 'worker_died', sessionId };
    }
    const over = this.endings.overSince(request.asked, sessionId, generation);
    if (over !== null) {
      this.finish(channel, { reason: over, ...NOTHING_PASSED });
      this.news.refused('session_ended', channel);
      return { kind: 'denied', because: 'error', reason: 'session_ended', sessionId };
    }
    if (!this.permits(channelType)) {
      this.records.audit(channel, AUDIT.channelForbidden);
      this.metrics.denied.inc();
      this.finish(channel, { reason: 'channel forbidden', ...NOTHING_PASSED });
      this.news.refused('channel_forbidden', channel);
      return { kind: 'denied', because: 'channel', reason: 'channel_forbidden', sessionId };
    }
    this.metrics.authorized.inc();
    this.live.add(channel);
    if (channelType === MAIN_CHANNEL) this.known.granted(request.ticket, outcome, target);
    if (this.recovery.hasMissed(request.asked)) void this.retries.run(() => this.recovery.run(), 'recover');
    this.records.audit(channel, AUDIT.channelCreated);
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
      this.audit.add({
        source,
        uuid,
        session_id: sessionId,
        channel: channelName(request.channelType),
        node: this.settings.node,
        message: refusalMessage(reason),
      });
    }
    this.news.refused(reason, { source, uuid, sessionId, clientIp: request.clientIp });
    return {
      kind: 'denied',
      because: BECAUSE[reason],
      reason,
      ...(sessionId === undefined ? {} : { sessionId }),
    };
  }

  private async establish(request: EstablishRequest): Promise<null> {
    const { connectionRef, sessionId, generation, backendConnectionId } = request;
    const main = this.live.find(connectionRef);
    if (main === undefined) throw new Conflict('the channel is closed');
    await this.sessions.establish(sessionId, generation, backendConnectionId);
    // Its end was told as one that never came up.
    if (this.live.find(connectionRef) === undefined) throw new Conflict('the channel is closed');
    main.established = true;
    this.known.established(connectionRef, backendConnectionId);
    this.news.started(main);
    return null;
  }

  private permits(channelType: number): boolean {
    const { permittedChannels } = this.settings;
    return permittedChannels.length === 0 || permittedChannels.includes(channelName(channelType) ?? '');
  }

  private finish(channel: LiveChannel, end: ChannelEnd): void {
    // A dead database must not keep the session's other channels open.
    if (channel.channelType === MAIN_CHANNEL)
      this.endings.end(channel.sessionId, channel.generation, 'main channel closed');
    this.known.ended(channel.connectionRef);
    this.records.closed(channel, end);
    if (!channel.established) return;
    const { sessionId, generation } = channel;
    void channel.tail.then(() => this.news.ended(sessionId, generation));
  }

  private countVerdicts(channel: LiveChannel, verdicts: readonly Verdict[]): void {
    for (const { count, ...labels } of verdicts) this.metrics.firewallVerdicts.inc({ ...labels }, count);
    this.records.auditVerdicts(channel, verdicts);
  }
}
