// SPDX-License-Identifier: Apache-2.0
// Records of what already happened must reach the database, even when it is away for a while.
import { loggerFor } from '../log.js';

const log = loggerFor('kerbside.console.control-plane');

const ATTEMPTS = 60;
const PAUSE = 1000;

/** Does `work` until it succeeds, for about a minute; never rejects. */
export async function retry(work: () => Promise<unknown>, what: string): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    try {
      await work();
      return;
    } catch (error) {
      if (attempt === 1) log.error(`could not ${what}; trying again`, { error: error as Error });
      if (attempt === ATTEMPTS) log.error(`gave up to ${what}`, { error: error as Error });
    }
    await new Promise((resolve) => {
      setTimeout(resolve, PAUSE).unref();
    });
  }
}
