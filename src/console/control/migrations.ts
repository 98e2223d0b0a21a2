// SPDX-License-Identifier: Apache-2.0
// Live migrations of the guests behind this node's sessions. A hypervisor says on the main channel where its guest goes; the
// place is judged and written down before the client is told, so that any node may serve what the client opens next. What
// becomes of it is counted, audited and logged with the ids.
import { Conflict } from '../../exception.js';
import { loggerFor } from '../../log.js';
import {
  consoleChanged,
  MIGRATION_AUDIT,
  migrationFailed,
  migrationRefused,
} from '../../objects/audit-message.js';
import type { MigrationTarget, SessionMigrations } from '../../objects/session-migration.js';
import type { FanoutMessage } from '../../messaging/fanout.js';
import type {
  ClientReadyRequest,
  DestinationFailedRequest,
  GoOverRequest,
  MigrateReply,
  MigrateRequest,
  SessionSettings,
  WorkerNote,
} from '../ipc.js';
import type { ClientPlace, MigrationDestination } from '../spice/migration-messages.js';
import type { ChannelRecords } from './channel-records.js';
import type { ChannelRegistry, LiveChannel } from './channel-registry.js';
import type { KnownSessions } from './known-sessions.js';
import type { HostVerdict, MigrationHosts } from './migration-hosts.js';
import type { ProxyMetrics } from './metrics.js';
import type { NotificationPublisher } from './notification-publisher.js';
import type { Retries } from './retry.js';
import type { WorkerSender } from './worker-pool.js';

const log = loggerFor('kerbside.console.migration');

type Mode = SessionSettings['migration']['mode'];
type Note = Extract<WorkerNote, { op: 'migration' }>;
type GivenUp = 'failed' | 'cancelled' | 'overtaken';

/** What becomes of migrations, as the metric has it. */
export type MigrationOutcome = 'completed' | 'failed' | 'cancelled' | 'overtaken' | 'refused' | 'ignored';

/** What platforms know and do about migrations. */
export interface MigratingPlatforms {
  /** Whether the platform makes a ticket for each channel: then it says where its guest is. */
  mintsTickets(platform: string): boolean;
  /** Whether the records are all there is to say where its consoles are. */
  knowsNoMoves(platform: string): boolean;
}

/** What {@link Migrations} are made with. */
export interface MigrationDependencies {
  readonly migrations: Pick<
    SessionMigrations,
    'abandon' | 'announce' | 'clientDone' | 'overtake' | 'goOver' | 'giveUp' | 'left' | 'moveConsole'
  >;
  readonly platforms: MigratingPlatforms;
  readonly hosts: Pick<MigrationHosts, 'judge'>;
  readonly registry: ChannelRegistry;
  readonly records: ChannelRecords;
  readonly known: KnownSessions;
  readonly metrics: ProxyMetrics;
  readonly publisher: NotificationPublisher;
  readonly retries: Retries;
  readonly send: WorkerSender;
  /** Reaches the other nodes. */
  readonly cast: (message: FanoutMessage) => void;
}

/** Follows the migrations of this node's sessions. */
export class Migrations {
  /** @param place where clients are sent: Kerbside itself, as .vv files have it */
  constructor(
    private readonly parts: MigrationDependencies,
    private readonly place: ClientPlace,
    private allowedHosts: readonly string[],
  ) {}

  /** Applies other settings to migrations to come. */
  useSettings({ migration }: SessionSettings): void {
    this.allowedHosts = migration.allowedHosts;
  }

  /** What the client of a main channel is told. @throws DatabaseError, and Conflict when its session is over */
  async migrate({ connectionRef, step, mode, destination }: MigrateRequest): Promise<MigrateReply> {
    const main = this.parts.registry.find(connectionRef);
    if (main === undefined) throw new Conflict('the channel is closed');
    if (step === 'switch') return this.switched(main, mode, destination);
    const verdict = await this.judge(main, destination.host);
    if (verdict.kind === 'forbidden') return this.refuse(main, mode, destination, verdict.why);
    if (mode !== 'seamless') return { kind: 'told', place: this.place };
    if (verdict.kind === 'unplaced')
      return { kind: 'refused', why: 'its platform makes a ticket for each channel' };
    const target = targetOf(destination, verdict.address);
    main.migrating = await this.parts.migrations.announce(main, main, 'announced', target);
    return this.told(main, MIGRATION_AUDIT.announced, mode, { number: main.migrating, destination });
  }

