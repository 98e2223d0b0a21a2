// SPDX-License-Identifier: Apache-2.0
// The queue of audit events between the data plane and the database: gathered for a moment and written together, so that a
// burst of channels costs one statement. While the database is unavailable events are lost only after the queue is full.
import { loggerFor } from '../../log.js';
import { systemTimers } from '../../net/timers.js';
import type { Timers } from '../../net/timers.js';
import type { AuditEntry, AuditEvents } from '../../objects/audit-event.js';
import { systemClock } from '../../objects/clock.js';
import type { Clock } from '../../objects/clock.js';

const log = loggerFor('kerbside.console.audit');

/** A desktop's channels open, or close, within that. */
const GATHER_MS = 200;
const RETRY_MS = 1000;
const MAX_QUEUED = 10_000;
const MAX_BATCH = 200;

/** What an {@link AuditQueue} may be made with. */
export interface AuditQueueOptions {
  readonly timers?: Timers;
  readonly now?: Clock;
  /** Called for each event that there was no room for. */
  readonly dropped?: () => void;
}

/** Writes audit events in order. */
export class AuditQueue {
  private queue: AuditEntry[] = [];
  private callOff: (() => void) | null = null;
  private writing: Promise<void> | null = null;
  private lost = 0;
  private readonly timers: Timers;
  private readonly now: Clock;
  private readonly dropped: () => void;
  private failing = false;

  constructor(
    private readonly events: Pick<AuditEvents, 'recordMany'>,
    options: AuditQueueOptions = {},
  ) {
    this.timers = options.timers ?? systemTimers;
    this.now = options.now ?? systemClock;
    this.dropped = options.dropped ?? ((): void => undefined);
  }

  /** Adds an event; its time is now, however late it is written. */
  add(entry: AuditEntry): void {
    if (this.queue.length >= MAX_QUEUED) {
      this.lost += 1;
      this.dropped();
      return;
    }
    this.queue.push({ ...entry, timestamp: entry.timestamp ?? this.now() });
    this.schedule(GATHER_MS);
  }

  /** Writes what is left, once. */
  async close(): Promise<void> {
    this.callOff?.();
    await this.writing;
    // An event that is added meanwhile must not start a second writer: both would write the same.
    this.writing = this.write();
    await this.writing;
    this.callOff?.();
  }

  private schedule(delay: number): void {
    this.callOff ??= this.timers.after(delay, () => {
      this.callOff = null;
      this.writing ??= this.write().finally(() => (this.writing = null));
    });
  }

  private async write(): Promise<void> {
    while (this.queue.length > 0) {
      const batch = this.queue.slice(0, MAX_BATCH);
      try {
        await this.events.recordMany(batch);
      } catch (error) {
        if (!this.failing)
          log.error('audit events cannot be written; they are kept and tried again', {
            error: error as Error,
          });
        this.failing = true;
        this.schedule(RETRY_MS);
        return;
      }
      this.queue = this.queue.slice(batch.length);
      this.recovered();
    }
  }

  private recovered(): void {
    if (!this.failing) return;
    this.failing = false;
    log.warning('audit events are written again', { lost: this.lost });
    this.lost = 0;
  }
}
