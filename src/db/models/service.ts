// SPDX-License-Identifier: Apache-2.0
// Table services: one row per program and node, by its heartbeat. `heartbeat`, `started` and `down_since` are times of
// the database's clock, so that a node whose own clock is wrong looks no older and no younger than it is.
import { EntitySchema } from 'typeorm';
import type { Dialect } from '../statements.js';

/** One row of services. */
export interface ServiceRow {
  id: number;
  /** [DEFAULT] node_name. */
  host: string;
  /** The program, such as `kerbside-proxy`. */
  binary_name: string;
  /** UUID of this run of the program. */
  run_id: string;
  pid: number;
  version: string;
  started: number;
  heartbeat: number;
  /** Seconds from one heartbeat to the next. */
  report_interval: number;
  /** When it was found down, or said that it stops; null while it is up. */
  down_since: number | null;
  draining: number;
  /** What the process says of itself, as a JSON object; null = nothing. No secrets. */
  report: string | null;
}

/** How TypeORM knows services; the migrations make the table. */
export const serviceModel = (dialect: Dialect): EntitySchema<ServiceRow> =>
  new EntitySchema<ServiceRow>({
    name: 'Service',
    tableName: 'services',
    columns: {
      // SQLite counts in its rowid, which only this type is an alias of.
      id: { type: dialect === 'sqlite' ? 'integer' : 'bigint', primary: true, generated: 'increment' },
      host: { type: 'varchar', length: 255 },
      binary_name: { type: 'varchar', length: 64 },
      run_id: { type: 'varchar', length: 36 },
      pid: { type: 'int' },
      version: { type: 'varchar', length: 64 },
      started: { type: 'double' },
      heartbeat: { type: 'double' },
      report_interval: { type: 'double' },
      down_since: { type: 'double', nullable: true },
      draining: { type: 'smallint' },
      report: { type: 'text', nullable: true },
    },
    indices: [
      { name: 'services_host', columns: ['host', 'binary_name'], unique: true },
      { name: 'services_heartbeat', columns: ['down_since', 'heartbeat'] },
    ],
  });
