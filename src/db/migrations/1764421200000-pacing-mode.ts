// SPDX-License-Identifier: Apache-2.0
// Sources and consoles with a mode of pacing of their own: auto, on or off; null: as [pacing] mode says.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { unlessGone, unlessThere } from './interrupted.js';

const TABLES = ['sources', 'consoles'] as const;

/** Adds the mode to sources and consoles. */
export class PacingMode1764421200000 implements MigrationInterface {
  readonly name = 'PacingMode1764421200000';

  async up(runner: QueryRunner): Promise<void> {
    for (const table of TABLES)
      await runner.query(`ALTER TABLE ${table} ADD COLUMN pacing_mode varchar(4)`).catch(unlessThere);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of TABLES)
      await runner.query(`ALTER TABLE ${table} DROP COLUMN pacing_mode`).catch(unlessGone);
  }
}
