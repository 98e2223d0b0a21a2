// SPDX-License-Identifier: Apache-2.0
// Who holds a console: `holds` is 1 in the row of one session of it at most, which the unique index sees to, and null in all
// others. And whether the holder of a token may end another session: `replaces`.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { unlessGone, unlessThere } from './interrupted.js';

/** Adds them. Sessions that run already hold nothing: of one console there may be several. */
export class ConcurrentSessions1764453600000 implements MigrationInterface {
  readonly name = 'ConcurrentSessions1764453600000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE console_sessions ADD COLUMN holds integer').catch(unlessThere);
    await runner
      .query('ALTER TABLE console_tokens ADD COLUMN replaces integer NOT NULL DEFAULT 0')
      .catch(unlessThere);
    await runner
      .query('CREATE UNIQUE INDEX console_sessions_holder ON console_sessions (source, uuid, holds)')
      .catch(unlessThere);
  }

  async down(runner: QueryRunner): Promise<void> {
    const of = runner.dataSource.options.type === 'better-sqlite3' ? '' : ' ON console_sessions';
    await runner.query(`DROP INDEX console_sessions_holder${of}`).catch(unlessGone);
    await runner.query('ALTER TABLE console_sessions DROP COLUMN holds').catch(unlessGone);
    await runner.query('ALTER TABLE console_tokens DROP COLUMN replaces').catch(unlessGone);
  }
}