  /** The client goes over to a main channel at the destination. @throws DatabaseError, Conflict */
  async goOver({ connectionRef }: GoOverRequest): Promise<void> {
    const { registry, migrations, publisher } = this.parts;
    const main = registry.find(connectionRef);
    if (main?.migration?.kind !== 'destination') throw new Conflict('the channel is closed');
    const { sessionId, migration } = main;
    await migrations.goOver({ sessionId, number: migration.number }, connectionRef);
    for (const channel of registry.ofSession(sessionId))
      if (channel.migration?.number === migration.number) channel.wentOver = true;
    main.established = true;
    publisher.sessionStarted(main);
    this.completed(main, 'seamless');
  }

  /**
   * The destination has failed one channel of a client that opens others there: none of them leads anywhere from now on.
   * Answered when the records have it, so that the client can be told that its channel is open. @throws DatabaseError
   */
  async destinationFailed({ connectionRef }: DestinationFailedRequest): Promise<void> {
    const channel = this.parts.registry.find(connectionRef);
    if (channel?.migration?.kind !== 'destination' || channel.wentOver) return;
    const { sessionId, migration } = channel;
    const { number } = migration;
    if (!(await this.parts.migrations.abandon({ sessionId, number }))) return;
    this.endChannels(sessionId, number);
    this.over(channel, number, 'failed');
  }

  /** A client says that its channels to the destination are open. Whether they lead anywhere. @throws DatabaseError, Conflict */
  async clientReady({ connectionRef }: ClientReadyRequest): Promise<boolean> {
    const main = this.parts.registry.find(connectionRef);
    if (main === undefined || main.migrating === null) throw new Conflict('the channel is closed');
    const { sessionId, migrating: number } = main;
    const goes = await this.parts.migrations.clientDone({ sessionId, number });
    if (goes) this.tell(main, MIGRATION_AUDIT.ready, { mode: 'seamless', migration: number });
    else if (main.migrating === number) main.migrating = null;
    return goes;
  }

  /** Something has become of a migration that the client was told of. */
  note({ connectionRef, event }: Note): void {
    const main = this.parts.registry.find(connectionRef);
    if (main === undefined || main.migrating === null) return;
    switch (event) {
      case 'moved':
        main.moved = true;
        return;
      case 'cancelled':
      case 'client_failed': {
        const number = main.migrating;
        main.migrating = null;
        void this.giveUp(main, number, event === 'cancelled' ? 'cancelled' : 'failed');
      }
    }
  }

  /** A main channel has come up whose client was told to begin anew. */
  returned(main: LiveChannel): void {
    if (main.migration?.kind === 'return' && !main.wentOver) {
      main.wentOver = true;
      this.completed(main, 'robust');
    }
  }

  /** A channel has ended. */
  ended(channel: LiveChannel, reason: string): void {
    const { sessionId, generation, migration, migrating, wentOver } = channel;
    const { migrations, retries } = this.parts;
    if (migrating !== null) {
      // The client has gone over, or the guest is gone before it could.
      if (channel.moved) void retries.run(() => migrations.left(sessionId, generation), 'end what was left');
      else void this.giveUp(channel, migrating, 'failed');
      return;
    }
    if (migration === null || wentOver) return;
    if (migration.kind === 'return') {
      this.count('robust', 'failed');
      this.tell(channel, migrationFailed(reason), { migration: migration.number, mode: 'robust' });
      return;
    }
    void this.giveUp(channel, migration.number, 'failed');
  }

  /** Ends this node's channels to the destination of a migration that does not come about. */
  endChannels(sessionId: string, migration: number): void {
    const { registry, send } = this.parts;
    const ending = registry.ofSession(sessionId).filter((channel) => channel.migration?.number === migration);
    for (const workerId of new Set(ending.map((channel) => channel.workerId)))
      send(workerId, { op: 'end_migration', sessionId, migration });
  }

