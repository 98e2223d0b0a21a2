// SPDX-License-Identifier: Apache-2.0
// Consoles that are not reached by a TCP connection to their port: the URL of the HTTP proxy that connects to them, or the
// path of a unix socket; null, both: the port is dialled.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { unlessGone, unlessThere } from './interrupted.js';

const COLUMNS = { connect_proxy: 'varchar(255)', unix_socket: 'varchar(107)' } as const;

/** Adds the routes to consoles. */
export class ConsoleRoutes1764432000000 implements MigrationInterface {
  readonly name = 'ConsoleRoutes1764432000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const [column, type] of Object.entries(COLUMNS))
      await runner.query(`ALTER TABLE consoles ADD COLUMN ${column} ${type}`).catch(unlessThere);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const column of Object.keys(COLUMNS))
      await runner.query(`ALTER TABLE consoles DROP COLUMN ${column}`).catch(unlessGone);
  }
}
