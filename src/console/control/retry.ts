// SPDX-License-Identifier: Apache-2.0
// Records of what already happened must reach the database, even when it is away for a while: ever less often while it
// is, and at once when it is back. What waited through an outage may be much: a few at a time, each one that is written
// lets the next one go.
import { loggerFor } from '../../log.js';

const log = loggerFor('kerbside.console.control-plane');

/** Milliseconds between two attempts: doubled each time from the first to the longest. */
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 15_000;
/** Milliseconds, a day. A record that is given up leaves its session claimed until the node restarts. */
const PATIENCE = 86_400_000;
/** How many are tried at the same time when the database answers: those who open sessions need it, too. */
const AT_ONCE = 8;

/** Work that must be done in the end. */
export class Retries {
  /** What ends the pause of each work that waits for its next attempt, the longest waiting one first. */
  private readonly waiting = new Set<() => void>();
  /** How much of each kind of work has failed so far: an outage is told once, not for each channel. */
  private readonly failing = new Map<string, number>();

  /** Does `work` until it succeeds, for a day; never rejects. @param what names the kind of work in the log */
  async run(work: () => Promise<unknown>, what: string): Promise<void> {
    const end = performance.now() + PATIENCE;
    for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      try {
        await work();
        if (pause === FIRST_PAUSE) return;
        this.wake(1);
        break;
      } catch (error) {
        if (pause === FIRST_PAUSE) this.failed(what, error);
        if (performance.now() >= end) {
          log.error(`gave up to ${what}`, { error: error as Error });
          break;
        }
      }
      await this.pause(pause);
    }
    this.settled(what);
  }

  /** The database has answered somebody, or there is no time left: what waits is tried now. */
  hurry(): void {
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
