// SPDX-License-Identifier: Apache-2.0
// Named queries on the chain of audit events. Raw statements: one of them gives many events their places at once, and every
// one is written for its index. That no position is given twice is the unique index's doing, whoever holds the lease.
import type { AuditEventRow } from '../models/audit-event.js';
import { placeholders } from '../statements.js';
import type { SqlValue, Statements } from '../statements.js';

/** The columns of what happened, in the order in which the digest takes them. */
export const CHAINED_COLUMNS = [
  ...(['id', 'source', 'uuid', 'timestamp', 'session_id', 'channel', 'node', 'pid', 'message'] as const),
  ...(['issued_to', 'client_ip', 'service', 'requested_by', 'request_user', 'request_user_id'] as const),
  ...(['request_id', 'request_ip'] as const),
] as const satisfies readonly (keyof AuditEventRow)[];

/** An event with its place in the chain. */
export interface ChainedAuditEventRow extends AuditEventRow {
  chain_position: number;
  chain_digest: string;
}

/** A place in the chain. */
export interface ChainPlace {
  readonly position: number;
  readonly digest: string;
}

const OWN = CHAINED_COLUMNS.join(', ');

const STATEMENTS = {
  newest: 'SELECT MAX(id) AS id FROM audit_events',
  unsealed: `SELECT ${OWN} FROM audit_events WHERE chain_position IS NULL LIMIT ?`,
  head:
    'SELECT chain_position AS position, chain_digest AS digest FROM audit_events WHERE chain_position IS NOT NULL ' +
    'ORDER BY chain_position DESC LIMIT 1',
  lastAnchor:
    'SELECT last_position AS position, digest FROM audit_anchors ORDER BY last_position DESC LIMIT 1',
  after: `SELECT ${OWN}, chain_position, chain_digest FROM audit_events WHERE chain_position > ? ORDER BY chain_position LIMIT ?`,
  byId: `SELECT ${OWN} FROM audit_events WHERE id = ?`,
  at: 'SELECT chain_digest AS digest FROM audit_events WHERE chain_position = ?',
  anchored: 'SELECT digest FROM audit_anchors WHERE last_position = ?',
  oldestAfter: 'SELECT timestamp FROM audit_events WHERE chain_position > ? ORDER BY chain_position LIMIT 1',
  period:
    'SELECT MIN(chain_position) AS first, MAX(chain_position) AS last FROM audit_events WHERE timestamp >= ? AND timestamp < ?',
  waiting: 'SELECT COUNT(*) AS n FROM (SELECT id FROM audit_events WHERE chain_position IS NULL LIMIT ?) w',
} as const;

/** The highest id there is; 0 without events. */
export async function newestEventId(db: Statements): Promise<number> {
  const rows = await db.query<{ id: number | null }>(STATEMENTS.newest);
  return rows[0]?.id ?? 0;
}

/**
 * Up to `limit` events without a place in the chain, with ids up to `newest`, in the order of their ids. Both databases walk
 * the index of the places, where those without one lie in that order; asked for it, MariaDB reads and sorts all there are.
 */
export async function listUnsealed(db: Statements, newest: number, limit: number): Promise<AuditEventRow[]> {
  const rows = await db.query<AuditEventRow>(STATEMENTS.unsealed, [limit]);
  return rows.filter(({ id }) => id <= newest).sort((a, b) => a.id - b.id);
}

/** How many events have no place in the chain yet; counts no further than `most`. */
export async function countUnsealed(db: Statements, most: number): Promise<number> {
  const rows = await db.query<{ n: number }>(STATEMENTS.waiting, [most]);
  return rows[0]?.n ?? 0;
}

/** The end of the chain; null before the first event. */
export async function chainHead(db: Statements): Promise<ChainPlace | null> {
  const places = [
    ...(await db.query<ChainPlace>(STATEMENTS.head)),
    ...(await db.query<ChainPlace>(STATEMENTS.lastAnchor)),
  ];
  return places.sort((a, b) => b.position - a.position)[0] ?? null;
}

/**
 * Gives events their places in the chain, all or none. Whoever has sealed the same events meanwhile, from the same place on,
 * has given them the same places and digests; any other order meets the unique index.
 *
 * @param events in the order of their ids, none of them sealed when the place before the first was read as the last one
 * @throws DuplicateRow when somebody else has given one of the positions to another event meanwhile
 */
export async function sealEvents(
  db: Statements,
  events: readonly (ChainPlace & { readonly id: number })[],
): Promise<number> {
  const cases = 'CASE id' + ' WHEN ? THEN ?'.repeat(events.length) + ' END';
  const positions = events.flatMap(({ id, position }): SqlValue[] => [id, position]);
  const digests = events.flatMap(({ id, digest }): SqlValue[] => [id, digest]);
  const ids = events.map(({ id }) => id);
  return db.execute(
    `UPDATE audit_events SET chain_digest = ${cases}, chain_position = ${cases} ` +
      `WHERE id IN (${placeholders(ids.length)})`,
    [...digests, ...positions, ...ids],
  );
}

/** Up to `limit` events after a position, in the order of the chain. */
export function chainedAfter(db: Statements, after: number, limit: number): Promise<ChainedAuditEventRow[]> {
  return db.query(STATEMENTS.after, [after, limit]);
}

/** What is in the database of an event; null when it is gone. */
export async function eventById(db: Statements, id: number): Promise<AuditEventRow | null> {
  const rows = await db.query<AuditEventRow>(STATEMENTS.byId, [id]);
  return rows[0] ?? null;
}

/** The digest of the event at a position, or of the last one that was removed there; null: neither is known. */
export async function digestAt(db: Statements, position: number): Promise<string | null> {
  const rows = [
    ...(await db.query<{ digest: string }>(STATEMENTS.at, [position])),
    ...(await db.query<{ digest: string }>(STATEMENTS.anchored, [position])),
  ];
  return rows[0]?.digest ?? null;
}

/** When the first event after a position happened, epoch seconds; null: there is none. */
export async function timeAfter(db: Statements, position: number): Promise<number | null> {
  const rows = await db.query<{ timestamp: number }>(STATEMENTS.oldestAfter, [position]);
  return rows[0]?.timestamp ?? null;
}

/** The first and the last position of the events of a period, whose end does not belong to it; null: it has none. */
export async function positionsOf(
  db: Statements,
  from: number,
  to: number,
): Promise<{ readonly first: number; readonly last: number } | null> {
  const rows = await db.query<{ first: number | null; last: number | null }>(STATEMENTS.period, [from, to]);
  const { first = null, last = null } = rows[0] ?? {};
  return first === null || last === null ? null : { first, last };
}
