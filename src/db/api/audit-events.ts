// SPDX-License-Identifier: Apache-2.0
// Named queries on audit_events. Raw statements: many rows go in at once, and each listing is written for its index.
import type { AuditEventRow } from '../models/audit-event.js';
import { valueLists } from '../statements.js';
import type { SqlValue, Statements } from '../statements.js';

/** The columns that say who, from where and by whom. */
const FACTS = [
  'issued_to',
  'client_ip',
  'service',
  'requested_by',
  'request_user',
  'request_user_id',
  'request_id',
  'request_ip',
] as const;
const COLUMNS = [
  'source',
  'uuid',
  'timestamp',
  'session_id',
  'channel',
  'node',
  'pid',
  'message',
  ...FACTS,
] as const;

type Facts = Pick<AuditEventRow, (typeof FACTS)[number]>;

/** An event to be written; facts that are absent are not known. */
export type NewAuditEvent = Omit<AuditEventRow, 'id' | keyof Facts> & Partial<Facts>;

const LIST_AUDIT = {
  newest: `SELECT id, ${COLUMNS.join(', ')} FROM audit_events WHERE source = ? AND uuid = ? ORDER BY id DESC LIMIT ?`,
  between: `SELECT id, ${COLUMNS.join(', ')} FROM audit_events WHERE source = ? AND uuid = ? AND timestamp BETWEEN ? AND ?`,
  total: 'SELECT COUNT(*) AS total FROM audit_events WHERE source = ? AND uuid = ?',
} as const;

/** Appends events. */
export async function insertAuditEvents(db: Statements, rows: readonly NewAuditEvent[]): Promise<void> {
  if (rows.length === 0) return;
  const values: SqlValue[] = rows.flatMap((row) => COLUMNS.map((column) => row[column] ?? null));
  await db.execute(
    `INSERT INTO audit_events (${COLUMNS.join(', ')}) VALUES ${valueLists(rows.length, COLUMNS.length)}`,
    values,
  );
}

/** The newest events of a console, newest first. */
export function newestAuditEvents(
  db: Statements,
  source: string,
  uuid: string,
  limit: number,
): Promise<AuditEventRow[]> {
  return db.query(LIST_AUDIT.newest, [source, uuid, limit]);
}

/** The events of a console between two times, both included, in no order. */
export function eventsBetween(
  db: Statements,
  source: string,
  uuid: string,
  first: number,
  last: number,
): Promise<AuditEventRow[]> {
  return db.query(LIST_AUDIT.between, [source, uuid, first, last]);
}

/** How many events a console has. */
export async function countAuditEvents(db: Statements, source: string, uuid: string): Promise<number> {
  const rows = await db.query<{ total: number }>(LIST_AUDIT.total, [source, uuid]);
  return rows[0]?.total ?? 0;
}

/** Whether a session has an event of these words. */
export async function sessionHasEvent(db: Statements, sessionId: string, message: string): Promise<boolean> {
  const rows = await db.query(
    'SELECT id FROM audit_events WHERE session_id = ? AND message = ? ORDER BY id LIMIT 1',
    [sessionId, message],
  );
  return rows.length > 0;
}

/** How many events there are in all. */
export async function countAllAuditEvents(db: Statements): Promise<number> {
  const rows = await db.query<{ total: number }>('SELECT COUNT(*) AS total FROM audit_events');
  return rows[0]?.total ?? 0;
}
