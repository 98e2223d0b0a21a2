// SPDX-License-Identifier: Apache-2.0
// Whether a console may be opened now by somebody who asks for it, before there is a token: what is set for it, and whether a
// session holds it. The proxy decides again when the session begins.
import { viewConsoleUse } from '../db/api/console-holders.js';
import type { Database } from '../db/database.js';
import { Conflict } from '../exception.js';
import {
  concurrencyFor,
  replacesUnder,
  type ConcurrentSessionsSetting,
  type Replacing,
} from './concurrent-sessions.js';
import { concurrentSessionsIn } from './own-settings.js';

/** Another session has the console, and does not give way to this user. */
export class ConsoleInUse extends Conflict {
  constructor() {
    super('console in use');
  }
}

/** What a console is used by. */
export class ConsoleUse {
  private readonly otherwise: ConcurrentSessionsSetting;

  constructor(
    private readonly db: Database,
    { concurrentSessions }: { readonly concurrentSessions: ConcurrentSessionsSetting },
  ) {
    this.otherwise = concurrentSessions;
  }

  /**
   * Whether a session of this user would replace another one: what their token is to carry. A console that is gone is nobody's.
   * @throws ConsoleInUse when it would be refused
   */
  async replaces(
    console: { readonly source: string; readonly uuid: string },
    replacing: Replacing,
  ): Promise<boolean> {
    const view = await viewConsoleUse(this.db, console.source, console.uuid);
    if (view === null) return false;
    const setting = concurrentSessionsIn(view) ?? this.otherwise;
    const replaces = replacesUnder(setting, replacing);
    if (view.held_by !== null && concurrencyFor(setting, replaces) === 'refuse') throw new ConsoleInUse();
    return replaces;
  }
}
