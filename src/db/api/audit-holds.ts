// SPDX-License-Identifier: Apache-2.0
// Named queries on audit_holds, and the condition that keeps held events. Plain reads and writes go by TypeORM's repository.
import { AuditHoldModel, type AuditHoldRow } from '../models/audit-hold.js';
import type { Statements } from '../statements.js';

/** True of an event of audit_events that no hold keeps. */
export const NOT_HELD =
  'NOT EXISTS (SELECT 1 FROM audit_holds h WHERE (h.source IS NULL OR h.source = audit_events.source) ' +
  'AND (h.uuid IS NULL OR h.uuid = audit_events.uuid) ' +
  'AND (h.session_id IS NULL OR h.session_id = audit_events.session_id) ' +
  'AND (h.period_begin IS NULL OR audit_events.timestamp >= h.period_begin) ' +
  'AND (h.period_end IS NULL OR audit_events.timestamp <= h.period_end))';

/** Places a hold. @throws DuplicateRow when there is one of the name */
export async function insertHold(db: Statements, row: AuditHoldRow): Promise<void> {
  await db.table(AuditHoldModel).insert(row);
}

/** All holds, by name. */
export function listHolds(db: Statements): Promise<AuditHoldRow[]> {
  return db.table(AuditHoldModel).find({ order: { name: 'ASC' } });
}

/** Ends a hold; false: there is none of the name. */
export async function deleteHold(db: Statements, name: string): Promise<boolean> {
  const { affected } = await db.table(AuditHoldModel).delete({ name });
  return affected === 1;
}
