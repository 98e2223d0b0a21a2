// SPDX-License-Identifier: Apache-2.0
// Refreshes single consoles from their clouds after an event: in the background, a few at once, each with a deadline, and two
// requests for one console as one. A refresh that is lost is made up for by the next reconciliation of the source.
import type { Logger } from '../log.js';
import type { Fanout } from '../messaging/fanout.js';
import { signalWithin } from '../net/deadline.js';
import { systemTimers } from '../net/timers.js';
import type { Timers } from '../net/timers.js';
import type { SourceDrivers } from '../sources/source-drivers.js';
import type { ConsoleRefreshes } from './instance-event-handler.js';

interface PendingRefresh {
  readonly source: string;
  readonly uuid: string;
  readonly tries: number;
}

/** Both formats report an event within milliseconds: one refresh is enough. */
const SETTLE_MS = 30;
const AT_ONCE = 4;
/** Consoles that wait, at most; further ones are left to the next reconciliation of their source. */
const MOST_WAITING = 10_000;
const DEADLINE_MS = 15_000;
/** Pauses before further tries: Nova refuses for a moment after a move. */
const PAUSES_MS = [1000, 4000];

/** The consoles that wait for a refresh. */
export class RefreshQueue implements ConsoleRefreshes {
  /** By console, also those whose pause is not over. */
  private readonly waiting = new Map<string, PendingRefresh>();
  /** Consoles whose turn it is, in order. */
  private readonly due: string[] = [];
  private readonly pauses = new Set<() => void>();
  private readonly abort = new AbortController();
  private readonly running = new Set<Promise<void>>();

  constructor(
    private readonly drivers: Pick<SourceDrivers, 'refresh'>,
    private readonly fanout: Fanout,
    private readonly log: Pick<Logger, 'warning' | 'debug'>,
    private readonly timers: Timers = systemTimers,
  ) {}

  request(source: string, uuid: string): void {
    this.enqueue({ source, uuid, tries: 0 }, SETTLE_MS);
  }

  /** Starts no refresh any more, and aborts those that run. */
  async close(): Promise<void> {
    this.abort.abort();
    for (const callOff of this.pauses) callOff();
    this.pauses.clear();
    this.waiting.clear();
    this.due.length = 0;
    await Promise.all(this.running);
  }

  private enqueue(pending: PendingRefresh, pause: number): void {
    if (this.abort.signal.aborted) return;
    const key = JSON.stringify([pending.source, pending.uuid]);
    if (this.waiting.has(key) || this.waiting.size >= MOST_WAITING) return;
    this.waiting.set(key, pending);
    const callOff = this.timers.after(pause, () => {
      this.pauses.delete(callOff);
      this.due.push(key);
      this.next();
    });
    this.pauses.add(callOff);
  }

  private next(): void {
    while (this.running.size < AT_ONCE) {
      const key = this.due.shift() ?? '';
      const pending = this.waiting.get(key);
      if (pending === undefined) return;
      this.waiting.delete(key);
      const work = this.refresh(pending).finally(() => {
        this.running.delete(work);
        this.next();
      });
      this.running.add(work);
    }
  }

  private async refresh(pending: PendingRefresh): Promise<void> {
    const { source, uuid } = pending;
    const deadline = signalWithin(DEADLINE_MS, this.abort.signal);
    try {
      const found = await this.drivers.refresh(source, uuid, deadline);
      if (found === 'overtaken') this.retry(pending);
      if (found === 'written')
        this.fanout.cast({ method: 'console_changed', args: { source, uuid, change: 'changed' } });
      if (found === 'removed')
        this.fanout.cast({ method: 'console_changed', args: { source, uuid, change: 'removed' } });
    } catch (error) {
      if (this.abort.signal.aborted) return;
      if (this.retry(pending)) return;
      const fault = error instanceof Error ? error.message : String(error);
      this.log.warning('a console could not be looked at after news of its instance', {
        source,
        uuid,
        fault,
      });
    }
  }

  private retry(pending: PendingRefresh): boolean {
    const pause = PAUSES_MS[pending.tries];
    if (pause === undefined) return false;
    this.enqueue({ ...pending, tries: pending.tries + 1 }, pause);
    return true;
  }
}
