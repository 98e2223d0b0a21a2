// SPDX-License-Identifier: Apache-2.0
// Time, for what waits in the background: an argument, so that a test has it in hand and waits for nothing.

/** A clock that never goes back, and the timers on it. */
export interface Timers {
  /** Milliseconds since some moment. */
  now(): number;
  /** Calls `work` once, after so many milliseconds. @returns the function that calls it off */
  after(milliseconds: number, work: () => void): () => void;
}

/** The machine's own; `now` is that of performance.now(). */
export const systemTimers: Timers = {
  now: () => performance.now(),
  after(milliseconds, work) {
    const timer = setTimeout(work, milliseconds);
    return () => clearTimeout(timer);
  },
};
