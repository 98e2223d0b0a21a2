// SPDX-License-Identifier: Apache-2.0
// Audit events of the data plane on their way to the database: gathered for an instant and written together, so
// that a burst of channels costs one statement. A database that is away costs events only after the queue is full.
import { loggerFor } from '../../log.js';
import { systemTimers } from '../../net/timers.js';
import type { Timers } from '../../net/timers.js';
import type { AuditEntry, AuditEvents } from '../../objects/audit-event.js';
import { systemClock } from '../../objects/clock.js';
import type { Clock } from '../../objects/clock.js';

const log = loggerFor('kerbside.console.audit');

/** Milliseconds: a desktop's channels open, or close, within that. */
const GATHER = 200;
const RETRY = 1000;
const MAX_QUEUED = 10_000;
const MAX_BATCH = 200;

/** Writes audit events in order. */
export class AuditQueue {
  private queue: AuditEntry[] = [];
  private callOff: (() => void) | null = null;
  private writing: Promise<void> | null = null;
  private lost = 0;
  private failing = false;

  constructor(
    private readonly events: Pick<AuditEvents, 'recordMany'>,
    private readonly timers: Timers = systemTimers,
    private readonly now: Clock = systemClock,
  ) {}

  /** Takes an event: it happens now, whenever it is written. */
  add(entry: AuditEntry): void {
    if (this.queue.length >= MAX_QUEUED) {
      this.lost += 1;
      return;
    }
    this.queue.push({ timestamp: this.now(), ...entry });
    this.schedule(GATHER);
  }

  /** Writes what is left, once. */
  async close(): Promise<void> {
    this.callOff?.();
    await this.writing;
    // An event that comes meanwhile must not begin a second writer: both would write the same.
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
        this.schedule(RETRY);
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
