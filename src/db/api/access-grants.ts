// SPDX-License-Identifier: Apache-2.0
// Named queries on lists of access. Raw statements: they are asked for with every request of a user who does not see everything.
import type { AccessGrantRow } from '../models/access-grant.js';
import { batches, insertIgnore, placeholders, valueLists } from '../statements.js';
import type { Statements } from '../statements.js';

/** Names in one statement. */
const NAMES = 500;

/** Whether a list of access holds for any console. */
export async function isAccessUsed(db: Statements): Promise<boolean> {
  const rows = await db.query('SELECT 1 AS used FROM consoles WHERE access_id IS NOT NULL LIMIT 1');
  return rows.length > 0;
}

/** Whether any list names a group. */
export async function areGroupsNamed(db: Statements): Promise<boolean> {
  // The names of groups are one range of the index: ';' follows ':'.
  const rows = await db.query(
    "SELECT 1 AS named FROM access_grants WHERE principal > 'group:' AND principal < 'group;' LIMIT 1",
  );
  return rows.length > 0;
}

/** What the lists say to those who have these names. */
export async function listGrantsTo(
  db: Statements,
  principals: readonly string[],
): Promise<Pick<AccessGrantRow, 'access_id' | 'role'>[]> {
  const found: Pick<AccessGrantRow, 'access_id' | 'role'>[] = [];
  for (const batch of batches(principals, NAMES))
    found.push(
      ...(await db.query<Pick<AccessGrantRow, 'access_id' | 'role'>>(
        `SELECT access_id, role FROM access_grants WHERE principal IN (${placeholders(batch.length)})`,
        batch,
      )),
    );
  return found;
}

/** One list, by name. */
export function listGrantsOf(
  db: Statements,
  accessId: string,
): Promise<Pick<AccessGrantRow, 'principal' | 'role'>[]> {
  return db.query('SELECT principal, role FROM access_grants WHERE access_id = ? ORDER BY principal', [
    accessId,
  ]);
}

/** Writes down a list, or what it lacks. */
export async function insertGrants(db: Statements, rows: readonly AccessGrantRow[]): Promise<void> {
  for (const batch of batches(rows, NAMES))
    await db.execute(
      `${insertIgnore(db.dialect)} INTO access_grants (access_id, principal, role) VALUES ${valueLists(batch.length, 3)}`,
      batch.flatMap(({ access_id, principal, role }) => [access_id, principal, role]),
    );
}

/** Lists that hold for no console, by name. */
export async function listUnusedLists(db: Statements, limit: number): Promise<string[]> {
  const rows = await db.query<Pick<AccessGrantRow, 'access_id'>>(
    'SELECT DISTINCT g.access_id FROM access_grants g ' +
      'WHERE NOT EXISTS (SELECT 1 FROM consoles c WHERE c.access_id = g.access_id) ORDER BY g.access_id LIMIT ?',
    [limit],
  );
  return rows.map(({ access_id: id }) => id);
}

/** Removes a list, unless it holds for a console; false: it does, or it is gone. */
export async function deleteUnusedList(db: Statements, accessId: string): Promise<boolean> {
  const sql =
    'DELETE FROM access_grants WHERE access_id = ? AND NOT EXISTS (SELECT 1 FROM consoles WHERE access_id = ?)';
  return (await db.execute(sql, [accessId, accessId])) > 0;
}
