// SPDX-License-Identifier: Apache-2.0
// Sources and consoles with a setting of their own for message screens: on or off; null: as [console] message_screen says.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { unlessGone, unlessThere } from './interrupted.js';

const TABLES = ['sources', 'consoles'] as const;

/** Adds the setting to sources and consoles. */
export class MessageScreen1764424800000 implements MigrationInterface {
  readonly name = 'MessageScreen1764424800000';

  async up(runner: QueryRunner): Promise<void> {
    for (const table of TABLES)
      await runner.query(`ALTER TABLE ${table} ADD COLUMN message_screen varchar(3)`).catch(unlessThere);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of TABLES)
      await runner.query(`ALTER TABLE ${table} DROP COLUMN message_screen`).catch(unlessGone);
  }
}
