// SPDX-License-Identifier: Apache-2.0
// What becomes of a channel once it is granted: its hypervisor accepts it or not, its session comes up, it ends. Each is
// counted, put into the audit trail, written down, and told to whoever must know.
import { Conflict } from '../../exception.js';
import { AUDIT, hypervisorFailed, INSTANCE_AUDIT } from '../../objects/audit-message.js';
import { MAIN_CHANNEL } from '../../objects/console-session-state.js';
import type { ChannelEnd } from '../../objects/channel-types.js';
import type { ConsoleChannels } from '../../objects/console-channel.js';
import type { CloseReason } from '../../close-reason.js';
import type { EstablishRequest, Verdict, WorkerNote } from '../ipc.js';
import type { ChannelNews } from './channel-news.js';
import type { ChannelRecords } from './channel-records.js';
import type { KnownSessions } from './known-sessions.js';
import type { LiveChannel, LiveChannels } from './live-channels.js';
import type { ProxyMetrics } from './metrics.js';
import type { SessionEndings } from './session-endings.js';

/** A channel that came to nothing. */
export const NOTHING_PASSED = { bytesUp: 0, bytesDown: 0, duration: 0 } as const;

/** What follows channels works with. */
export interface LifecycleParts {
  readonly channels: ConsoleChannels;
  readonly live: LiveChannels;
  readonly known: KnownSessions;
  readonly records: ChannelRecords;
  readonly endings: SessionEndings;
  readonly metrics: ProxyMetrics;
  readonly news: ChannelNews;
}

type NoteOf<Op extends WorkerNote['op']> = Extract<WorkerNote, { op: Op }>;

/** A note about one channel. */
export type ChannelNote = NoteOf<'linked' | 'backend_failed' | 'withheld' | 'closed'>;

/** Follows the channels of this node from their grant to their end. */
export class ChannelLifecycle {
  constructor(private readonly parts: LifecycleParts) {}

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
   * The backend has named its session: it is written down before the client hears of it.
   *
   * @throws Conflict when the channel has ended, or its session was taken over or terminated
   * @throws DatabaseError when the database is away
   */
  async establish(request: EstablishRequest): Promise<void> {
    const { live, channels, known, news } = this.parts;
    const { connectionRef, sessionId, generation, backendConnectionId } = request;
    const main = live.find(connectionRef);
    if (main === undefined) throw new Conflict('the channel is closed');
    await channels.establish(sessionId, generation, backendConnectionId);
    // Its end was told as one that never came up.
    if (live.find(connectionRef) === undefined) throw new Conflict('the channel is closed');
    main.established = true;
    known.established(connectionRef, backendConnectionId);
    news.started(main);
  }

  /** Writes down the end of a channel, and ends what depends on it. */
  finish(channel: LiveChannel, end: ChannelEnd): void {
    const { endings, known, records, news } = this.parts;
    // A dead database must not keep the session's other channels open.
    if (channel.channelType === MAIN_CHANNEL)
      endings.end(channel.sessionId, channel.generation, 'main channel closed');
    known.forget(channel.connectionRef);
    records.closed(channel, end);
    if (!channel.established) return;
    const { sessionId, generation } = channel;
    void channel.tail.then(() => news.ended(sessionId, generation));
  }

  /** The channels of a worker that is gone are closed in the records, and what belonged to them elsewhere ends. */
  workerDied(workerId: number): void {
    const { live, metrics, records } = this.parts;
    for (const channel of live.ofWorker(workerId)) {
      live.remove(channel.connectionRef);
      metrics.closed.inc({ reason: 'proxy worker died' });
      records.audit(channel, 'Channel closed: proxy worker died');
      this.finish(channel, { reason: 'proxy worker died', ...NOTHING_PASSED });
    }
  }

  private linked({ connectionRef, backendTime }: NoteOf<'linked'>): void {
    const { live, metrics, records } = this.parts;
    const channel = live.find(connectionRef);
    if (channel === undefined) return;
    metrics.backendSeconds.observe(backendTime);
    records.audit(channel, AUDIT.hypervisorConnected);
    records.linked(channel);
  }

  private backendFailed({ connectionRef, reason, detail }: NoteOf<'backend_failed'>): void {
    const { live, metrics, records } = this.parts;
    metrics.backendFailures.inc({ reason });
    const channel = live.find(connectionRef);
    if (channel !== undefined) records.audit(channel, hypervisorFailed(detail));
  }

  // The place for carrying the session over.
  private withheld({ connectionRef, messageType }: NoteOf<'withheld'>): void {
    const { live, metrics, records } = this.parts;
    metrics.withheld.inc({ type: String(messageType) });
    const channel = live.find(connectionRef);
    if (channel !== undefined)
      records.audit(channel, `Migration message ${messageType} withheld from the client`);
  }

  private closed(note: NoteOf<'closed'>): void {
    const { live, metrics, records } = this.parts;
    const { connectionRef, reason, bytesUp, bytesDown, duration } = note;
    const channel = live.remove(connectionRef);
    if (channel === undefined) return;
    metrics.closed.inc({ reason });
    this.reportWrongGuest(channel, reason);
    this.countVerdicts(channel, note.verdicts);
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

  private countVerdicts(channel: LiveChannel, verdicts: readonly Verdict[]): void {
    const { metrics, records } = this.parts;
    for (const { count, ...labels } of verdicts) metrics.firewallVerdicts.inc({ ...labels }, count);
    records.auditVerdicts(channel, verdicts);
  }
}
