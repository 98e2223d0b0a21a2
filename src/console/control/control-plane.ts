// SPDX-License-Identifier: Apache-2.0
// The control plane of one node: puts its parts together and hands each of them what the relay workers and the other
// processes say. Which channels open is decided in channel-authorizer.ts, what happens to them afterwards in
// channel-lifecycle.ts, which sessions must end in session-watch.ts.
import { systemTimers, type Timers } from '../../net/timers.js';
import type { Conf } from '../../conf/index.js';
import type { FanoutMessage } from '../../messaging/fanout.js';
import { MOVE_AUDIT } from '../../objects/audit-message.js';
import type { ChannelAdmission } from '../../objects/channel-admission.js';
import type { ConsoleChannels } from '../../objects/console-channel.js';
import type { ConsoleSessions } from '../../objects/console-session.js';
import type { ConsoleSettings } from '../../objects/console-settings.js';
import type { SessionMigrations } from '../../objects/session-migration.js';
import type { SessionReplacement } from '../../objects/session-replacement.js';
import type { Liveness } from '../../service/heartbeat.js';
import type { Answer, WorkerNote, WorkerRequest } from '../ipc.js';
import { CHANNEL } from '../spice/constants.js';
import type { ClientPlace } from '../spice/migration-messages.js';
import type { AuditQueue } from './audit-queue.js';
import { ChannelAuthorizer, type AuthorizerSettings } from './channel-authorizer.js';
import { ChannelLifecycle } from './channel-lifecycle.js';
import { ChannelRecords } from './channel-records.js';
import { ChannelRegistry, type LiveChannel, type WorkerName } from './channel-registry.js';
import { DatabaseOutage } from './database-outage.js';
import { ConsoleTakeover } from './console-takeover.js';
import { isTold } from './denials.js';
import { KnownSessions } from './known-sessions.js';
import { LostChannels } from './lost-channels.js';
import type { Locator } from '../../sources/locator.js';
import type { ConsoleLocator } from './location.js';
import type { ProxyMetrics } from './metrics.js';
import { MigrationHosts } from './migration-hosts.js';
import { Migrations, type MigratingPlatforms, type MigrationDependencies } from './migrations.js';
import { NodeRecovery } from './node-recovery.js';
import type { NotificationPublisher } from './notification-publisher.js';
import { PacedSessions } from './paced-sessions.js';
import { Inspector } from './inspector.js';
import { Recorder } from './recorder.js';
import { Refusals } from './refusals.js';
import { Retries } from './retry.js';
import { settingsOf, type NodeSettings } from './session-settings.js';
import { SettingsWatch } from './settings-watch.js';
import { SessionWatch } from './session-watch.js';
import { TapReceiver } from './tap-receiver.js';
import type { WorkerSender } from './worker-pool.js';

/** What the control plane needs to know of the configuration. */
export interface ControlPlaneSettings extends AuthorizerSettings {
  /** What sessions may do, until {@link ControlPlane.useSettings} replaces it. */
  readonly session: NodeSettings;
  /** Where clients reach Kerbside, as .vv files have it. */
  readonly place: ClientPlace;
  /** Seconds that other nodes get to come back when this one does. */
  readonly recoveryTimeout?: number;
}

/** The nouns that a proxy decides and records by. */
export interface SessionNouns {
  readonly admission: Pick<ChannelAdmission, 'authorize' | 'prepare' | 'join'>;
  readonly channels: Pick<
    ConsoleChannels,
    'establish' | 'linked' | 'closed' | 'closeChannels' | 'closeWorker' | 'recover'
  >;
  readonly sessions: Pick<
    ConsoleSessions,
    'sessionsToClose' | 'connectionsToClose' | 'interruptSession' | 'usersOf'
  >;
  readonly settings: Pick<ConsoleSettings, 'of'>;
  readonly migrations: MigrationDependencies['migrations'] & Pick<SessionMigrations, 'hypervisors'>;
  readonly replacement: Pick<SessionReplacement, 'takeOver' | 'isAnyOpen'>;
}

