// SPDX-License-Identifier: Apache-2.0
// Named queries behind the overview of the admin UI: marks that change when something has happened, and sums. Raw statements,
// written for their indexes; the marks are the ends of indexes, so that they may be asked for every few seconds.
import { withIndex, type Statements } from '../statements.js';
import { isSeen, type Sight } from './sight.js';

/** Marks of what there is: one that differs from the one before says that something has changed. */
export interface ChangeMarks {
  sessions: number | null;
  connections: number | null;
  events: number | null;
  seen: number | null;
  errored: number | null;
  down: number | null;
}

const MARKS =
  'SELECT (SELECT MAX(updated_at) FROM console_sessions) AS sessions, ' +
  '(SELECT MAX(id) FROM console_connections) AS connections, (SELECT MAX(id) FROM audit_events) AS events, ' +
  '(SELECT MAX(last_seen) FROM sources) AS seen, (SELECT SUM(errored) FROM sources) AS errored, ' +
  '(SELECT COUNT(down_since) FROM services) AS down';

/** The marks as they are now. */
export async function readMarks(db: Statements): Promise<ChangeMarks | undefined> {
  return (await db.query<ChangeMarks>(MARKS))[0];
}

/** How many sessions of each source are in each state; of those that are not over. */
export function countSessions(
  db: Statements,
): Promise<{ source: string; state: string; sessions: number }[]> {
  return db.query(
    'SELECT source, state, COUNT(*) AS sessions FROM console_sessions ' +
      "WHERE state IN ('pending', 'active', 'migrating', 'closing') GROUP BY source, state",
  );
}

/** How many are in each state at consoles that somebody sees: sessions that are not over are few. */
export function countSeenSessions(
  db: Statements,
  sight: Sight,
): Promise<{ state: string; sessions: number }[]> {
  const [seen, ...values] = isSeen(sight);
  const join = db.dialect === 'mysql' ? 'STRAIGHT_JOIN' : 'CROSS JOIN';
  return db.query(
    `SELECT r.state, COUNT(*) AS sessions FROM console_sessions r${withIndex(db, 'console_sessions_state_created')} ${join} consoles k ON k.source = r.source AND k.uuid = r.uuid ` +
      `WHERE r.state IN ('pending', 'active', 'migrating', 'closing') AND ${seen} GROUP BY r.state`,
    values,
  );
}

/** How many consoles each source has; a walk of the primary key. */
export function countConsoles(db: Statements): Promise<{ source: string; consoles: number }[]> {
  return db.query('SELECT source, COUNT(*) AS consoles FROM consoles GROUP BY source ORDER BY source');
}

/** What the channels carried that ended in one slot of time. MariaDB gives sums and quotients as decimals, in text. */
export interface TrafficSlot {
  slot: number | string;
  channels: number;
  up: number | string | null;
  down: number | string | null;
}

/** How often something happened in one slot of time. */
export interface CountSlot {
  slot: number | string;
  count: number;
}

/** Traffic by slots of `seconds` since `from`, epoch seconds; slots without any are left out. */
export function sumTraffic(db: Statements, from: number, seconds: number): Promise<TrafficSlot[]> {
  return db.query(
    `SELECT ${slotOf(db, 'closed')} AS slot, COUNT(*) AS channels, SUM(bytes_up) AS up, SUM(bytes_down) AS down ` +
      'FROM console_connections WHERE closed >= ? GROUP BY slot ORDER BY slot',
    [from, seconds, from],
  );
}

/** Sessions whose client has come, by the slots in which they were made. */
export function countBegunSessions(db: Statements, from: number, seconds: number): Promise<CountSlot[]> {
  return db.query(
    `SELECT ${slotOf(db, 'created')} AS slot, COUNT(*) AS count FROM console_sessions ` +
      'WHERE created >= ? AND generation > 0 GROUP BY slot ORDER BY slot',
    [from, seconds, from],
  );
}

const REFUSAL = "(message LIKE 'Channel refused: %' OR message LIKE 'Refused%')";

/** Refusals of channels by slots. */
export function countRefusalsBySlot(db: Statements, from: number, seconds: number): Promise<CountSlot[]> {
  return db.query(
    `SELECT ${slotOf(db, 'timestamp')} AS slot, COUNT(*) AS count FROM audit_events ` +
      `WHERE timestamp >= ? AND ${REFUSAL} GROUP BY slot ORDER BY slot`,
    [from, seconds, from],
  );
}

function slotOf(db: Statements, column: string): string {
  return db.dialect === 'sqlite' ? `CAST((${column} - ?) / ? AS INTEGER)` : `FLOOR((${column} - ?) / ?)`;
}

/** The refusals of channels since `from`, the most frequent first. */
export function countRefusals(
  db: Statements,
  from: number,
  limit: number,
): Promise<{ message: string; refusals: number }[]> {
  return db.query(
    'SELECT message, COUNT(*) AS refusals FROM audit_events WHERE timestamp >= ? ' +
      `AND ${REFUSAL} GROUP BY message ORDER BY refusals DESC, message LIMIT ?`,
    [from, limit],
  );
}
