// SPDX-License-Identifier: Apache-2.0
// Whether a channel is to be paced, in the mode `auto`: from its start on where the round trip is long; else when the
// client's leg does not take what is written, until it has been quiet for a while. The while doubles each time, so that
// nothing flaps.
import type { Progress } from '../relay/stage.js';
import type { SessionPacer } from './session-pacer.js';

/** A wait for the client, in milliseconds, that says that its link is slow, and one that says that it is not. */
const SLOW_RTT_MS = 8;
const FAST_RTT_MS = 4;
/** For how long a leg must have been busy, in milliseconds, ... */
const BUSY_MS = 150;
/** ... while it carries less than this, in bytes a millisecond (200 Mbit/s): a fast leg may be busy with a lot. */
const FAST_RATE = 25_000;
/** For how long nothing may have waited, in milliseconds, at first and at most. */
const QUIET_MS = 10_000;
const MAX_QUIET_MS = 160_000;
/** What may wait without being a queue, in bytes. */
const QUIET_BYTES = 16_384;

/** Whether a wait for the client of so many milliseconds is long. */
export function isSlow(rttMs: number | null): boolean {
  return rttMs !== null && rttMs >= SLOW_RTT_MS;
}

/** Watches one channel. */
export class CongestionWatch {
  private busySince: { readonly at: number; readonly bytes: number } | null = null;
  private quietSince: number | null = null;
  private quietFor = QUIET_MS;

  /** Whether the leg was busy when it was last looked at. */
  get sawBusy(): boolean {
    return this.busySince !== null;
  }

  /** Whether the leg does not take what is written; asked several times a second. */
  isCongested({ busy, bytes }: Progress, now: number): boolean {
    if (!busy) {
      this.busySince = null;
      return false;
    }
    this.busySince ??= { at: now, bytes };
    const { at, bytes: before } = this.busySince;
    return now - at >= BUSY_MS && (bytes - before) / (now - at) < FAST_RATE;
  }

  /** Whether the link is short and has had nothing to do for long enough. */
  isIdle(pacer: SessionPacer, now: number): boolean {
    const { rttMs, queueBytes } = pacer.figures;
    if (rttMs === null || rttMs > FAST_RTT_MS || queueBytes > QUIET_BYTES) {
      this.quietSince = null;
      return false;
    }
    this.quietSince ??= now;
    return now - this.quietSince >= this.quietFor;
  }

  /** The channel is plain again. */
  left(): void {
    this.busySince = null;
    this.quietSince = null;
    this.quietFor = Math.min(2 * this.quietFor, MAX_QUIET_MS);
  }
}
