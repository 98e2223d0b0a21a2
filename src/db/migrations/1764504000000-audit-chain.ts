// SPDX-License-Identifier: Apache-2.0
// The chain of audit events: the place of each event in it and its digest; what retention has taken out of it, how far each
// sink has been served, and what is held back from retention. Only adds: the release before works on with it.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { unlessGone, unlessThere } from './interrupted.js';

const COLUMNS = [
  ['chain_position', 'bigint'],
  ['chain_digest', 'varchar(64)'],
] as const;

/** Adds columns to audit_events, and three tables. */
export class AuditChain1764504000000 implements MigrationInterface {
  readonly name = 'AuditChain1764504000000';

  async up(runner: QueryRunner): Promise<void> {
    const columns = COLUMNS.map(([name, type]) => `ADD COLUMN ${name} ${type}`);
    const statements = isSqlite(runner)
      ? columns.map((column) => `ALTER TABLE audit_events ${column}`)
      : [`ALTER TABLE audit_events ${columns.join(', ')}`];
    const index = 'CREATE UNIQUE INDEX audit_events_chain ON audit_events (chain_position)';
    for (const statement of [...statements, index, ...tables(!isSqlite(runner))])
      await runner.query(statement).catch(unlessThere);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['audit_holds', 'audit_cursors', 'audit_anchors'])
      await runner.query(`DROP TABLE IF EXISTS ${table}`);
    const on = isSqlite(runner) ? '' : ' ON audit_events';
    await runner.query(`DROP INDEX audit_events_chain${on}`).catch(unlessGone);
    for (const [name] of COLUMNS)
      await runner.query(`ALTER TABLE audit_events DROP COLUMN ${name}`).catch(unlessGone);
  }
}

function isSqlite(runner: QueryRunner): boolean {
  return runner.dataSource.options.type === 'better-sqlite3';
}

function tables(mysql: boolean): string[] {
  const engine = mysql ? 'ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin' : '';
  return [
    `CREATE TABLE IF NOT EXISTS audit_anchors (
      first_position bigint NOT NULL,
      last_position bigint NOT NULL,
      digest varchar(64) NOT NULL,
      removed double NOT NULL,
      PRIMARY KEY (first_position)
    ) ${engine}`,
    'CREATE INDEX audit_anchors_last ON audit_anchors (last_position)',
    `CREATE TABLE IF NOT EXISTS audit_cursors (
      sink varchar(16) NOT NULL,
      position bigint NOT NULL,
      digest varchar(64) NOT NULL,
      delivered bigint NOT NULL,
      lost bigint NOT NULL,
      updated double NOT NULL,
      PRIMARY KEY (sink)
    ) ${engine}`,
    `CREATE TABLE IF NOT EXISTS audit_holds (
      name varchar(64) NOT NULL,
      source varchar(255),
      uuid varchar(36),
      session_id varchar(12),
      period_begin double,
      period_end double,
      reason varchar(255) NOT NULL,
      held_by varchar(255),
      created double NOT NULL,
      PRIMARY KEY (name)
    ) ${engine}`,
  ];
}
