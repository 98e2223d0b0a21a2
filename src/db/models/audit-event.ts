// SPDX-License-Identifier: Apache-2.0
// Table audit_events: append only, but for the place in the chain, which an event gets once. The key is a number of its own, so that any number of events fit in a microsecond.
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
  /** Whose session it is about. */
  issued_to: string | null;
  /** Where that user's client is. */
  client_ip: string | null;
  /** The program that wrote it. */
  service: string | null;
  /** What kind of somebody asked for what happened; the columns behind it say more. */
  requested_by: string | null;
  request_user: string | null;
  request_user_id: string | null;
  request_id: string | null;
  request_ip: string | null;
}

/** The whole row: what happened, and where the event stands in the chain once it has been sealed. */
interface StoredAuditEventRow extends AuditEventRow {
  chain_position: number | null;
  /** SHA-256 in hex of the digest before it and of the row: src/objects/audit-digest.ts. */
  chain_digest: string | null;
}

/** How TypeORM knows audit_events; the migrations make the table. */
export const auditEventModel = (dialect: Dialect): EntitySchema<StoredAuditEventRow> =>
  new EntitySchema<StoredAuditEventRow>({
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
      issued_to: { type: 'varchar', length: 255, nullable: true },
      client_ip: { type: 'varchar', length: 45, nullable: true },
      service: { type: 'varchar', length: 64, nullable: true },
      requested_by: { type: 'varchar', length: 16, nullable: true },
      request_user: { type: 'varchar', length: 255, nullable: true },
      request_user_id: { type: 'varchar', length: 255, nullable: true },
      request_id: { type: 'varchar', length: 64, nullable: true },
      request_ip: { type: 'varchar', length: 45, nullable: true },
      chain_position: { type: 'bigint', nullable: true },
      chain_digest: { type: 'varchar', length: 64, nullable: true },
    },
    indices: [
      { name: 'audit_events_console', columns: ['source', 'uuid', 'id'] },
      { name: 'audit_events_timestamp', columns: ['timestamp', 'id'] },
      { name: 'audit_events_session', columns: ['session_id', 'id'] },
      { name: 'audit_events_issued_to', columns: ['issued_to', 'id'] },
      { name: 'audit_events_request_user', columns: ['request_user', 'id'] },
      { name: 'audit_events_requested_by', columns: ['requested_by', 'timestamp', 'id'] },
      { name: 'audit_events_chain', columns: ['chain_position'], unique: true },
    ],
  });
