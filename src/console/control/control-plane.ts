// SPDX-License-Identifier: Apache-2.0
// The control plane of one node: decides which channels of the relay workers open, and takes what the workers and other
// processes say. What becomes of granted channels is channel-lifecycle.ts, what is written of them channel-records.ts,
// which sessions must end session-endings.ts.
import { DatabaseError } from '../../exception.js';
import { systemTimers, type Timers } from '../../net/timers.js';
import type { FanoutMessage } from '../../messaging/fanout.js';
import { AUDIT, INSTANCE_AUDIT, instanceRefused, MOVE_AUDIT } from '../../objects/audit-message.js';
import type {
  ChannelGrant,
  ChannelRefusal,
  ChannelRequest,
  PreparedChannel,
} from '../../objects/channel-types.js';
import { ChannelInDoubt } from '../../objects/channel-types.js';
import type { ChannelAdmission } from '../../objects/channel-admission.js';
import type { ConsoleChannels } from '../../objects/console-channel.js';
import type { ConsoleSessions } from '../../objects/console-session.js';
import { MAIN_CHANNEL } from '../../objects/console-session-state.js';
import type { AuditQueue } from './audit-queue.js';
import { ChannelLifecycle, NOTHING_PASSED } from './channel-lifecycle.js';
import { ChannelRecords } from './channel-records.js';
import { DatabaseOutage } from './database-outage.js';
import { Gatherer } from './gatherer.js';
import type {
  Answer,
  AuthorizeReply,
  AuthorizeRequest,
  Denial,
  SessionSettings,
  WorkerNote,
  WorkerRequest,
} from '../ipc.js';
import { locateChannel, type ConsoleLocator, type Located, type Target } from './location.js';
import { KnownSessions } from './known-sessions.js';
import { liveChannel, LiveChannels, type WorkerName } from './live-channels.js';
import type { ProxyMetrics } from './metrics.js';
import { ChannelNews, type SessionNews } from './channel-news.js';
import { NodeRecovery } from './node-recovery.js';
import { BECAUSE, isToldByNote, refusalMessage } from './refusals.js';
import { Retries } from './retry.js';
import { SessionEndings, type SessionEnder } from './session-endings.js';
import { channelName } from '../spice/constants.js';

/** Milliseconds for which channels of one session are gathered: a user waits for them. */
const JOINS_MS = 5;

/** What the control plane needs to know of the configuration. */
export interface ControlPlaneSettings {
  readonly node: string;
  readonly maxConnectionsPerAddress: number;
  /** What sessions may do, until {@link ControlPlane.useSettings} says otherwise. */
  readonly session: SessionSettings;
  /** Seconds that a look at an instance may take: less than the worker waits for its answer. */
  readonly lookTimeout: number;
  /** Seconds that other nodes get to come back when this one does. */
  readonly recoveryPatience?: number;
}

/** Whom the control plane speaks with. */
export interface Surroundings {
  readonly endOnWorker: SessionEnder;
  /** Tells a worker that other settings hold for a session. */
  readonly tellSettings: (workerId: number, sessionId: string, settings: SessionSettings) => void;
  /** Whether no other process can have declared this node down. */
  readonly certain: () => boolean;
  readonly news: SessionNews;
  /** Asked before a channel opens. */
  readonly locator: ConsoleLocator;
  /** Absent: the machine's. */
  readonly timers?: Timers;
}

/** The nouns that a proxy decides and records by. */
export interface SessionNouns {
  readonly admission: ChannelAdmission;
  readonly channels: ConsoleChannels;
  readonly sessions: ConsoleSessions;
}

type ConsoleChanged = Extract<FanoutMessage, { method: 'console_changed' }>['args'];
type NoteOf<Op extends WorkerNote['op']> = Extract<WorkerNote, { op: Op }>;