/** What a control plane is made with. */
export interface ControlPlaneDependencies {
  readonly nouns: SessionNouns;
  readonly audit: Pick<AuditQueue, 'add'>;
  readonly metrics: ProxyMetrics;
  readonly publisher: NotificationPublisher;
  /** Asked before a channel opens. */
  readonly locator: ConsoleLocator & MigratingPlatforms & Pick<Locator, 'hypervisors'>;
  /** Absent: nothing is recorded or inspected. */
  readonly looking?: LookingOn;
  /** Whether no other process can have declared this node down. */
  readonly liveness: Liveness;
  readonly send: WorkerSender;
  /** Reaches the other processes of the site. */
  readonly cast: (message: FanoutMessage) => void;
  /** Absent: the machine's. */
  readonly timers?: Timers;
}

/** How sessions are recorded and channels inspected. */
export type LookingOn = Pick<Conf, 'recording' | 'inspection'>;

type ConsoleChanged = Extract<FanoutMessage, { method: 'console_changed' }>['args'];
type NoteOf<Op extends WorkerNote['op']> = Extract<WorkerNote, { op: Op }>;

/** Decides and records for all workers of this node. */
export class ControlPlane {
  /** How sessions are paced on this node. */
  readonly paced: PacedSessions;
  /** The channels that are open on this node. */
  readonly registry = new ChannelRegistry();
  /** Ends the sessions that are over; its polls are the supervisor's to start. */
  readonly watch: SessionWatch;
  /** Follows what consoles and sources say for themselves; its polls are the supervisor's to start. */
  readonly settingsWatch: SettingsWatch;
  /** Takes what workers tell of channels that are recorded or inspected. */
  readonly taps: TapReceiver;
  private readonly recorder: Recorder;
  private readonly inspector: Inspector;
  private readonly known: KnownSessions;
  private readonly records: ChannelRecords;
  private readonly lifecycle: ChannelLifecycle;
  private readonly recovery: NodeRecovery;
  private readonly lost: LostChannels;
  private readonly migrations: Migrations;
  private readonly authorizer: ChannelAuthorizer;
  private readonly metrics: ProxyMetrics;
  private readonly refusals: Refusals;
  private readonly send: WorkerSender;
  private session: NodeSettings;

  constructor(
    {
      nouns,
      audit,
      metrics,
      publisher,
      locator,
      liveness,
      send,
      cast,
      looking = NOBODY_LOOKS,
      timers = systemTimers,
    }: ControlPlaneDependencies,
    settings: ControlPlaneSettings,
  ) {
    const { registry } = this;
    const { node, session, place, lookupTimeout, recoveryTimeout = 0 } = settings;
    const { admission, channels, sessions, migrations: noun, replacement } = nouns;
    const retries = new Retries();
    const known = new KnownSessions(() => timers.now());
    const records = new ChannelRecords(channels, audit, retries, node, timers);
    const answered = (): void => retries.retryNow();
    const watch = new SessionWatch({ sessions, registry, node, liveness, send, answered, timers });
    const lost = new LostChannels({ sessions, registry, records, watch, retries, timers });
    const hosts = new MigrationHosts({
      known: (source) => noun.hypervisors(source),
      ofPlatform: (source, platform) => locator.hypervisors(source, platform, lookupTimeout),
    });
    const migrations = new Migrations(
      {
        ...{ migrations: noun, platforms: locator, hosts, registry, records, known, metrics },
        ...{ publisher, retries, send, cast },
      },
      place,
      session.migration.allowedHosts,
    );
    const lifecycle = new ChannelLifecycle({
      ...{ channels, registry, known, records, watch, metrics, publisher, lost, migrations },
    });
    const recovery = new NodeRecovery({
      ...{ channels, registry, records, watch, metrics, node, timers },
      timeout: recoveryTimeout,
      resumed: (main) => publisher.sessionStarted(main),
    });
    const outage = new DatabaseOutage(audit, node, (ref) => records.inDoubt(ref));
    const refusals = new Refusals({ audit, publisher, node, timers });
    const recorder = new Recorder({ settings: looking.recording, node, records, watch, metrics, timers });
    const inspector = new Inspector(looking.inspection);
    const taps = new TapReceiver(recorder, inspector);
    this.authorizer = new ChannelAuthorizer(
      {
        ...{ admission, known, lifecycle, locator, metrics, outage, publisher },
        ...{ records, recorder, recovery, refusals, registry, retries, taps, timers, watch },
        takeover: new ConsoleTakeover({ replacement, sessions, audit, node, timers }),
      },
      settings,
      session,
    );
    this.paced = new PacedSessions(metrics);
    this.watch = watch;
    this.session = session;
    this.settingsWatch = new SettingsWatch({
      settings: nouns.settings,
      registry,
      changed: (channels) => this.settingsChanged(channels),
    });
    this.taps = taps;
    this.recorder = recorder;
    this.inspector = inspector;
    this.known = known;
    this.records = records;
    this.lifecycle = lifecycle;
    this.recovery = recovery;
    this.lost = lost;
    this.migrations = migrations;
    this.metrics = metrics;
    this.refusals = refusals;
    this.send = send;
  }

