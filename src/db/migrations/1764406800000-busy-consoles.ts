// SPDX-License-Identifier: Apache-2.0
// Indexes for a console that has thousands of tokens and sessions: its tokens are counted in an index alone, its sessions
// are listed in the order of theirs, and those that never began are passed over.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { unlessGone, unlessThere } from './interrupted.js';

/** Name, table, columns. */
const NEW = [
  ['console_tokens_unspent', 'console_tokens', 'source, uuid, revoked, expires'],
  ['console_sessions_listed', 'console_sessions', 'source, uuid, session_id'],
  ['console_sessions_begun', 'console_sessions', 'source, uuid, generation'],
] as const;
const OLD = [
  ['console_tokens_console', 'console_tokens', 'source, uuid, session_id'],
  ['console_sessions_console', 'console_sessions', 'source, uuid'],
] as const;

/** Replaces the indexes of tokens and sessions by console. */
export class BusyConsoles1764406800000 implements MigrationInterface {
  readonly name = 'BusyConsoles1764406800000';

  async up(runner: QueryRunner): Promise<void> {
    await replace(runner, OLD, NEW);
  }

  async down(runner: QueryRunner): Promise<void> {
    await replace(runner, NEW, OLD);
  }
}

type Index = readonly [name: string, table: string, columns: string];

async function replace(runner: QueryRunner, from: readonly Index[], by: readonly Index[]): Promise<void> {
  const mysql = runner.dataSource.options.type !== 'better-sqlite3';
  for (const [name, table, columns] of by)
    await runner.query(`CREATE INDEX ${name} ON ${table} (${columns})`).catch(unlessThere);
  for (const [name, table] of from)
    await runner.query(`DROP INDEX ${name}${mysql ? ` ON ${table}` : ''}`).catch(unlessGone);
}
