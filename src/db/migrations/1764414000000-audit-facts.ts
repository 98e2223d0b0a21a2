// SPDX-License-Identifier: Apache-2.0
// Who, from where and by whom, for each event of the audit trail; and its events by session and by user. Events that are
// there already say nothing of it.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { unlessGone, unlessThere } from './interrupted.js';

const COLUMNS = [
  ['issued_to', 'varchar(255)'],
  ['client_ip', 'varchar(45)'],
  ['service', 'varchar(64)'],
  ['requested_by', 'varchar(16)'],
  ['request_user', 'varchar(255)'],
  ['request_user_id', 'varchar(255)'],
  ['request_id', 'varchar(64)'],
  ['request_ip', 'varchar(45)'],
] as const;
const INDEXES = [
  ['audit_events_session', 'session_id, id'],
  ['audit_events_issued_to', 'issued_to, id'],
  ['audit_events_request_user', 'request_user, id'],
] as const;

/** Adds the facts to audit_events. */
export class AuditFacts1764414000000 implements MigrationInterface {
  readonly name = 'AuditFacts1764414000000';

  async up(runner: QueryRunner): Promise<void> {
    const columns = COLUMNS.map(([name, type]) => `ADD COLUMN ${name} ${type}`);
    const indexes = INDEXES.map(([name, on]) => `ADD INDEX ${name} (${on})`);
    // MySQL reads a table of millions of events once for all indexes, and does not read it for the columns.
    const statements = isSqlite(runner)
      ? [
          ...columns.map((column) => `ALTER TABLE audit_events ${column}`),
          ...INDEXES.map(([name, on]) => `CREATE INDEX ${name} ON audit_events (${on})`),
        ]
      : [columns, indexes].map((parts) => `ALTER TABLE audit_events ${parts.join(', ')}`);
    for (const statement of statements) await runner.query(statement).catch(unlessThere);
  }

  async down(runner: QueryRunner): Promise<void> {
    const on = isSqlite(runner) ? '' : ' ON audit_events';
    for (const [name] of INDEXES) await runner.query(`DROP INDEX ${name}${on}`).catch(unlessGone);
    for (const [name] of COLUMNS)
      await runner.query(`ALTER TABLE audit_events DROP COLUMN ${name}`).catch(unlessGone);
  }
}

function isSqlite(runner: QueryRunner): boolean {
  return runner.dataSource.options.type === 'better-sqlite3';
}