  /**
   * Answers a request of a worker.
   *
   * @throws DatabaseError when the database is away and a main channel comes up, Conflict when its session was taken
   * over or terminated
   */
  async request(worker: WorkerName, body: WorkerRequest): Promise<Answer> {
    switch (body.op) {
      case 'authorize':
        return { to: 'authorize', body: await this.authorizer.authorize(worker, body) };
      case 'establish':
        await this.lifecycle.establish(body);
        return { to: 'establish', body: null };
      case 'mint':
        return { to: 'mint', body: await this.authorizer.remint(body) };
      case 'migrate':
        return { to: 'migrate', body: await this.migrations.migrate(body) };
      case 'go_over':
        await this.migrations.goOver(body);
        return { to: 'go_over', body: null };
      case 'destination_failed':
        await this.migrations.destinationFailed(body);
        return { to: 'destination_failed', body: null };
      case 'client_ready':
        return {
          to: 'client_ready',
          body: { kind: (await this.migrations.clientReady(body)) ? 'somewhere' : 'nowhere' },
        };
    }
  }

  /** Takes a note of a worker. */
  note(note: WorkerNote, workerId: number): void {
    if ('connectionRef' in note) {
      if (note.op === 'migration') this.migrations.note(note);
      else this.lifecycle.note(note);
      return;
    }
    switch (note.op) {
      case 'refused':
        this.refused(note);
        return;
      case 'input':
        this.input(note.sessionId, workerId);
        return;
      case 'pacing':
        this.paced.note(workerId, note);
        return;
      case 'screen_shown':
        this.metrics.messageScreens.inc({ about: note.about });
        return;
      case 'traffic':
        this.metrics.connections.inc(note.accepted);
        this.metrics.bytesRelayed.inc({ direction: 'client_to_server' }, note.bytesUp);
        this.metrics.bytesRelayed.inc({ direction: 'server_to_client' }, note.bytesDown);
        this.metrics.countDrops(note.policyDrops);
        return;
      // Between workers: nothing for the records.
      case 'screen_event':
      case 'loaded':
      case 'drained':
      case 'ready':
      case 'failed':
        return;
    }
  }

  /** A worker is gone: its channels are closed in the records, and what belonged to them on other workers ends. */
  workerDied(worker: WorkerName): void {
    this.paced.forget(worker.id);
    this.taps.workerDied(worker.id);
    this.lifecycle.workerDied(worker);
  }

