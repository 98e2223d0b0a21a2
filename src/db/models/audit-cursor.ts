// SPDX-License-Identifier: Apache-2.0
// Table audit_cursors: up to which event each sink of the audit trail has been served.
import { EntitySchema } from 'typeorm';

/** One row of audit_cursors. */
export interface AuditCursorRow {
  /** `jsonl`, `syslog` or `cadf`. */
  sink: string;
  /** The position in the chain of the last event that the sink has, and its digest. */
  position: number;
  digest: string;
  /** Events that the sink took, and those that were gone before it could. */
  delivered: number;
  lost: number;
  /** When it last moved, epoch seconds. */
  updated: number;
}

/** How TypeORM knows audit_cursors; the migrations make the table. */
export const AuditCursorModel = new EntitySchema<AuditCursorRow>({
  name: 'AuditCursor',
  tableName: 'audit_cursors',
  columns: {
    sink: { type: 'varchar', length: 16, primary: true },
    position: { type: 'bigint' },
    digest: { type: 'varchar', length: 64 },
    delivered: { type: 'bigint' },
    lost: { type: 'bigint' },
    updated: { type: 'double' },
  },
});