  /** The guest has moved, perhaps before its client was ready. @throws DatabaseError, Conflict */
  private async switched(
    main: LiveChannel,
    mode: Mode,
    destination: MigrationDestination,
  ): Promise<MigrateReply> {
    const { sessionId, migrating: overtaken } = main;
    main.migrating = null;
    if (overtaken !== null) this.endChannels(sessionId, overtaken);
    const verdict = await this.judge(main, destination.host);
    if (verdict.kind === 'forbidden') {
      if (overtaken !== null) await this.giveUp(main, overtaken, 'overtaken');
      return this.refuse(main, mode, destination, verdict.why);
    }
    const target = verdict.kind === 'unplaced' ? null : targetOf(destination, verdict.address);
    const number =
      (overtaken === null ? null : await this.overtake(main, overtaken, target)) ??
      (await this.parts.migrations.announce(main, main, 'switched', target));
    // Whatever becomes of this client: another one finds the guest there.
    this.moveConsole(main);
    return this.told(main, MIGRATION_AUDIT.switched, mode, { number, destination });
  }

  /** What the client opens from now on leads nowhere, until it has come back. @throws DatabaseError, Conflict */
  private async overtake(
    main: LiveChannel,
    overtaken: number,
    target: MigrationTarget | null,
  ): Promise<number | null> {
    const number = await this.parts.migrations.overtake(main, main, overtaken, target);
    // Also what was granted since the order to the others.
    this.endChannels(main.sessionId, overtaken);
    if (number !== null) this.over(main, overtaken, 'overtaken');
    return number;
  }

  private told(
    main: LiveChannel,
    message: string,
    mode: Mode,
    { number, destination }: { readonly number: number; readonly destination: MigrationDestination },
  ): MigrateReply {
    // The channels that the client opens from now on may lead elsewhere.
    this.parts.known.forget(main.connectionRef);
    this.tell(main, message, { mode, migration: number, host: destination.host });
    return { kind: 'told', place: this.place };
  }

  private async judge(
    { source, platform }: LiveChannel,
    host: string,
  ): Promise<HostVerdict | { readonly kind: 'unplaced' }> {
    const { platforms, hosts } = this.parts;
    if (platforms.mintsTickets(platform)) return { kind: 'unplaced' };
    return hosts.judge({ source, platform, host }, this.allowedHosts);
  }

  private refuse(main: LiveChannel, mode: Mode, { host }: MigrationDestination, why: string): MigrateReply {
    this.count(mode, 'refused');
    this.tell(main, migrationRefused(why), { mode, host, why });
    return { kind: 'refused', why };
  }

  /** The destination's channels end at once: a hypervisor that is left with them waits 10 s for what never comes. */
  private async giveUp(channel: LiveChannel, number: number, outcome: GivenUp): Promise<void> {
    const { sessionId } = channel;
    const { migrations, retries } = this.parts;
    this.endChannels(sessionId, number);
    const atSource = channel.migration?.number !== number;
    await retries.run(async () => {
      if (await migrations.giveUp({ sessionId, number })) this.over(channel, number, outcome);
      // The end of a channel that has failed says nothing of those that the client still opens.
      else if (atSource) await migrations.clientDone({ sessionId, number });
    }, 'give a migration up');
  }

  /** A migration that the client was told of does not come about. */
  private over(channel: LiveChannel, number: number, outcome: GivenUp): void {
    this.parts.cast({
      method: 'migration_ended',
      args: { session_id: channel.sessionId, migration: number },
    });
    this.count('seamless', outcome);
    this.tell(channel, MIGRATION_AUDIT[outcome], { mode: 'seamless', migration: number });
  }

  private completed(main: LiveChannel, mode: Mode): void {
    this.count(mode, 'completed');
    this.tell(main, MIGRATION_AUDIT.completed, { mode, migration: main.migration?.number });
    if (mode === 'seamless') this.moveConsole(main);
  }

  private moveConsole(main: LiveChannel): void {
    const { migrations, platforms, records, retries } = this.parts;
    if (!platforms.knowsNoMoves(main.platform)) return;
    void retries.run(async () => {
      const changed = await migrations.moveConsole(main.sessionId, main);
      if (changed.length > 0) records.audit(main, consoleChanged(changed));
    }, 'record where a console has moved to');
  }

  private count(mode: Mode, outcome: MigrationOutcome): void {
    this.parts.metrics.migrations.inc({ mode, outcome });
  }

  private tell(channel: LiveChannel, message: string, facts: Readonly<Record<string, unknown>>): void {
    this.parts.records.audit(channel, message);
    const { sessionId: session, connectionRef: connection, source, uuid } = channel;
    log.info(message.toLowerCase(), { session, connection, source, console: uuid, ...facts });
  }
}

function targetOf({ host, port, tlsPort, subject }: MigrationDestination, address: string): MigrationTarget {
  return { host, address, port, tlsPort, subject };
}
