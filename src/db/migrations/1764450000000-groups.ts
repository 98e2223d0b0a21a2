// SPDX-License-Identifier: Apache-2.0
// Who may open what: groups of local users; lists of access and the consoles that they hold for; the tags of consoles that lists
// may name; and by which of its names the user of a token had come in.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { unlessGone, unlessThere } from './interrupted.js';

const COLUMNS = [
  ['consoles', 'tags', 'text'],
  ['consoles', 'access_id', 'varchar(32)'],
  ['console_tokens', 'principals', 'text'],
] as const;

/** Adds groups and access. */
export class Groups1764450000000 implements MigrationInterface {
  readonly name = 'Groups1764450000000';

  async up(runner: QueryRunner): Promise<void> {
    const engine = isSqlite(runner) ? '' : 'ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin';
    await runner.query(
      `CREATE TABLE IF NOT EXISTS user_groups (
        group_name varchar(64) NOT NULL,
        user_name varchar(255) NOT NULL,
        PRIMARY KEY (group_name, user_name)
      ) ${engine}`,
    );
    await runner
      .query('CREATE INDEX user_groups_user ON user_groups (user_name, group_name)')
      .catch(unlessThere);
    await runner.query(
      `CREATE TABLE IF NOT EXISTS access_grants (
        access_id varchar(32) NOT NULL,
        principal varchar(264) NOT NULL,
        role varchar(8) NOT NULL,
        PRIMARY KEY (access_id, principal)
      ) ${engine}`,
    );
    await runner
      .query('CREATE INDEX access_grants_principal ON access_grants (principal, access_id, role)')
      .catch(unlessThere);
    for (const [table, column, type] of COLUMNS)
      await runner.query(`ALTER TABLE ${table} ADD COLUMN ${column} ${type}`).catch(unlessThere);
    await runner
      .query('CREATE INDEX consoles_access ON consoles (access_id, source, uuid)')
      .catch(unlessThere);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner
      .query(`DROP INDEX consoles_access${isSqlite(runner) ? '' : ' ON consoles'}`)
      .catch(unlessGone);
    for (const [table, column] of COLUMNS)
      await runner.query(`ALTER TABLE ${table} DROP COLUMN ${column}`).catch(unlessGone);
    await runner.query('DROP TABLE IF EXISTS access_grants');
    await runner.query('DROP TABLE IF EXISTS user_groups');
  }
}

function isSqlite(runner: QueryRunner): boolean {
  return runner.dataSource.options.type === 'better-sqlite3';
}
