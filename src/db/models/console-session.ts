// SPDX-License-Identifier: Apache-2.0
// Table console_sessions: one row per token, for the life of the session that the token opens.
// `main_ref` is the claim on the main channel (its connection_ref); `ended_generation` is the newest generation whose
// channels must end; `connection_id` is the SPICE session id that clients see;
// `holds` is 1 where this session is the only one that its console may have, else null; `updated_at` is of the database's clock.
import { EntitySchema } from 'typeorm';

/** One row of console_sessions. */
export interface ConsoleSessionRow {
  session_id: string;
  source: string;
  uuid: string;
  state: string;
  generation: number;
  ended_generation: number;
  connection_id: number | null;
  backend_connection_id: number | null;
  main_ref: string | null;
  created: number;
  updated_at: number;
  closing_since: number | null;
  terminated_at: number | null;
  closed: number | null;
  reason: string | null;
  /** How often a migration of its guest was announced to its client; null: never. */
  migration_number: number | null;
  /** `announced`: the client may open a main channel to the destination; `linked`: it has one, under migration_ref; `abandoned`: the destination has failed while it opens channels there; `switched`: it will come back and begin anew; null: nothing is under way. */
  migration_state: string | null;
  /** The destination, as JSON of objects/migration-target.ts; null: none, or the platform says where. */
  migration_target: string | null;
  migration_ref: string | null;
  /** Where its channels lead since the last migration, in place of its console's address; null: it has not moved. */
  target: string | null;
  holds: number | null;
}

/** How TypeORM knows console_sessions; the migrations make the table. */
export const ConsoleSessionModel = new EntitySchema<ConsoleSessionRow>({
  name: 'ConsoleSession',
  tableName: 'console_sessions',
  columns: {
    session_id: { type: 'varchar', length: 12, primary: true },
    source: { type: 'varchar', length: 255 },
    uuid: { type: 'varchar', length: 36 },
    state: { type: 'varchar', length: 10 },
    generation: { type: 'int' },
    ended_generation: { type: 'int' },
    connection_id: { type: 'bigint', nullable: true },
    backend_connection_id: { type: 'bigint', nullable: true },
    main_ref: { type: 'varchar', length: 36, nullable: true },
    created: { type: 'double' },
    updated_at: { type: 'double' },
    closing_since: { type: 'double', nullable: true },
    terminated_at: { type: 'double', nullable: true },
    closed: { type: 'double', nullable: true },
    reason: { type: 'varchar', length: 255, nullable: true },
    migration_number: { type: 'int', nullable: true },
    migration_state: { type: 'varchar', length: 10, nullable: true },
    migration_target: { type: 'text', nullable: true },
    migration_ref: { type: 'varchar', length: 36, nullable: true },
    target: { type: 'text', nullable: true },
    holds: { type: 'int', nullable: true },
  },
  indices: [
    { name: 'console_sessions_connection_id', columns: ['connection_id'], unique: true },
    { name: 'console_sessions_main_ref', columns: ['main_ref'], unique: true },
    { name: 'console_sessions_listed', columns: ['source', 'uuid', 'session_id'] },
    { name: 'console_sessions_begun', columns: ['source', 'uuid', 'generation'] },
    { name: 'console_sessions_holder', columns: ['source', 'uuid', 'holds'], unique: true },
    { name: 'console_sessions_state', columns: ['state', 'updated_at'] },
    { name: 'console_sessions_updated', columns: ['updated_at'] },
    { name: 'console_sessions_created', columns: ['created', 'session_id'] },
    { name: 'console_sessions_state_created', columns: ['state', 'created', 'session_id'] },
  ],
});
