// SPDX-License-Identifier: Apache-2.0
// Whether this process should be sent requests: it has started, what it needs is there, its database answers, and it is
// not on its way out.
import { Unavailable } from '../exception.js';
import { loggerFor } from '../log.js';
import { withDeadline } from '../net/deadline.js';
import type { Database } from '../objects/database.js';

const log = loggerFor('kerbside.health');
const PING_DEADLINE_MS = 2000;

/** Whether this process is ready. */
export class Readiness {
  private starting: boolean;
  private draining = false;
  private away = false;
  private readonly needs: (() => string | undefined)[] = [];
  /** The ping that is under way: any number of load balancers share it. */
  private asked: Promise<Error | string | null> | undefined;

  /** @param options.starting not ready before {@link setStarted} */
  constructor(
    private readonly db: Pick<Database, 'ping'>,
    options: { readonly starting?: boolean } = {},
  ) {
    this.starting = options.starting ?? false;
  }

  /** From now on the process is ready. */
  setStarted(): void {
    this.starting = false;
  }

  /** Adds a condition. @param missing gives why it is not met, or undefined when it is */
  require(missing: () => string | undefined): void {
    this.needs.push(missing);
  }

  /** From now on the process is not ready: it finishes what it has. */
  setDraining(): void {
    this.draining = true;
  }

  /** Why the process is not ready, or undefined when it is. */
  async fault(): Promise<string | undefined> {
    if (this.starting) return 'this service is starting';
    if (this.draining) return 'this service is shutting down';
    for (const missing of this.needs) {
      const fault = missing();
      if (fault !== undefined) return fault;
    }
    return (await this.databaseAnswers()) ? undefined : 'the database does not answer';
  }

  // Load balancers ask all the time: only a change is logged.
  private async databaseAnswers(): Promise<boolean> {
    this.asked ??= this.ping().finally(() => (this.asked = undefined));
    const fault = await this.asked;
    if (fault !== null && !this.away) log.warning('the database does not answer', { fault });
    if (fault === null && this.away) log.info('the database answers again');
    this.away = fault !== null;
    return fault === null;
  }

  private async ping(): Promise<Error | string | null> {
    const late = (): Error => new Unavailable(`no answer within ${PING_DEADLINE_MS} ms`);
    try {
      await withDeadline(this.db.ping(), PING_DEADLINE_MS, late);
      return null;
    } catch (error) {
      return error instanceof Error ? error : String(error);
    }
  }
}
