// SPDX-License-Identifier: Apache-2.0
// What happens to a channel once it is granted: its hypervisor accepts it or not, its session comes up, it ends. Each step
// is counted, audited, recorded and published.
import { Conflict } from '../../exception.js';
import { AUDIT, hypervisorFailed, INSTANCE_AUDIT } from '../../objects/audit-message.js';
import { MAIN_CHANNEL } from '../../objects/console-session-state.js';
import type { ChannelEnd } from '../../objects/channel-types.js';
import type { ConsoleChannels } from '../../objects/console-channel.js';
import type { CloseReason } from '../../close-reason.js';
import type { EstablishRequest, PacingSummary, Verdict, WorkerNote } from '../ipc.js';
import type { NotificationPublisher } from './notification-publisher.js';
import type { ChannelRecords } from './channel-records.js';
import type { KnownSessions } from './known-sessions.js';
import type { LostChannels } from './lost-channels.js';
import type { Migrations } from './migrations.js';
import type { ChannelRegistry, LiveChannel, WorkerName } from './channel-registry.js';
import type { ProxyMetrics } from './metrics.js';
import type { SessionWatch } from './session-watch.js';

/** The end of a channel on which nothing was relayed. */
export const NOTHING_PASSED = { bytesUp: 0, bytesDown: 0, duration: 0 } as const;

/** What a {@link ChannelLifecycle} is made with. */
export interface LifecycleDependencies {
  readonly channels: Pick<ConsoleChannels, 'establish'>;
  readonly registry: ChannelRegistry;
  readonly known: KnownSessions;
  readonly records: ChannelRecords;
  readonly watch: SessionWatch;
  readonly metrics: ProxyMetrics;
  readonly publisher: NotificationPublisher;
  readonly lost: LostChannels;
  readonly migrations: Migrations;
}

type NoteOf<Op extends WorkerNote['op']> = Extract<WorkerNote, { op: Op }>;

/** A note about one channel. */
export type ChannelNote = NoteOf<'linked' | 'backend_failed' | 'withheld' | 'closed'>;

/** Follows the channels of this node from their grant to their end. */
export class ChannelLifecycle {
  constructor(private readonly parts: LifecycleDependencies) {}

  /** Takes a note about a channel. */
  note(note: ChannelNote): void {
    switch (note.op) {
      case 'linked':
        this.linked(note);
        return;
      case 'backend_failed':
        this.backendFailed(note);
        return;
      case 'withheld':
        this.withheld(note);
        return;
      case 'closed':
        this.closed(note);
        return;
    }
  }

  /**
   * The backend has named its session, which is recorded before the client learns of it.
   *
   * @throws Conflict when the channel has ended, or its session was taken over or terminated
   * @throws DatabaseError when the database is away
   */
  async establish(request: EstablishRequest): Promise<void> {
    const { registry, channels, known, publisher } = this.parts;
    const { connectionRef, sessionId, generation, backendConnectionId } = request;
    const main = registry.find(connectionRef);
    if (main === undefined) throw new Conflict('the channel is closed');
    await channels.establish(sessionId, generation, backendConnectionId);
    // Its end was recorded as that of a session that never came up.
    if (registry.find(connectionRef) === undefined) throw new Conflict('the channel is closed');
    known.established(connectionRef, backendConnectionId);
    // At the destination of a migration it was up when its client went over.
    if (main.established) return;
    main.established = true;
    publisher.sessionStarted(main);
    this.parts.migrations.returned(main);
  }

  /** Records the end of a channel, and ends what depends on it. */
  finish(channel: LiveChannel, end: ChannelEnd): void {
    const { watch, known, records, publisher, lost, migrations } = this.parts;
    if (channel.channelType === MAIN_CHANNEL) {
      // A dead database must not keep the session's other channels open.
      if (!isAhead(channel)) watch.end(channel.sessionId, channel.generation, 'main channel closed');
      migrations.ended(channel, end.reason);
    }
    if (!isAhead(channel)) lost.closed(channel, end.reason);
    known.forget(channel.connectionRef);
    records.closed(channel, end);
    if (!channel.established) return;
    const { sessionId, generation } = channel;
    void channel.tail.then(() => publisher.sessionEnded(sessionId, generation));
  }

  /** The channels of a worker that is gone are closed in the records, and what belonged to them elsewhere ends. */
  workerDied(worker: WorkerName): void {
    const { registry, metrics, records } = this.parts;
    for (const channel of registry.removeWorker(worker.id)) {
      metrics.closed.inc({ reason: 'proxy worker died' });
      records.audit(channel, 'Channel closed: proxy worker died');
      this.finish(channel, { reason: 'proxy worker died', ...NOTHING_PASSED });
    }
    records.workerDied(worker.pid);
  }

