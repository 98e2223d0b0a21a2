// SPDX-License-Identifier: Apache-2.0
// What the server of a console speaks: `vnc`, or null for SPICE, as all consoles have spoken before.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { unlessGone, unlessThere } from './interrupted.js';

/** Adds the column. */
export class ConsoleProtocol1764500400000 implements MigrationInterface {
  readonly name = 'ConsoleProtocol1764500400000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE consoles ADD COLUMN protocol varchar(16)').catch(unlessThere);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE consoles DROP COLUMN protocol').catch(unlessGone);
  }
}
