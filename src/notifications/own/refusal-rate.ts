// SPDX-License-Identifier: Apache-2.0
// Limits the notifications of refusals that a process sends: clients that probe must not flood the consumers. Suppressed ones
// are counted, and their number is part of the next one that is sent.

/** Seconds between two notifications of the same refusal (reason, console, client). */
const SAME_AGAIN_SECONDS = 60;
/** All together: this many at once, and this many in a second in the long run. */
const BURST = 60;
const PER_SECOND = 1;
/** Refusals that are remembered; the oldest is forgotten when there are more. */
const MOST_KEYS = 1000;

/** Decides which refusals are published. */
export class RefusalRate {
  private readonly published = new Map<string, number>();
  private tokens = BURST;
  private filled: number;
  private suppressed = 0;

  /** @param now seconds of a clock that never goes back */
  constructor(private readonly now: () => number = () => performance.now() / 1000) {
    this.filled = now();
  }

  /** Whether to publish this refusal: the number suppressed since the last one; null: suppress it. */
  admit(key: string): number | null {
    const now = this.now();
    this.tokens = Math.min(BURST, this.tokens + (now - this.filled) * PER_SECOND);
    this.filled = now;
    const last = this.published.get(key);
    if ((last !== undefined && now - last < SAME_AGAIN_SECONDS) || this.tokens < 1) {
      this.suppressed += 1;
      return null;
    }
    this.tokens -= 1;
    this.published.delete(key);
    this.published.set(key, now);
    for (const [oldest] of this.published) {
      if (this.published.size <= MOST_KEYS) break;
      this.published.delete(oldest);
    }
    const { suppressed } = this;
    this.suppressed = 0;
    return suppressed;
  }
}
