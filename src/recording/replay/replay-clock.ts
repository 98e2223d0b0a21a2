// SPDX-License-Identifier: Apache-2.0
// The time of a replay: goes with the wall clock, faster or slower, stands while it is paused, and jumps ahead.
import type { Timers } from '../../net/timers.js';

const SLOWEST = 0.125;
const FASTEST = 1024;

/** Tells a replay when it is time. All times in milliseconds from the beginning of what is played. */
export class ReplayClock {
  private base = 0;
  private baseWall: number;
  private pausedNow = false;
  private wake: (() => void) | null = null;

  constructor(
    private readonly timers: Timers,
    private factor: number,
  ) {
    this.baseWall = timers.now();
  }

  /** Where the replay is. */
  get now(): number {
    if (this.pausedNow) return this.base;
    return this.base + (this.timers.now() - this.baseWall) * this.factor;
  }

  /** How fast it goes. */
  get speed(): number {
    return this.factor;
  }

  get paused(): boolean {
    return this.pausedNow;
  }

  /** Waits until the replay is at this time, or `over` says that nobody waits any more. */
  async until(time: number, over: () => boolean): Promise<void> {
    while (!over()) {
      const left = time - this.now;
      if (left <= 0) return;
      await new Promise<void>((resolve) => {
        const cancel = this.pausedNow
          ? (): void => undefined
          : this.timers.after(left / this.factor, resolve);
        this.wake = () => {
          cancel();
          resolve();
        };
      });
      this.wake = null;
    }
  }

  /** Stands, or goes on. */
  togglePause(): void {
    this.rebase(this.now);
    this.pausedNow = !this.pausedNow;
    this.wake?.();
  }

  /** Goes faster or slower by a factor. */
  multiply(by: number): void {
    this.rebase(this.now);
    this.factor = Math.min(FASTEST, Math.max(SLOWEST, this.factor * by));
    this.wake?.();
  }

  /** Jumps ahead; never back, for a picture is made of all that was before it. */
  ahead(to: number): void {
    this.rebase(Math.max(to, this.now));
    this.wake?.();
  }

  /** Whoever waits looks again. */
  nudge(): void {
    this.wake?.();
  }

  private rebase(time: number): void {
    this.base = time;
    this.baseWall = this.timers.now();
  }
}
