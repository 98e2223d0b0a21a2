// SPDX-License-Identifier: Apache-2.0
// Table audit_anchors: which parts of the chain of audit events retention has removed, and where the chain goes on.
import { EntitySchema } from 'typeorm';

/** One row of audit_anchors: events from the first position to the last one are gone. */
export interface AuditAnchorRow {
  first_position: number;
  last_position: number;
  /** The digest of the last one, which the next event is chained to. */
  digest: string;
  /** When the last of them was removed, epoch seconds. */
  removed: number;
}

/** How TypeORM knows audit_anchors; the migrations make the table. */
export const AuditAnchorModel = new EntitySchema<AuditAnchorRow>({
  name: 'AuditAnchor',
  tableName: 'audit_anchors',
  columns: {
    first_position: { type: 'bigint', primary: true },
    last_position: { type: 'bigint' },
    digest: { type: 'varchar', length: 64 },
    removed: { type: 'double' },
  },
  indices: [{ name: 'audit_anchors_last', columns: ['last_position'] }],
});
