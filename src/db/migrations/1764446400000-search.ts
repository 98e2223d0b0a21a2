// SPDX-License-Identifier: Apache-2.0
// The orders that consoles, sessions and audit events are searched in.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { unlessGone, unlessThere } from './interrupted.js';

const INDEXES = [
  ['consoles', 'consoles_name', 'name, source, uuid'],
  ['consoles', 'consoles_state', 'instance_state, name, source, uuid'],
  ['consoles', 'consoles_discovered', 'discovered, source, uuid'],
  ['console_sessions', 'console_sessions_created', 'created, session_id'],
  ['console_sessions', 'console_sessions_state_created', 'state, created, session_id'],
  ['audit_events', 'audit_events_requested_by', 'requested_by, timestamp, id'],
] as const;

/** Adds the indexes of searches. */
export class Search1764446400000 implements MigrationInterface {
  readonly name = 'Search1764446400000';

  async up(runner: QueryRunner): Promise<void> {
    for (const [table, name, on] of INDEXES)
      await runner.query(`CREATE INDEX ${name} ON ${table} (${on})`).catch(unlessThere);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const [table, name] of INDEXES) {
      const of = runner.dataSource.options.type === 'better-sqlite3' ? '' : ` ON ${table}`;
      await runner.query(`DROP INDEX ${name}${of}`).catch(unlessGone);
    }
  }
}
