// SPDX-License-Identifier: Apache-2.0
// Each move of a session from each state, as the engines decide it: what the table does not have does not happen.
import { describe, expect, it } from '@jest/globals';
import {
  activateSession,
  closeSessions,
  expireSession,
  findSession,
  insertSession,
  releaseMains,
  terminateSession,
} from '../../../src/db/api/console-sessions.js';
import {
  announceMigration,
  claimReturn,
  giveUpMigration,
  goOver,
} from '../../../src/db/api/session-migrations.js';
import type { Database } from '../../../src/db/database.js';
import { SESSION_MOVES, SESSION_STATES } from '../../../src/db/models/session-state.js';
import type { SessionMoveName, SessionState } from '../../../src/db/models/session-state.js';
import { databasesOf, ENGINES } from '../../fixtures/database.js';

const ID = 'session00001';
const NOW = 1_900_000_000;

interface Making {
  /** It is one of a session with a claimed main channel. */
  readonly claimed: boolean;
  /** It is one of a session whose client was told of a migration. */
  readonly news?: string;
  readonly make: (db: Database) => Promise<unknown>;
}

/** How each move is made. */
const MOVES: Record<SessionMoveName, Making> = {
  establish: { claimed: true, make: (db) => activateSession(db, ID, 0, 77) },
  release: { claimed: true, make: (db) => releaseMains(db, ['main'], NOW) },
  terminate: { claimed: false, make: (db) => terminateSession(db, ID, 'x', NOW) },
  expire: { claimed: false, make: (db) => expireSession(db, ID, NOW) },
  announce: {
    claimed: true,
    make: (db) =>
      announceMigration(db, { sessionId: ID, generation: 0, connectionRef: 'main' }, 'announced', null),
  },
  stay: { claimed: true, news: 'announced', make: (db) => giveUpMigration(db, { sessionId: ID, number: 1 }) },
  return: {
    claimed: true,
    news: 'switched',
    make: (db) =>
      claimReturn(
        db,
        {
          ...{ sessionId: ID, number: 1, generation: 0, connectionRef: 'next', connectionId: 5 },
          holds: true,
          graceStart: NOW - 60,
        },
        NOW,
      ),
  },
  goOver: {
    claimed: true,
    news: 'linked',
    make: (db) => goOver(db, { sessionId: ID, number: 1 }, 'next'),
  },
  close: { claimed: false, make: (db) => closeSessions(db, [ID], NOW, NOW) },
};

async function stateAfter(
  db: Database,
  name: SessionMoveName,
  from: SessionState,
): Promise<string | undefined> {
  await db.execute('DELETE FROM console_sessions');
  await insertSession(db, { session_id: ID, source: 'lab', uuid: 'one', created: NOW - 100 });
  const { claimed, news = null, make } = MOVES[name];
  await db.execute(
    'UPDATE console_sessions SET state = ?, main_ref = ?, closing_since = ?, migration_number = 1, ' +
      "migration_state = ?, migration_ref = 'next'",
    [from, claimed ? 'main' : null, from === 'closing' ? NOW - 50 : null, news],
  );
  await make(db);
  return (await findSession(db, ID))?.state;
}

describe.each(ENGINES)('the moves of a session on %s', (engine) => {
  const databases = databasesOf(engine, { keep: true });
  let opened: Promise<Database> | undefined;

  it.each(Object.keys(MOVES) as SessionMoveName[])(
    '%s goes from the states that the table has',
    async (name) => {
      const db = await (opened ??= databases.fresh());
      const { from, to } = SESSION_MOVES[name];
      for (const state of SESSION_STATES) {
        const expected = from.some((allowed) => allowed === state) ? to : state;
        expect([state, await stateAfter(db, name, state)]).toEqual([state, expected]);
      }
    },
  );
});
