// SPDX-License-Identifier: Apache-2.0
// How many notifications of refusals a process sends at most: strangers who knock must not flood those who listen. What
// is left out is counted, and told with the next one that goes out.

/** The same refusal (reason, console, client) is told once in so many seconds. */
const SAME_AGAIN = 60;
/** All together: this many at once, and this many in a second in the long run. */
const BURST = 60;
const PER_SECOND = 1;
/** Refusals that are remembered; the oldest is forgotten when there are more. */
const MOST_KEYS = 1000;

/** Decides which refusals are told. */
export class RefusalRate {
  private readonly told = new Map<string, number>();
  private tokens = BURST;
  private filled: number;
  private suppressed = 0;

  /** @param now seconds of a clock that never goes back */
  constructor(private readonly now: () => number = () => performance.now() / 1000) {
    this.filled = now();
  }

  /** Whether to tell this refusal: how many were left out since the last one; null: leave it out. */
  admit(key: string): number | null {
    const now = this.now();
    this.tokens = Math.min(BURST, this.tokens + (now - this.filled) * PER_SECOND);
    this.filled = now;
    const last = this.told.get(key);
    if ((last !== undefined && now - last < SAME_AGAIN) || this.tokens < 1) {
      this.suppressed += 1;
      return null;
    }
    this.tokens -= 1;
    this.told.delete(key);
    this.told.set(key, now);
    for (const [oldest] of this.told) {
      if (this.told.size <= MOST_KEYS) break;
      this.told.delete(oldest);
    }
    const { suppressed } = this;
    this.suppressed = 0;
    return suppressed;
  }
}
