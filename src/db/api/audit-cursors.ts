// SPDX-License-Identifier: Apache-2.0
// Named queries on audit_cursors. Raw statements: a cursor moves by one conditional statement, so that two exporters which
// believe that it is theirs cannot both move it.
import type { AuditCursorRow } from '../models/audit-cursor.js';
import { databaseNow, insertIgnore } from '../statements.js';
import type { Statements } from '../statements.js';
import type { ChainPlace } from './audit-chain.js';

const COLUMNS = 'sink, position, digest, delivered, lost, updated';

/** A move of a cursor. */
export interface CursorMove {
  readonly sink: string;
  /** Where it stands. */
  readonly from: number;
  readonly to: ChainPlace;
  readonly delivered: number;
  readonly lost: number;
}

/** All cursors, by their sinks. */
export function listCursors(db: Statements): Promise<AuditCursorRow[]> {
  return db.query(`SELECT ${COLUMNS} FROM audit_cursors ORDER BY sink`);
}

/** The cursor of a sink; null when it was never served. */
export async function findCursor(db: Statements, sink: string): Promise<AuditCursorRow | null> {
  const rows = await db.query<AuditCursorRow>(`SELECT ${COLUMNS} FROM audit_cursors WHERE sink = ?`, [sink]);
  return rows[0] ?? null;
}

/** Makes the cursor of a sink, unless it is there. */
export async function insertCursor(db: Statements, sink: string, at: ChainPlace): Promise<void> {
  await db.execute(
    `${insertIgnore(db.dialect)} INTO audit_cursors (${COLUMNS}) VALUES (?, ?, ?, 0, 0, ${databaseNow(db.dialect)})`,
    [sink, at.position, at.digest],
  );
}

/** Moves a cursor; false: it stands elsewhere. */
export async function moveCursor(db: Statements, move: CursorMove): Promise<boolean> {
  const { sink, from, to, delivered, lost } = move;
  const moved = await db.execute(
    `UPDATE audit_cursors SET position = ?, digest = ?, delivered = delivered + ?, lost = lost + ?, ` +
      `updated = ${databaseNow(db.dialect)} WHERE sink = ? AND position = ?`,
    [to.position, to.digest, delivered, lost, sink, from],
  );
  return moved > 0;
}
