// SPDX-License-Identifier: Apache-2.0
// Live migrations of guests, as far as the sessions of their consoles go: what was announced to the client, and where the
// session's channels lead since then; and which channels belong to a destination that the client has not gone over to.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { unlessGone, unlessThere } from './interrupted.js';

const COLUMNS = [
  ['console_sessions', 'migration_number', 'integer'],
  ['console_sessions', 'migration_state', 'varchar(10)'],
  ['console_sessions', 'migration_target', 'text'],
  ['console_sessions', 'migration_ref', 'varchar(36)'],
  ['console_sessions', 'target', 'text'],
  ['console_connections', 'migration', 'integer'],
] as const;

/** Adds the columns of live migrations. */
export class LiveMigration1764493200000 implements MigrationInterface {
  readonly name = 'LiveMigration1764493200000';

  async up(runner: QueryRunner): Promise<void> {
    for (const [table, column, type] of COLUMNS)
      await runner.query(`ALTER TABLE ${table} ADD COLUMN ${column} ${type}`).catch(unlessThere);
  }

  async down(runner: QueryRunner): Promise<void> {
    // To an older release a session that migrates is unknown: it goes on where it is.
    await runner.query("UPDATE console_sessions SET state = 'active' WHERE state = 'migrating'");
    for (const [table, column] of COLUMNS)
      await runner.query(`ALTER TABLE ${table} DROP COLUMN ${column}`).catch(unlessGone);
  }
}