/** Decides and records for all workers of this node. */
export class ControlPlane {
  readonly live = new LiveChannels();
  private readonly records: ChannelRecords;
  private readonly endings: SessionEndings;
  private readonly lifecycle: ChannelLifecycle;
  private readonly recovery: NodeRecovery;
  private readonly news: ChannelNews;
  private readonly locator: ConsoleLocator;
  private readonly outage: DatabaseOutage;
  private readonly retries = new Retries();
  private readonly known: KnownSessions;
  private readonly joins: Gatherer<PreparedChannel, boolean>;
  private readonly tellSettings: Surroundings['tellSettings'];
  private readonly timers: Timers;
  /** What holds for every session now. */
  private session: SessionSettings;
  /** Workers that have ended: few in a process's life, and ids are not used again. */
  private readonly dead = new Set<number>();

  constructor(
    private readonly nouns: SessionNouns,
    private readonly audit: AuditQueue,
    private readonly metrics: ProxyMetrics,
    private readonly settings: ControlPlaneSettings,
    { endOnWorker, tellSettings, certain, news, locator, timers = systemTimers }: Surroundings,
  ) {
    const { live } = this;
    const { admission, channels, sessions } = nouns;
    this.locator = locator;
    const { node, recoveryPatience = 0 } = settings;
    this.session = settings.session;
    this.tellSettings = tellSettings;
    this.timers = timers;
    this.news = new ChannelNews(news, node);
    this.joins = new Gatherer(timers, JOINS_MS, (prepared) => admission.join(prepared));
    this.known = new KnownSessions(() => timers.now());
    this.records = new ChannelRecords(channels, audit, this.retries, node, timers);
    const answered = (): void => this.retries.hurry();
    this.endings = new SessionEndings({ sessions, live, node, certain, endOnWorker, answered, timers });
    const { records, endings, known } = this;
    this.lifecycle = new ChannelLifecycle({
      channels,
      live,
      known,
      records,
      endings,
      metrics,
      news: this.news,
    });
    this.outage = new DatabaseOutage(audit, node, (ref) => this.records.inDoubt(ref));
    this.recovery = new NodeRecovery({
      ...{ channels, live, metrics, node, patience: recoveryPatience },
      ...{ records: this.records, endings: this.endings },
      timers,
      resumed: (main) => this.news.started(main),
    });
  }

  /**
   * Answers a request of a worker.
   *
   * @throws DatabaseError when the database is away and a main channel comes up, Conflict when its session was taken
   * over or terminated
   */
  async request(worker: WorkerName, body: WorkerRequest): Promise<Answer> {
    switch (body.op) {
      case 'authorize': {
        const reply = this.authorize(worker, body).catch((fault: unknown) => this.outage.deny(fault));
        return { to: 'authorize', body: await reply };
      }
      case 'establish':
        await this.lifecycle.establish(body);
        return { to: 'establish', body: null };
    }
  }

  /** Takes a note of a worker. */
  note(note: WorkerNote): void {
    switch (note.op) {
      case 'linked':
      case 'backend_failed':
      case 'withheld':
      case 'closed':
        this.lifecycle.note(note);
        return;
      case 'refused':
        this.refused(note);
        return;
      case 'traffic':
        this.metrics.connections.inc(note.accepted);
        this.metrics.bytesRelayed.inc({ direction: 'client_to_server' }, note.bytesUp);
        this.metrics.bytesRelayed.inc({ direction: 'server_to_client' }, note.bytesDown);
        return;
      case 'loaded':
      case 'drained':
      case 'ready':
      case 'failed':
        return;
    }
  }

