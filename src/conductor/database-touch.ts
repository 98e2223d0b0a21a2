// SPDX-License-Identifier: Apache-2.0
// How long the database has answered without a break. Who was out of touch must not judge who else was: after an outage
// everybody's heartbeat is old. And no clock is trusted to run evenly: one that jumps makes all times look old or new.

/** One answer of the database. */
export interface Answer {
  /** When the question was sent and answered, milliseconds of performance.now(). */
  readonly sent: number;
  readonly received: number;
  /** Epoch seconds. */
  readonly databaseTime: number;
}

/** Seconds by which the database's clock may differ from our own between two answers. */
const TOLERANCE = 1;

/** Keeps account of the answers. */
export class DatabaseTouch {
  /** When a jump of the database's clock was last noticed, milliseconds of performance.now(). */
  jumpedAt = -Infinity;
  private since: number | null = null;
  private last = 0;
  private offset = 0;

  /** @param longestGap seconds between two answers that are no break */
  constructor(private readonly longestGap: number) {}

  /** Takes an answer; gives by how many seconds the database's clock has jumped, null when it has not. */
  touched({ sent, received, databaseTime }: Answer): number | null {
    const offset = databaseTime - (sent + received) / 2000;
    const inTouch = this.since !== null;
    const broken = !inTouch || sent - this.last > this.longestGap * 1000;
    const moved = offset - this.offset;
    const jumped = inTouch && Math.abs(moved) > TOLERANCE + (received - sent) / 1000;
    if (jumped) this.jumpedAt = sent;
    if (broken || jumped) this.since = sent;
    this.last = sent;
    this.offset = offset;
    return jumped ? moved : null;
  }

  /** What time the database has at `now` (milliseconds of performance.now()), epoch seconds. */
  databaseTime(now: number): number {
    return this.offset + now / 1000;
  }

  /** Seconds at `now` (milliseconds of performance.now()); 0 when there has been no answer for too long. */
  steadyFor(now: number): number {
    if (this.since === null || now - this.last > this.longestGap * 1000) return 0;
    return (now - this.since) / 1000;
  }
}
