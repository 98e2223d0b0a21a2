// SPDX-License-Identifier: Apache-2.0
// Whether this process should be sent requests: it has started, its database answers, and it is not on its way out.
import { setTimeout as delay } from 'node:timers/promises';
import { loggerFor } from './log.js';
import type { Database } from './objects/database.js';

const LOG = loggerFor('kerbside.health');
const PING_DEADLINE_MS = 2000;

/** Whether this process is ready. */
export class Readiness {
  #starting: boolean;
  #draining = false;

  /** @param options.starting not ready before {@link setStarted} */
  constructor(
    private readonly db: Pick<Database, 'ping'>,
    options: { readonly starting?: boolean } = {},
  ) {
    this.#starting = options.starting ?? false;
  }

  /** From now on the process is ready. */
  setStarted(): void {
    this.#starting = false;
  }

  /** From now on the process is not ready: it finishes what it has. */
  setDraining(): void {
    this.#draining = true;
  }

  /** Why the process is not ready, or undefined when it is. */
  async fault(): Promise<string | undefined> {
    if (this.#starting) return 'this service is starting';
    if (this.#draining) return 'this service is shutting down';
    return (await this.#databaseAnswers()) ? undefined : 'the database does not answer';
  }

  async #databaseAnswers(): Promise<boolean> {
    const deadline = new AbortController();
    try {
      return await Promise.race([
        this.db.ping().then(() => true),
        delay(PING_DEADLINE_MS, false, { signal: deadline.signal }),
      ]);
    } catch (error) {
      LOG.warning('the database does not answer', { fault: error instanceof Error ? error : undefined });
      return false;
    } finally {
      deadline.abort();
    }
  }
}
