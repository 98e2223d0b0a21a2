// SPDX-License-Identifier: Apache-2.0
// Records of what already happened must reach the database in the end. While it is unavailable they are tried less and less
// often, and at once when it answers again: a few at a time, since an outage leaves many of them, and each one that is
// written starts the next.
import { loggerFor } from '../../log.js';

const log = loggerFor('kerbside.console.control-plane');

/** Between two attempts: doubled each time from the first to the longest. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 15_000;
/** A day. A record that is given up leaves its session claimed until the node restarts. */
const TIMEOUT_MS = 86_400_000;
/** How many are tried at the same time when the database answers: it is needed for new sessions, too. */
const AT_ONCE = 8;

/** Repeats work until it succeeds. */
export class Retries {
  /** Ends the pause of each work that waits for its next attempt, the longest waiting one first. */
  private readonly waiting = new Set<() => void>();
  /** How many of each kind of work are failing: an outage is logged once, not for each channel. */
  private readonly failing = new Map<string, number>();

  /** Does `work` until it succeeds, for a day; never rejects. @param what names the kind of work in the log */
  async run(work: () => Promise<unknown>, what: string): Promise<void> {
    const end = performance.now() + TIMEOUT_MS;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      try {
        await work();
        if (pause === FIRST_PAUSE_MS) return;
        this.wake(1);
        break;
      } catch (error) {
        if (pause === FIRST_PAUSE_MS) this.failed(what, error);
        if (performance.now() >= end) {
          log.error(`gave up to ${what}`, { error: error as Error });
          break;
        }
      }
      await this.pause(pause);
    }
    this.settled(what);
  }

  /** The database has answered, or there is no time left: what waits is tried now. */
  retryNow(): void {
    this.wake(AT_ONCE);
  }

  private wake(most: number): void {
    let left = most;
    for (const proceed of this.waiting) {
      if (left === 0) return;
      left -= 1;
      proceed();
    }
  }

  private pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const proceed = (): void => {
        clearTimeout(timer);
        this.waiting.delete(proceed);
        resolve();
      };
      const timer = setTimeout(proceed, milliseconds);
      timer.unref();
      this.waiting.add(proceed);
    });
  }

  private failed(what: string, error: unknown): void {
    const others = this.failing.get(what) ?? 0;
    this.failing.set(what, others + 1);
    if (others === 0) log.error(`could not ${what}; trying again`, { error: error as Error });
  }

  private settled(what: string): void {
    const left = (this.failing.get(what) ?? 1) - 1;
    this.failing.set(what, left);
    if (left === 0) log.info('what waited for the database is written', { work: what });
  }
}