  private linked({ connectionRef, backendTime }: NoteOf<'linked'>): void {
    const { registry, metrics, records } = this.parts;
    const channel = registry.find(connectionRef);
    if (channel === undefined) return;
    metrics.backendSeconds.observe(backendTime);
    records.audit(channel, AUDIT.hypervisorConnected);
    records.linked(channel);
  }

  private backendFailed({ connectionRef, reason, detail }: NoteOf<'backend_failed'>): void {
    const { registry, metrics, records } = this.parts;
    metrics.backendFailures.inc({ reason });
    const channel = registry.find(connectionRef);
    if (channel !== undefined) records.audit(channel, hypervisorFailed(detail));
  }

  private withheld({ connectionRef, messageType }: NoteOf<'withheld'>): void {
    const { registry, metrics, records } = this.parts;
    metrics.withheld.inc({ type: String(messageType) });
    const channel = registry.find(connectionRef);
    if (channel !== undefined)
      records.audit(channel, `Migration message ${messageType} withheld from the client`);
  }

  private closed(note: NoteOf<'closed'>): void {
    const { registry, metrics, records } = this.parts;
    const { connectionRef, bytesUp, bytesDown, duration } = note;
    const channel = registry.remove(connectionRef);
    if (channel === undefined) return;
    const reason = reasonOf(channel, note.reason);
    metrics.closed.inc({ reason: labelOf(reason) });
    this.reportWrongGuest(channel, reason);
    this.countVerdicts(channel, note.verdicts);
    records.auditDrops(channel, note.policyDrops ?? []);
    this.reportPacing(channel, note.pacing);
    records.audit(
      channel,
      `Channel closed: ${reason} after ${duration.toFixed(1)} s, ${bytesUp} bytes up, ${bytesDown} bytes down`,
    );
    this.finish(channel, { reason, bytesUp, bytesDown, duration });
  }

  private reportWrongGuest(channel: LiveChannel, reason: CloseReason): void {
    const { metrics, records } = this.parts;
    if (reason !== 'wrong guest' && reason !== 'guest not identified') return;
    const mismatch = reason === 'wrong guest';
    metrics.wrongGuests.inc({ reason: mismatch ? 'mismatch' : 'missing' });
    records.audit(channel, mismatch ? INSTANCE_AUDIT.wrongGuest : INSTANCE_AUDIT.unknownGuest);
  }

  private reportPacing(channel: LiveChannel, pacing: PacingSummary | null): void {
    if (pacing === null) return;
    const { metrics, records } = this.parts;
    if (pacing.rttMs !== null) metrics.clientRttSeconds.observe(pacing.rttMs / 1000);
    records.auditPacing(channel, pacing);
  }

  private countVerdicts(channel: LiveChannel, verdicts: readonly Verdict[]): void {
    const { metrics, records } = this.parts;
    for (const { count, ...labels } of verdicts) metrics.firewallVerdicts.inc({ ...labels }, count);
    records.auditVerdicts(channel, verdicts);
  }
}

/** What a worker sees of a channel that others have closed. */
const SEEN_FROM_OUTSIDE: ReadonlySet<CloseReason> = new Set<CloseReason>([
  ...(['client closed', 'backend closed'] as const),
  ...(['client connection lost', 'backend connection lost'] as const),
]);
/** Ends that somebody has decided. */
const DECIDED: ReadonlySet<CloseReason> = new Set<CloseReason>([
  ...(['terminated by request', 'replaced', 'recording failed'] as const),
]);

/**
 * Why a channel has ended. The first channel that obeys an order takes the others with it, since its hypervisor closes all
 * channels of a session: their workers may see that before the order, which is the reason all the same.
 */
function reasonOf({ ordered }: LiveChannel, seen: CloseReason): CloseReason {
  return ordered !== null && DECIDED.has(ordered) && SEEN_FROM_OUTSIDE.has(seen) ? ordered : seen;
}

/** A close reason as a label: without a number that somebody else has chosen. */
function labelOf(reason: CloseReason): string {
  return reason.replace(/ \(\d+\)$/, '');
}

/** Whether it leads to the destination of a migration that its client has not gone over to: the session goes on without it. */
function isAhead({ migration, wentOver }: LiveChannel): boolean {
  return migration?.kind === 'destination' && !wentOver;
}
