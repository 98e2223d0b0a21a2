// SPDX-License-Identifier: Apache-2.0
// Table console_connections: one row per channel, open (`closed` is null) and for a day after it closed.
import { EntitySchema } from 'typeorm';
import type { Dialect } from '../statements.js';

/** One row of console_connections. */
export interface ConsoleConnectionRow {
  id: number;
  connection_ref: string;
  session_id: string;
  generation: number;
  node: string;
  pid: number;
  created: number;
  client_ip: string;
  client_port: number;
  connection_id: number | null;
  channel_type: number;
  channel_id: number;
  state: string;
  connected: number | null;
  closed: number | null;
  bytes_up: number | null;
  bytes_down: number | null;
  duration: number | null;
  reason: string | null;
  /** The number of the migration at whose destination it was opened; null: of none. */
  migration: number | null;
}

/** How TypeORM knows console_connections; the migrations make the table. */
export const consoleConnectionModel = (dialect: Dialect): EntitySchema<ConsoleConnectionRow> =>
  new EntitySchema<ConsoleConnectionRow>({
    name: 'ConsoleConnection',
    tableName: 'console_connections',
    columns: {
      id: {
        // SQLite counts in its rowid, which only this type is an alias of.
        type: dialect === 'sqlite' ? 'integer' : 'bigint',
        primary: true,
        generated: 'increment',
      },
      connection_ref: { type: 'varchar', length: 36 },
      session_id: { type: 'varchar', length: 12 },
      generation: { type: 'int' },
      node: { type: 'varchar', length: 255 },
      pid: { type: 'int' },
      created: { type: 'double' },
      client_ip: { type: 'varchar', length: 45 },
      client_port: { type: 'int' },
      connection_id: { type: 'bigint', nullable: true },
      channel_type: { type: 'int' },
      channel_id: { type: 'int' },
      state: { type: 'varchar', length: 10 },
      connected: { type: 'double', nullable: true },
      closed: { type: 'double', nullable: true },
      bytes_up: { type: 'bigint', nullable: true },
      bytes_down: { type: 'bigint', nullable: true },
      duration: { type: 'double', nullable: true },
      reason: { type: 'varchar', length: 255, nullable: true },
      migration: { type: 'int', nullable: true },
    },
    indices: [
      { name: 'console_connections_ref', columns: ['connection_ref'], unique: true },
      { name: 'console_connections_open', columns: ['closed', 'session_id'] },
      { name: 'console_connections_node', columns: ['node', 'closed', 'pid'] },
      { name: 'console_connections_session', columns: ['session_id'] },
    ],
  });