  /** A worker is gone: its channels are closed in the records, and what belonged to them on other workers ends. */
  workerDied(worker: WorkerName): void {
    this.dead.add(worker.id);
    this.lifecycle.workerDied(worker.id);
    const close = (): Promise<unknown> => this.nouns.channels.closeWorker(this.settings.node, worker.pid);
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

  /** Other settings hold: for channels to come, and for those that are open from their next message on. */
  useSettings(session: SessionSettings): void {
    this.session = session;
    for (const { sessionId } of this.live.sessions()) {
      const workers = new Set(this.live.ofSession(sessionId).map(({ workerId }) => workerId));
      for (const workerId of workers) this.tellSettings(workerId, sessionId, session);
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
    for (const main of this.live.mainsOf(source, uuid)) this.known.forget(main.connectionRef);
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
    const asked = this.timers.now();
    const stop = this.metrics.authorizeSeconds.startTimer();
    const channel = {
      ...{ ticket, connectionId, channelType, channelId, clientIp, clientPort },
      node: this.settings.node,
      pid: worker.pid,
    };
    if (channelType === MAIN_CHANNEL) await this.records.catchUp();
    const outcome = (await this.joinKnown(channel)) ?? (await this.nouns.admission.authorize(channel));
    stop();
    this.outage.over();
    this.retries.hurry();
    if (outcome.kind === 'refused') return this.refuse(request, outcome);
    const target = await this.targetOf(worker, request, outcome);
    return target.kind === 'denied' ? target : this.grant(worker, { ...request, asked }, outcome, target);
  }

  /** The grant of a channel whose session this node knows; null: the database must be asked. */
  private async joinKnown(request: ChannelRequest): Promise<ChannelGrant | null> {
    const main = this.known.mainOf(request);
    if (main === null) return null;
    const channel = this.nouns.admission.prepare(main, request);
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
  ): Promise<Target | Denial> {
    const channel = liveChannel(worker, request, outcome);
    const { metrics, locator } = this;
    let location: Located;
    try {
      const main = request.channelType === MAIN_CHANNEL;
      location = await locateChannel(locator, { grant: outcome, main }, metrics, this.settings.lookTimeout);
    } catch (error) {
      this.lifecycle.finish(channel, { reason: 'control plane failed', ...NOTHING_PASSED });
      throw error;
    }
    if (location.kind === 'unconfirmed') this.records.audit(channel, INSTANCE_AUDIT.unverified);
    if (location.kind !== 'denied') return location;
    const { why } = location;
    this.metrics.denied.inc();
    this.records.audit(channel, instanceRefused(why));
    this.lifecycle.finish(channel, { reason: `instance ${why}`, ...NOTHING_PASSED });
    this.news.refused(`instance_${why}`, channel);
    return { kind: 'denied', because: 'error', reason: `instance_${why}`, sessionId: outcome.sessionId };
  }

  private grant(
    worker: WorkerName,
    request: AuthorizeRequest & { readonly asked: number },
    outcome: ChannelGrant,
    { target, expectedInstanceUuid }: Target,
  ): AuthorizeReply {
    const { connectionRef, sessionId, generation, source, uuid } = outcome;
    const { channelType } = request;
    const channel = liveChannel(worker, request, outcome);
    if (this.dead.has(worker.id)) {
      this.lifecycle.finish(channel, { reason: 'proxy worker died', ...NOTHING_PASSED });
      return { kind: 'denied', because: 'error', reason: 'worker_died', sessionId };
    }
    const over = this.endings.overSince(request.asked, sessionId, generation);
    if (over !== null) {
      this.lifecycle.finish(channel, { reason: over, ...NOTHING_PASSED });
      this.news.refused('session_ended', channel);
      return { kind: 'denied', because: 'error', reason: 'session_ended', sessionId };
    }
    if (!this.permits(channelType)) {
      this.records.audit(channel, AUDIT.channelForbidden);
      this.metrics.denied.inc();
      this.lifecycle.finish(channel, { reason: 'channel forbidden', ...NOTHING_PASSED });
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
      expectedInstanceUuid,
      settings: this.session,
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

  // Told here only when nothing else tells of it.
  private refused({ reason, clientIp }: NoteOf<'refused'>): void {
    this.metrics.refused.inc({ reason });
    // A ticket that cannot be a token is denied by the worker itself.
    if (reason === 'token_malformed') this.metrics.denied.inc();
    if (isToldByNote(reason)) this.news.refused(reason, { clientIp });
  }

  private permits(channelType: number): boolean {
    const { permittedChannels } = this.session.firewall;
    const name = channelName(channelType);
    return permittedChannels.length === 0 || permittedChannels.some((permitted) => permitted === name);
  }
}
