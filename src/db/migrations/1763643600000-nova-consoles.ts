// SPDX-License-Identifier: Apache-2.0
// What an instance of OpenStack adds to a console: its project and user, its state and compute host when Nova was last
// asked; and to a source: the settings of its driver that have no column of their own, as JSON.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { unlessThere } from './interrupted.js';

const COLUMNS = [
  ['consoles', 'project_id', 'varchar(255)'],
  ['consoles', 'user_id', 'varchar(255)'],
  ['consoles', 'instance_state', 'varchar(64)'],
  ['consoles', 'instance_host', 'varchar(255)'],
  ['sources', 'options', 'text'],
] as const;

const INDEX = 'consoles_project';

/** Adds the columns, and the index by which a project's consoles are listed. */
export class NovaConsoles1763643600000 implements MigrationInterface {
  readonly name = 'NovaConsoles1763643600000';

  async up(runner: QueryRunner): Promise<void> {
    for (const [table, column, type] of COLUMNS) {
      await runner.query(`ALTER TABLE ${table} ADD COLUMN ${column} ${type}`).catch(unlessThere);
    }
    await runner.query(`CREATE INDEX ${INDEX} ON consoles (project_id, source, uuid)`).catch(unlessThere);
  }

  async down(runner: QueryRunner): Promise<void> {
    const of = runner.dataSource.options.type === 'better-sqlite3' ? '' : ' ON consoles';
    await runner.query(`DROP INDEX ${INDEX}${of}`);
    for (const [table, column] of COLUMNS) await runner.query(`ALTER TABLE ${table} DROP COLUMN ${column}`);
  }
}
