// SPDX-License-Identifier: Apache-2.0
// Whether a link loses packets, as far as is seen from above TCP: what is behind a lost packet waits until that has come again,
// a round trip later, and comes with it. A link that got slower or longer shows the wait alone. It matters because TCP's own
// window is what limits such a link, and grows only while it is full (RFC 7661).
// Pure arithmetic: milliseconds of a clock that is never set, and bytes per millisecond.

/** A wait counts when it is longer than the message explains, so many times, by so much of the round trip. */
const EXPLAINED = 1.25;
const GAP = 0.4;
const SLACK_MS = 8;
/** So much of what the link carries has come in wait and catching up together. */
const CAUGHT_UP = 0.65;
/** With two such waits in so many milliseconds the link counts as one that loses, for as long. */
const LIFE_MS = 8000;

/** A message that has arrived, and the one before it. */
export interface Arrival {
  readonly now: number;
  /** When the wait for it began. */
  readonly since: number;
  readonly size: number;
  /** Bytes that had arrived before it. */
  readonly delivered: number;
}

/** What is known of the link. */
export interface LinkFacts {
  /** Bytes per millisecond; 0: not known. */
  readonly bandwidth: number;
  readonly rttMs: number;
}

/** Watches the arrivals of one link. */
export class LossWatch {
  private gap: { readonly since: number; readonly until: number; readonly delivered: number } | null = null;
  private lostAt = -Infinity;
  private until = -Infinity;
  private quietUntil = -Infinity;

  /** Little was sent on purpose: waits that begin before then mean nothing. */
  quiet(until: number): void {
    this.quietUntil = until;
  }

  /** A message has arrived. */
  arrived({ now, since, size, delivered }: Arrival, { bandwidth, rttMs }: LinkFacts): void {
    const wait = now - since;
    if (since > this.quietUntil && wait > (EXPLAINED * size) / bandwidth + SLACK_MS + GAP * rttMs)
      this.gap = { since, until: now + wait, delivered };
    if (this.gap === null) return;
    if (delivered + size - this.gap.delivered >= CAUGHT_UP * bandwidth * (now - this.gap.since)) {
      this.lost(now);
      this.gap = null;
    } else if (now > this.gap.until) this.gap = null;
  }

  /** Whether packets were lost of late. */
  isLossy(now: number): boolean {
    return now < this.until;
  }

  private lost(now: number): void {
    if (now - this.lostAt < LIFE_MS) this.until = now + LIFE_MS;
    this.lostAt = now;
  }
}
