// SPDX-License-Identifier: Apache-2.0
// Records of what already happened must reach the database, even when it is away for a while.
import { loggerFor } from '../log.js';

const log = loggerFor('kerbside.console.control-plane');

/** Milliseconds between two attempts: doubled each time from the first to the longest. */
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 15_000;
/** About a day. A record that is given up leaves its session claimed until the node restarts. */
const ATTEMPTS = 5760;

/** How much of each kind of work is waiting for its next attempt: an outage is told once, not for each channel. */
const failing = new Map<string, number>();

/** Does `work` until it succeeds, for about a day; never rejects. @param what names the kind of work in the log */
export async function retry(work: () => Promise<unknown>, what: string): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    try {
      await work();
      if (attempt > 1) settled(what);
      return;
    } catch (error) {
      if (attempt === 1) failed(what, error);
      if (attempt === ATTEMPTS) log.error(`gave up to ${what}`, { error: error as Error });
    }
    await pause(Math.min(FIRST_PAUSE * 2 ** (attempt - 1), LONGEST_PAUSE));
  }
  settled(what);
}

function failed(what: string, error: unknown): void {
  const others = failing.get(what) ?? 0;
  failing.set(what, others + 1);
  if (others === 0) log.error(`could not ${what}; trying again`, { error: error as Error });
}

function settled(what: string): void {
  const left = (failing.get(what) ?? 1) - 1;
  failing.set(what, left);
  if (left === 0) log.info('what waited for the database is written', { work: what });
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds).unref();
  });
}
