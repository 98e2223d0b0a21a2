// SPDX-License-Identifier: Apache-2.0
// The first schema. Names are the original's where it has them; all times are epoch seconds in DOUBLE; addresses hold
// IPv6. MySQL compares binary (utf8mb4_bin), as SQLite does: `A` and `a` are two tokens, two sources.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { faultCode } from '../faults.js';

const TABLES = [
  'sources',
  'consoles',
  'console_tokens',
  'console_sessions',
  'console_connections',
  'session_terminations',
  'audit_events',
  'users',
  'encryption_keys',
];

/** Creates every table of release 1.0. */
export class Initial1763640000000 implements MigrationInterface {
  readonly name = 'Initial1763640000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements(runner.dataSource.options.type !== 'better-sqlite3')) {
      await runner.query(statement).catch(unlessIndexExists);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of TABLES) await runner.query(`DROP TABLE ${table}`);
  }
}

// MySQL commits each statement by itself: after an interruption some of the tables and indexes exist already, and MySQL
// (unlike MariaDB) has no CREATE INDEX IF NOT EXISTS.
function unlessIndexExists(error: unknown): void {
  if (faultCode(error) !== 'ER_DUP_KEYNAME') throw error;
}

function statements(mysql: boolean): string[] {
  const serial = mysql
    ? 'id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY'
    : '"id" integer PRIMARY KEY AUTOINCREMENT NOT NULL';
  const engine = mysql ? 'ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin' : '';
  return [...whatThereIs(engine), ...whoIsConnected(serial, engine), ...whatIsRecorded(serial, engine)];
}

function whatThereIs(engine: string): string[] {
  return [
    `CREATE TABLE IF NOT EXISTS sources (
      name varchar(255) NOT NULL,
      type varchar(20) NOT NULL,
      last_seen double,
      seen_by varchar(255),
      errored smallint NOT NULL,
      error varchar(1024),
      url varchar(1024),
      ca_cert text,
      username varchar(255),
      password varchar(2048),
      project_name varchar(255),
      user_domain_id varchar(255),
      project_domain_id varchar(255),
      deleted smallint NOT NULL,
      PRIMARY KEY (name)
    ) ${engine}`,
    `CREATE TABLE IF NOT EXISTS consoles (
      source varchar(255) NOT NULL,
      uuid varchar(36) NOT NULL,
      discovered double NOT NULL,
      hypervisor varchar(255) NOT NULL,
      hypervisor_ip varchar(255) NOT NULL,
      insecure_port integer,
      secure_port integer,
      name varchar(255),
      host_subject varchar(1024),
      ticket varchar(1024),
      PRIMARY KEY (source, uuid)
    ) ${engine}`,
  ];
}

function whoIsConnected(serial: string, engine: string): string[] {
  return [
    `CREATE TABLE IF NOT EXISTS console_tokens (
      token_hash varchar(64) NOT NULL,
      session_id varchar(12) NOT NULL,
      source varchar(255) NOT NULL,
      uuid varchar(36) NOT NULL,
      issued_to varchar(255) NOT NULL,
      created double NOT NULL,
      expires double NOT NULL,
      revoked double,
      PRIMARY KEY (token_hash)
    ) ${engine}`,
    'CREATE UNIQUE INDEX console_tokens_session ON console_tokens (session_id)',
    'CREATE INDEX console_tokens_console ON console_tokens (source, uuid, session_id)',
    `CREATE TABLE IF NOT EXISTS console_sessions (
      session_id varchar(12) NOT NULL,
      source varchar(255) NOT NULL,
      uuid varchar(36) NOT NULL,
      state varchar(10) NOT NULL,
      generation integer NOT NULL,
      ended_generation integer NOT NULL,
      connection_id bigint,
      backend_connection_id bigint,
      main_ref varchar(36),
      created double NOT NULL,
      updated_at double NOT NULL,
      closing_since double,
      terminated_at double,
      closed double,
      reason varchar(255),
      PRIMARY KEY (session_id)
    ) ${engine}`,
    'CREATE UNIQUE INDEX console_sessions_connection_id ON console_sessions (connection_id)',
    'CREATE UNIQUE INDEX console_sessions_main_ref ON console_sessions (main_ref)',
    'CREATE INDEX console_sessions_console ON console_sessions (source, uuid)',
    'CREATE INDEX console_sessions_state ON console_sessions (state, updated_at)',
    'CREATE INDEX console_sessions_updated ON console_sessions (updated_at)',
    `CREATE TABLE IF NOT EXISTS console_connections (
      ${serial},
      connection_ref varchar(36) NOT NULL,
      session_id varchar(12) NOT NULL,
      generation integer NOT NULL,
      node varchar(255) NOT NULL,
      pid integer NOT NULL,
      created double NOT NULL,
      client_ip varchar(45) NOT NULL,
      client_port integer NOT NULL,
      connection_id bigint,
      channel_type integer NOT NULL,
      channel_id integer NOT NULL,
      state varchar(10) NOT NULL,
      connected double,
      closed double,
      bytes_up bigint,
      bytes_down bigint,
      duration double,
      reason varchar(255)
    ) ${engine}`,
    'CREATE UNIQUE INDEX console_connections_ref ON console_connections (connection_ref)',
    'CREATE INDEX console_connections_open ON console_connections (closed, session_id)',
    'CREATE INDEX console_connections_node ON console_connections (node, closed, pid)',
    'CREATE INDEX console_connections_session ON console_connections (session_id)',
  ];
}

function whatIsRecorded(serial: string, engine: string): string[] {
  return [
    `CREATE TABLE IF NOT EXISTS session_terminations (
      session_id varchar(12) NOT NULL,
      requested_at double NOT NULL,
      reason varchar(255),
      PRIMARY KEY (session_id)
    ) ${engine}`,
    `CREATE TABLE IF NOT EXISTS audit_events (
      ${serial},
      source varchar(255) NOT NULL,
      uuid varchar(36) NOT NULL,
      timestamp double NOT NULL,
      session_id varchar(12),
      channel varchar(32),
      node varchar(255),
      pid integer,
      message text NOT NULL
    ) ${engine}`,
    'CREATE INDEX audit_events_console ON audit_events (source, uuid, id)',
    'CREATE INDEX audit_events_timestamp ON audit_events (timestamp, id)',
    `CREATE TABLE IF NOT EXISTS users (
      name varchar(255) NOT NULL,
      password_hash varchar(255) NOT NULL,
      admin smallint NOT NULL,
      created double NOT NULL,
      PRIMARY KEY (name)
    ) ${engine}`,
    `CREATE TABLE IF NOT EXISTS encryption_keys (
      key_id varchar(8) NOT NULL,
      created double NOT NULL,
      retired double,
      PRIMARY KEY (key_id)
    ) ${engine}`,
  ];
}
