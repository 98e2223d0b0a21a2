// SPDX-License-Identifier: Apache-2.0
// What is said of an instance, in raw statements, written into the rows of its consoles. Each write carries the time of
// what was said and is one statement that does nothing when the row knows better: any order, any number of times, from
// any node.
import type { ConsoleRow } from '../models/console.js';
import { databaseNow } from '../statements.js';
import type { Statements } from '../statements.js';

/** Sender's clocks may be ahead of the database's by so many seconds; what is further ahead was sent just now. */
const AHEAD = 60;

/** What is known of an instance's console. */
export type InstanceConsoleRow = Pick<
  ConsoleRow,
  'source' | 'uuid' | 'name' | 'instance_state' | 'instance_host' | 'settings'
>;

/** A fact for one console. */
export interface InstanceFactRow {
  readonly source: string;
  readonly uuid: string;
  /** When it was said, epoch seconds. */
  readonly at: number;
  readonly state: string;
  /** null: not said. */
  readonly host: string | null;
}

/** The consoles of an instance in all sources of a type, by source. */
export function consolesOfInstance(
  db: Statements,
  type: string,
  uuid: string,
): Promise<InstanceConsoleRow[]> {
  return db.query(
    'SELECT c.source, c.uuid, c.name, c.instance_state, c.instance_host, c.settings FROM sources s ' +
      'JOIN consoles c ON c.source = s.name AND c.uuid = ? WHERE s.type = ? AND s.deleted = 0 ORDER BY c.source',
    [uuid, type],
  );
}

/** Writes state and host; false when the row has newer ones, or is gone. */
export async function recordState(db: Statements, fact: InstanceFactRow): Promise<boolean> {
  const { when, may } = timeOf(db, 'instance_event_at');
  const matched = await db.execute(
    `UPDATE consoles SET instance_state = ?, instance_host = COALESCE(?, instance_host), instance_event_at = ${when} ` +
      `WHERE source = ? AND uuid = ? AND ${may}`,
    [fact.state, fact.host, fact.at, fact.at, fact.source, fact.uuid, fact.at, fact.at],
  );
  return matched > 0;
}

/** Takes note of a time without a state; false when the row has a newer one, or is gone. */
export async function isNewer(db: Statements, source: string, uuid: string, at: number): Promise<boolean> {
  const { may } = timeOf(db, 'instance_event_at');
  const rows = await db.query<{ uuid: string }>(
    `SELECT uuid FROM consoles WHERE source = ? AND uuid = ? AND ${may}`,
    [source, uuid, at, at],
  );
  return rows.length > 0;
}

/** Writes the lock, which has a time of its own: not every message has it. */
export async function recordLock(
  db: Statements,
  fact: { source: string; uuid: string; at: number; locked: boolean },
): Promise<boolean> {
  const { when, may } = timeOf(db, 'instance_locked_at');
  const matched = await db.execute(
    `UPDATE consoles SET instance_locked = ?, instance_locked_at = ${when} WHERE source = ? AND uuid = ? AND ${may}`,
    [fact.locked ? 1 : 0, fact.at, fact.at, fact.source, fact.uuid, fact.at, fact.at],
  );
  return matched > 0;
}

/** The address must be asked for again. Holds whatever the order: asking once too often does no harm. */
export async function markAddressStale(db: Statements, source: string, uuid: string): Promise<void> {
  await db.execute('UPDATE consoles SET address_stale = 1 WHERE source = ? AND uuid = ?', [source, uuid]);
}

// `when` takes the time twice, and so does `may`. A row that was written when the database's clock was far ahead of what
// it is now would refuse the truth until then: it does not count.
function timeOf(db: Statements, column: string): { when: string; may: string } {
  const now = databaseNow(db.dialect);
  const when = `CASE WHEN ? > ${now} + ${AHEAD} THEN ${now} ELSE ? END`;
  const may = `(${column} IS NULL OR ${column} <= ${when} OR ${column} > ${now} + ${2 * AHEAD})`;
  return { when, may };
}
