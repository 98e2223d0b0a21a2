// SPDX-License-Identifier: Apache-2.0
// The figures on the overview of somebody who does not see everything: each console counts once, and each list of access is asked
// for by itself.
import { describe, expect, it } from '@jest/globals';
import type { Database } from '../../../src/db/database.js';
import type { SqlValue } from '../../../src/db/statements.js';
import type { Sight } from '../../../src/db/api/sight.js';
import { Overview } from '../../../src/objects/overview.js';
import { databasesOf, ENGINES, overheard } from '../../fixtures/database.js';

const CONSOLE =
  'INSERT INTO consoles (source, uuid, discovered, hypervisor, hypervisor_ip, project_id, access_id) ' +
  "VALUES ('lab', ?, 1, 'hv', '', ?, ?)";
const SESSION =
  'INSERT INTO console_sessions (session_id, source, uuid, state, generation, ended_generation, created, updated_at) ' +
  "VALUES (?, 'lab', ?, ?, 1, 0, 1, 1)";

/** Consoles: uuid, project, list of access. */
const CONSOLES: readonly (readonly [string, string | null, string | null])[] = [
  ['unlisted', null, null],
  ['unlisted-of-mine', 'mine', null],
  ['list-1', null, 'one'],
  ['list-1-of-mine', 'mine', 'one'],
  ['list-2', null, 'two'],
  ['list-2-of-others', 'theirs', 'two'],
  ['list-3-of-mine', 'mine', 'three'],
  ['list-3', null, 'three'],
];

async function filled(db: Database): Promise<Database> {
  for (const console of CONSOLES) await db.execute(CONSOLE, console);
  const states = ['pending', 'active', 'migrating', 'closing', 'closed'];
  for (const [at, state] of states.entries()) {
    await db.execute(SESSION, [`seen-${at}`, 'list-1-of-mine', state]);
    await db.execute(SESSION, [`unseen-${at}`, 'list-3', state]);
  }
  return db;
}

describe.each(ENGINES)('the overview of what somebody sees, on %s', (engine) => {
  const databases = databasesOf(engine);

  it.each<readonly [string, Sight, number]>([
    ['nothing', { unlisted: false, accessIds: [] }, 0],
    ['what is not listed', { unlisted: true, accessIds: [] }, 2],
    ['two lists', { unlisted: false, accessIds: ['one', 'two'] }, 4],
    ['a project', { unlisted: false, projectId: 'mine', accessIds: [] }, 3],
    ['two lists and a project', { unlisted: false, projectId: 'mine', accessIds: ['one', 'two'] }, 6],
    ['all of that', { unlisted: true, projectId: 'mine', accessIds: ['one', 'two'] }, 7],
    ['everything', { unlisted: true, projectId: 'mine', accessIds: ['one', 'two', 'three'] }, 8],
  ])('counts each console once: %s', async (_what, sight, consoles) => {
    const db = await filled(await databases.fresh());
    expect(await new Overview(db).figuresOf(sight)).toMatchObject({ consoles });
  });

  it('asks for one list at a time: where several have much of the index, an engine reads all of it', async () => {
    const asked: SqlValue[][] = [];
    const heard = overheard(await filled(await databases.fresh()), (sql, values) => {
      if (/FROM consoles c WHERE c\.access_id IN/.test(sql)) asked.push(values);
    });
    await new Overview(heard).figuresOf({ unlisted: false, accessIds: ['one', 'two', 'three'] });
    expect(asked).toEqual([['one'], ['two'], ['three']]);
  });

  it('counts sessions whose guest moves as active, and none that it does not show', async () => {
    const db = await filled(await databases.fresh());
    const { sessions } = await new Overview(db).figuresOf({ unlisted: false, accessIds: ['one'] });
    expect(sessions).toEqual({ pending: 1, active: 2, closing: 1 });
  });
});
