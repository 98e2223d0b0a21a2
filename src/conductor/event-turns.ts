// SPDX-License-Identifier: Apache-2.0
// Turns of a source that its platform's events bring about: soon after an event, one for all that come together, and no more
// than one in a pause, however many come.
import type { SourceDriver } from '../sources/driver.js';
import { systemTimers, type Timers } from '../net/timers.js';

/** Milliseconds from an event to its turn: what belongs to it follows at once. */
const GATHER_MS = 50;
/** Milliseconds from the end of one turn to the next. */
const PAUSE_MS = 500;

/** Watches one source. */
export class EventTurns {
  private readonly abort = new AbortController();
  private readonly watching: Promise<void>;
  private callOff: (() => void) | null = null;
  private running = false;
  private again = false;
  private endedAt = -Infinity;

  /** @param turn discovers; never rejects */
  constructor(
    watch: NonNullable<SourceDriver['watch']>,
    private readonly turn: () => Promise<void>,
    private readonly timers: Timers = systemTimers,
  ) {
    this.watching = watch(() => this.changed(), this.abort.signal);
  }

  /** Ends it; resolves when the platform is watched no more. */
  async close(): Promise<void> {
    this.abort.abort();
    this.callOff?.();
    await this.watching;
  }

  private changed(): void {
    if (this.abort.signal.aborted) return;
    this.again = true;
    if (this.callOff !== null || this.running) return;
    const wait = Math.max(GATHER_MS, this.endedAt + PAUSE_MS - this.timers.now());
    this.callOff = this.timers.after(wait, () => void this.run());
  }

  private async run(): Promise<void> {
    this.callOff = null;
    this.running = true;
    this.again = false;
    await this.turn();
    this.running = false;
    this.endedAt = this.timers.now();
    this.next();
  }

  private next(): void {
    if (this.again) this.changed();
  }
}