  /** Handles a message of another process, or of another part of this one. */
  onFanout(message: FanoutMessage): void {
    switch (message.method) {
      case 'session_ended': {
        const { session_id: sessionId, ...ended } = message.args;
        this.watch.onFanout({ sessionId, ...ended });
        return;
      }
      case 'console_changed':
        this.consoleChanged(message.args);
        return;
      case 'settings_changed':
        this.settingsWatch.sourceChanged(message.args.source);
        return;
      case 'migration_ended':
        this.migrations.endChannels(message.args.session_id, message.args.migration);
        return;
      // Of workers among themselves, and the rules of the REST API: nothing that is decided here depends on them.
      case 'screen_event':
      case 'policy_changed':
        return;
    }
  }

  /** Applies other settings: to channels to come, and to those that are open from their next message on. */
  useSettings(settings: NodeSettings): void {
    this.session = settings;
    this.authorizer.useSettings(settings);
    this.migrations.useSettings(settings);
    for (const { sessionId, settings: own } of this.registry.sessions()) this.tell(sessionId, own);
  }

  /** This node was taken for dead and is back. @throws DatabaseError when the database is away again: call it again */
  recover(): Promise<void> {
    return this.recovery.run();
  }

  /** Ends the recordings and what is inspected: when no worker tells more. */
  async stopLooking(): Promise<void> {
    await Promise.all([this.recorder.close(), this.inspector.close()]);
  }

  /** Waits until all work on closed channels is in the database. */
  settle(): Promise<void> {
    this.recovery.close();
    this.lost.close();
    return this.records.settle();
  }

  /** These channels, all of one console, have other settings of their own. */
  private settingsChanged(channels: readonly LiveChannel[]): void {
    for (const { connectionRef } of channels) this.known.forget(connectionRef);
    const sessions = new Map(channels.map(({ sessionId, settings }) => [sessionId, settings]));
    for (const [sessionId, settings] of sessions) this.tell(sessionId, settings);
  }

  /** Tells each worker that carries a session which settings hold for it. */
  private tell(sessionId: string, own: LiveChannel['settings']): void {
    const settings = settingsOf(this.session, own);
    const workers = new Set(this.registry.ofSession(sessionId).map(({ workerId }) => workerId));
    for (const workerId of workers) this.send(workerId, { op: 'policy_changed', sessionId, settings });
  }

  // Only the node of the main channel writes a move down: a session has one main channel, on one node.
  private consoleChanged({ source, uuid, change }: ConsoleChanged): void {
    const mains = this.registry.mainsOf(source, uuid);
    for (const main of mains) this.known.forget(main.connectionRef);
    this.settingsWatch.consoleChanged(source, uuid);
    switch (change) {
      case 'moving':
      case 'moved':
      case 'stayed':
        for (const main of mains) {
          // Nova notifies of each step of a migration in both formats.
          if (main.move !== change) this.records.audit(main, MOVE_AUDIT[change]);
          main.move = change;
        }
        return;
      case 'removed':
        void this.watch.poll();
        return;
      case 'changed':
        return;
    }
  }

  /** A session's display channels in other workers learn of its inputs. */
  private input(sessionId: string, workerId: number): void {
    const displays = this.registry
      .ofSession(sessionId)
      .filter((channel) => channel.channelType === CHANNEL.display && channel.workerId !== workerId);
    for (const other of new Set(displays.map((channel) => channel.workerId)))
      this.send(other, { op: 'input', sessionId });
  }

  private refused({ reason, clientIp }: NoteOf<'refused'>): void {
    this.metrics.refused.inc({ reason });
    // A ticket that cannot be a token is denied by the worker itself.
    if (reason === 'token_malformed') this.metrics.denied.inc();
    if (isTold(reason)) this.refusals.stranger(reason, clientIp);
  }
}

const NOBODY_LOOKS: LookingOn = {
  recording: {
    ...{ path: '', publicKey: '', maxBytes: 0, maxAge: 0, onFailure: 'continue', recordInput: false },
  },
  inspection: { ...{ mode: 'off', path: '', sample: 1, keystrokes: false, maxBytes: 0 } },
};
