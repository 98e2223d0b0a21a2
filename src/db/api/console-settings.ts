// SPDX-License-Identifier: Apache-2.0
// What consoles and sources say for themselves. Raw statements: a proxy asks for the consoles of all its open sessions every
// few seconds, by their keys.
import type { ConsoleRow } from '../models/console.js';
import type { SourceRow } from '../models/source.js';
import { batches, placeholders } from '../statements.js';
import type { Statements } from '../statements.js';

const AT_ONCE = 500;

/** Consoles of one source; those that are gone are left out. */
export async function settingsOfConsoles(
  db: Statements,
  source: string,
  uuids: readonly string[],
): Promise<Pick<ConsoleRow, 'uuid' | 'project_id' | 'settings'>[]> {
  const found: Pick<ConsoleRow, 'uuid' | 'project_id' | 'settings'>[] = [];
  for (const batch of batches(uuids, AT_ONCE)) {
    const sql = `SELECT uuid, project_id, settings FROM consoles WHERE source = ? AND uuid IN (${placeholders(batch.length)})`;
    found.push(
      ...(await db.query<Pick<ConsoleRow, 'uuid' | 'project_id' | 'settings'>>(sql, [source, ...batch])),
    );
  }
  return found;
}

/** Sources by their names; those that nobody knows are left out. */
export async function settingsOfSources(
  db: Statements,
  names: readonly string[],
): Promise<Pick<SourceRow, 'name' | 'settings'>[]> {
  const found: Pick<SourceRow, 'name' | 'settings'>[] = [];
  for (const batch of batches(names, AT_ONCE)) {
    const sql = `SELECT name, settings FROM sources WHERE name IN (${placeholders(batch.length)})`;
    found.push(...(await db.query<Pick<SourceRow, 'name' | 'settings'>>(sql, batch)));
  }
  return found;
}
