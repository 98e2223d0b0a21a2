// SPDX-License-Identifier: Apache-2.0
// Table audit_holds: which audit events retention must not remove, because of a legal hold.
import { EntitySchema } from 'typeorm';

/** One row of audit_holds. An event is held when everything that is not null here fits it. */
export interface AuditHoldRow {
  name: string;
  source: string | null;
  uuid: string | null;
  session_id: string | null;
  /** The first and the last moment of a period, epoch seconds. */
  period_begin: number | null;
  period_end: number | null;
  reason: string;
  /** The login of the operator who placed it. */
  held_by: string | null;
  created: number;
}

/** How TypeORM knows audit_holds; the migrations make the table. */
export const AuditHoldModel = new EntitySchema<AuditHoldRow>({
  name: 'AuditHold',
  tableName: 'audit_holds',
  columns: {
    name: { type: 'varchar', length: 64, primary: true },
    source: { type: 'varchar', length: 255, nullable: true },
    uuid: { type: 'varchar', length: 36, nullable: true },
    session_id: { type: 'varchar', length: 12, nullable: true },
    period_begin: { type: 'double', nullable: true },
    period_end: { type: 'double', nullable: true },
    reason: { type: 'varchar', length: 255 },
    held_by: { type: 'varchar', length: 255, nullable: true },
    created: { type: 'double' },
  },
});
