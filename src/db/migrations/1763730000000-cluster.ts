// SPDX-License-Identifier: Apache-2.0
// What many nodes need of one another: who is there (services), who does which task (leases); and to a console: when
// its instance last was heard of, whether it is locked, and which host the known address is of.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { unlessThere } from './interrupted.js';

const COLUMNS = [
  ['instance_event_at', 'double'],
  ['instance_locked', 'smallint'],
  ['instance_locked_at', 'double'],
  ['address_host', 'varchar(255)'],
  ['address_stale', 'smallint'],
] as const;

/** Adds the tables and the columns. */
export class Cluster1763730000000 implements MigrationInterface {
  readonly name = 'Cluster1763730000000';

  async up(runner: QueryRunner): Promise<void> {
    const statements = [
      ...tables(runner.dataSource.options.type !== 'better-sqlite3'),
      ...COLUMNS.map(([column, type]) => `ALTER TABLE consoles ADD COLUMN ${column} ${type}`),
      'UPDATE consoles SET address_host = instance_host WHERE address_host IS NULL',
    ];
    for (const statement of statements) await runner.query(statement).catch(unlessThere);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const [column] of COLUMNS) await runner.query(`ALTER TABLE consoles DROP COLUMN ${column}`);
    await runner.query('DROP TABLE leases');
    await runner.query('DROP TABLE services');
  }
}

function tables(mysql: boolean): string[] {
  const serial = mysql
    ? 'id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY'
    : '"id" integer PRIMARY KEY AUTOINCREMENT NOT NULL';
  const engine = mysql ? 'ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin' : '';
  return [
    `CREATE TABLE IF NOT EXISTS services (
      ${serial},
      host varchar(255) NOT NULL,
      binary_name varchar(64) NOT NULL,
      run_id varchar(36) NOT NULL,
      pid integer NOT NULL,
      version varchar(64) NOT NULL,
      started double NOT NULL,
      heartbeat double NOT NULL,
      report_interval double NOT NULL,
      down_since double,
      draining smallint NOT NULL,
      report text
    ) ${engine}`,
    'CREATE UNIQUE INDEX services_host ON services (host, binary_name)',
    'CREATE INDEX services_heartbeat ON services (down_since, heartbeat)',
    `CREATE TABLE IF NOT EXISTS leases (
      name varchar(64) NOT NULL,
      holder varchar(255) NOT NULL,
      run_id varchar(36) NOT NULL,
      acquired double NOT NULL,
      expires double NOT NULL,
      PRIMARY KEY (name)
    ) ${engine}`,
  ];
}
