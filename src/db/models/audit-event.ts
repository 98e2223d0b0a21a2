// SPDX-License-Identifier: Apache-2.0
// Table audit_events: append only. The key is a number of its own, so that any number of events fit in a microsecond.
import { EntitySchema } from 'typeorm';
import type { Dialect } from '../statements.js';

/** One row of audit_events. */
export interface AuditEventRow {
  id: number;
  source: string;
  uuid: string;
  timestamp: number;
  session_id: string | null;
  channel: string | null;
  node: string | null;
  pid: number | null;
  message: string;
}

/** How TypeORM knows audit_events; the migrations make the table. */
export const auditEventModel = (dialect: Dialect): EntitySchema<AuditEventRow> =>
  new EntitySchema<AuditEventRow>({
    name: 'AuditEvent',
    tableName: 'audit_events',
    columns: {
      id: {
        // SQLite counts in its rowid, which only this type is an alias of.
        type: dialect === 'sqlite' ? 'integer' : 'bigint',
        primary: true,
        generated: 'increment',
      },
      source: { type: 'varchar', length: 255 },
      uuid: { type: 'varchar', length: 36 },
      timestamp: { type: 'double' },
      session_id: { type: 'varchar', length: 12, nullable: true },
      channel: { type: 'varchar', length: 32, nullable: true },
      node: { type: 'varchar', length: 255, nullable: true },
      pid: { type: 'int', nullable: true },
      message: { type: 'text' },
    },
    indices: [
      { name: 'audit_events_console', columns: ['source', 'uuid', 'id'] },
      { name: 'audit_events_timestamp', columns: ['timestamp', 'id'] },
    ],
  });
