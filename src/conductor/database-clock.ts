// SPDX-License-Identifier: Apache-2.0
// The database's clock, and for how long the database has answered without a break. A process that was disconnected must not
// decide which others were down: after an outage all heartbeats are old. The clock may jump, which makes all times look old
// or new.

import type { ClockReading } from '../objects/clock.js';

/** Seconds by which the database's clock may differ from our own between two answers. */
const TOLERANCE_SECONDS = 1;
/** Jumps that are remembered. */
const MOST_JUMPS = 100;

/** Observes the answers of the database. */
export class DatabaseClock {
  /** When a jump of the database's clock was last noticed, milliseconds of performance.now(). */
  jumpedAt = -Infinity;
  private readonly jumps: { at: number; seconds: number }[] = [];
  private since: number | null = null;
  private last = 0;
  /** Seconds from our clock to the database's; null before the first answer. */
  private offset: number | null = null;

  /** @param longestGap seconds between two answers that are no break */
  constructor(private readonly longestGap: number) {}

  /** Observes an answer; gives by how many seconds the database's clock has jumped, null when it has not. */
  observe({ sent, received, databaseTime }: ClockReading): number | null {
    const offset = databaseTime - (sent + received) / 2000;
    const broken = this.since === null || sent - this.last > this.longestGap * 1000;
    const moved = offset - (this.offset ?? offset);
    const jumped = Math.abs(moved) > TOLERANCE_SECONDS + (received - sent) / 1000;
    if (jumped) this.remember(sent, moved);
    if (broken || jumped) this.since = sent;
    // Several ask beside each other.
    this.last = Math.max(this.last, sent);
    this.offset = offset;
    return jumped ? moved : null;
  }

  /** A statement has failed: however short the outage was, others may have missed a heartbeat in it. */
  failed(): void {
    this.since = null;
  }

  /** The database's time at `now` (milliseconds of performance.now()), epoch seconds. */
  databaseTime(now: number): number {
    return (this.offset ?? 0) + now / 1000;
  }

  /**
   * The database's time at `now` without what its clock was set forward within the last `seconds`: by this time what was
   * written before lasts as long as it was to.
   */
  dueTime(now: number, seconds: number): number {
    const recent = this.jumps.filter(({ at }) => at > now - seconds * 1000);
    const forward = recent.reduce((sum, jump) => sum + jump.seconds, 0);
    return this.databaseTime(now) - Math.max(0, forward);
  }

  /** Seconds at `now` (milliseconds of performance.now()); 0 when there has been no answer for too long. */
  connectedFor(now: number): number {
    if (this.since === null || now - this.last > this.longestGap * 1000) return 0;
    return (now - this.since) / 1000;
  }

  private remember(at: number, seconds: number): void {
    this.jumpedAt = at;
    this.jumps.push({ at, seconds });
    if (this.jumps.length > MOST_JUMPS) this.jumps.shift();
  }
}
