// SPDX-License-Identifier: Apache-2.0
// Named queries of the retention of audit events. Raw statements: each page begins where the last one ended, whatever is held
// in between, and what a hold keeps is decided by the statement that removes.
import { placeholders } from '../statements.js';
import type { Statements } from '../statements.js';
import { NOT_HELD } from './audit-holds.js';

/** An event that may go. */
export interface RemovableEvent {
  readonly id: number;
  readonly timestamp: number;
  readonly position: number;
  readonly digest: string;
}

/** A part of the chain. */
export interface ChainRange {
  readonly first: number;
  readonly last: number;
}

const REMOVABLE =
  'SELECT id, timestamp, chain_position AS position, chain_digest AS digest FROM audit_events WHERE';

/** Up to `limit` sealed events from before a time that nothing holds, after one by time and id. */
export function listRemovableBefore(
  db: Statements,
  before: number,
  after: Pick<RemovableEvent, 'timestamp' | 'id'> | null,
  limit: number,
): Promise<RemovableEvent[]> {
  const sealed = `chain_position IS NOT NULL AND ${NOT_HELD} ORDER BY timestamp, id LIMIT ?`;
  if (after === null) return db.query(`${REMOVABLE} timestamp < ? AND ${sealed}`, [before, limit]);
  const { timestamp, id } = after;
  return db.query(
    `${REMOVABLE} timestamp >= ? AND timestamp < ? AND (timestamp > ? OR id > ?) AND ${sealed}`,
    [timestamp, before, timestamp, id, limit],
  );
}

/** Up to `limit` events after a position that nothing holds. */
export function listRemovableAfter(
  db: Statements,
  position: number,
  limit: number,
): Promise<RemovableEvent[]> {
  return db.query(`${REMOVABLE} chain_position > ? AND ${NOT_HELD} ORDER BY chain_position LIMIT ?`, [
    position,
    limit,
  ]);
}

/** Which parts of the chain are marked as removed from `first` to `last`. */
export function listAnchors(db: Statements, { first, last }: ChainRange): Promise<ChainRange[]> {
  return db.query(
    'SELECT first_position AS first, last_position AS last FROM audit_anchors ' +
      'WHERE last_position >= ? AND first_position <= ? ORDER BY last_position',
    [first, last],
  );
}

/** Marks a part of the chain as removed, together with the one before it where there is one. */
export async function anchorRange(
  db: Statements,
  { first, last }: ChainRange,
  digest: string,
  now: number,
): Promise<void> {
  const joined = await db.execute(
    'UPDATE audit_anchors SET last_position = ?, digest = ?, removed = ? WHERE last_position = ?',
    [last, digest, now, first - 1],
  );
  if (joined > 0) return;
  await db.execute(
    'INSERT INTO audit_anchors (first_position, last_position, digest, removed) VALUES (?, ?, ?, ?)',
    [first, last, digest, now],
  );
}

/** Removes events, unless a hold keeps them; gives how many. */
export function deleteUnheld(db: Statements, ids: readonly number[]): Promise<number> {
  return db.execute(
    `DELETE FROM audit_events WHERE id IN (${placeholders(ids.length)}) AND chain_position IS NOT NULL AND ${NOT_HELD}`,
    [...ids],
  );
}
