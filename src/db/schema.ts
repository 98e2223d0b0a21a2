// SPDX-License-Identifier: Apache-2.0
// The schema's version: which migrations this release knows, which have run, and how to run the missing ones when
// several programs start at the same moment.
import { readFileSync } from 'node:fs';
import { AbstractLogger, DataSource } from 'typeorm';
import type { DataSourceOptions, EntitySchema } from 'typeorm';
import { DatabaseError } from '../exception.js';
import { shownPath, unreadable } from '../option-file.js';
import { holdsCertificate, holdsPrivateKey } from '../tls/pem.js';
import { describeTarget } from './connection-url.js';
import type { DatabaseTarget, MysqlTarget, SqliteTarget } from './connection-url.js';
import { databaseError, faultCode } from './faults.js';
import { MIGRATIONS } from './migrations/index.js';
import { AccessGrantModel } from './models/access-grant.js';
import { AuditAnchorModel } from './models/audit-anchor.js';
import { AuditCursorModel } from './models/audit-cursor.js';
import { auditEventModel } from './models/audit-event.js';
import { AuditHoldModel } from './models/audit-hold.js';
import { consoleConnectionModel } from './models/console-connection.js';
import { ConsoleSessionModel } from './models/console-session.js';
import { ConsoleTokenModel } from './models/console-token.js';
import { ConsoleModel } from './models/console.js';
import { EncryptionKeyModel } from './models/encryption-key.js';
import { LeaseModel } from './models/lease.js';
import { serviceModel } from './models/service.js';
import { SessionTerminationModel } from './models/session-termination.js';
import { SourceModel } from './models/source.js';
import { UsedTokenModel } from './models/used-token.js';
import { UserGroupModel } from './models/user-group.js';
import { UserModel } from './models/user.js';
import type { Dialect } from './statements.js';

const TABLE = 'schema_migrations';
const SYNC_LOCK = 'kerbside_db_sync';
const SYNC_WAIT_SECONDS = 120;
const SYNC_ATTEMPTS = 20;
const SYNC_PAUSE_MS = 250;
/** SQLite waits inside the process, whose event loop stands still meanwhile: the long wait is in statements.ts. */
const BUSY_TIMEOUT_MS = 100;
const CONNECT_TIMEOUT_MS = 5000;
const STATEMENT_CACHE = 400;
const WAITING_FOR_POOL = 10_000;

const models = (dialect: Dialect): EntitySchema[] => [
  SourceModel,
  ConsoleModel,
  ConsoleTokenModel,
  ConsoleSessionModel,
  consoleConnectionModel(dialect),
  SessionTerminationModel,
  auditEventModel(dialect),
  AuditAnchorModel,
  AuditCursorModel,
  AuditHoldModel,
  UserModel,
  EncryptionKeyModel,
  serviceModel(dialect),
  LeaseModel,
  UsedTokenModel,
  UserGroupModel,
  AccessGrantModel,
];

/** TypeORM's options for a target. For MySQL: `poolSize`, and `statementTimeout`, milliseconds for a statement, null for any. */
export function dataSourceOptions(
  target: DatabaseTarget,
  poolSize: number,
  statementTimeout: number | null,
): DataSourceOptions {
  return target.dialect === 'sqlite'
    ? sqliteOptions(target)
    : mysqlOptions(target, poolSize, statementTimeout);
}

/** The names of the migrations of this release, oldest first. */
export function knownMigrations(): string[] {
  return MIGRATIONS.map((Migration) => new Migration().name);
}

/** The names of the migrations that have run, oldest first; empty on an empty database. */
export async function executedMigrations(source: DataSource): Promise<string[]> {
  try {
    const rows = await source.query<{ name: string }[]>(`SELECT name FROM ${TABLE} ORDER BY timestamp, id`);
    return rows.map(({ name }) => name);
  } catch (error) {
    if (isMissingTable(error)) return [];
    throw error;
  }
}

/**
 * Refuses a schema that is not this release's.
 * @throws DatabaseError naming `kerbside-manage db sync`
 */
export async function checkSchema(source: DataSource, target: DatabaseTarget): Promise<void> {
  const known = knownMigrations();
  const executed = await executedMigrations(source);
  refuseNewer(executed, known, target);
  const missing = known.filter((name) => !executed.includes(name));
  if (missing.length === 0) return;
  const state =
    executed.length === 0 ? 'has no schema yet' : `has an old schema (it lacks ${missing.join(', ')})`;
  throw new DatabaseError(`${describeTarget(target)} ${state}; run "kerbside-manage db sync"`);
}

/**
 * Refuses a schema that a newer release made; an older one, or none, will do.
 * @throws DatabaseError naming what this release does not know
 */
export async function checkNotNewer(source: DataSource, target: DatabaseTarget): Promise<void> {
  refuseNewer(await executedMigrations(source), knownMigrations(), target);
}

/** Runs the missing migrations; several programs may do so at once. */
export async function syncSchema(target: DatabaseTarget): Promise<void> {
  const source = new DataSource(dataSourceOptions(target, 2, null));
  try {
    await source.initialize();
    await checkNotNewer(source, target);
    await (target.dialect === 'mysql' ? syncMysql(source, target) : syncSqlite(source));
  } catch (error) {
    throw databaseError(describeTarget(target), error);
  } finally {
    if (source.isInitialized) await source.destroy();
  }
}

function refuseNewer(executed: string[], known: string[], target: DatabaseTarget): void {
  const unknown = executed.filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw new DatabaseError(
    `${describeTarget(target)} has a newer schema than this release knows (${unknown.join(', ')}); ` +
      'install the release whose "kerbside-manage db sync" made it',
  );
}

// One lock for all that start at once. It belongs to the connection, so it ends with a process that dies.
async function syncMysql(source: DataSource, target: MysqlTarget): Promise<void> {
  const runner = source.createQueryRunner();
  const lock = `${SYNC_LOCK}.${target.name}`.slice(0, 64);
  try {
    const rows = (await runner.query('SELECT GET_LOCK(?, ?) AS got', [lock, SYNC_WAIT_SECONDS])) as {
      got: unknown;
    }[];
    if (Number(rows[0]?.got) !== 1) {
      throw new DatabaseError(`${describeTarget(target)}: another program is changing the schema; try again`);
    }
    await source.runMigrations({ transaction: 'each' });
    await runner.query('SELECT RELEASE_LOCK(?)', [lock]);
  } finally {
    await runner.release();
  }
}

// SQLite has no such lock, but its DDL is transactional: the second one fails, checks again, and finds it done.
async function syncSqlite(source: DataSource): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await source.runMigrations({ transaction: 'each' });
      return;
    } catch (error) {
      const executed = await executedMigrations(source);
      if (knownMigrations().every((name) => executed.includes(name))) return;
      if (attempt === SYNC_ATTEMPTS || !/BUSY|LOCKED|^SQLITE_ERROR$|CONSTRAINT/.test(faultCode(error)))
        throw error;
      await new Promise((resolve) => setTimeout(resolve, SYNC_PAUSE_MS));
    }
  }
}

function isMissingTable(error: unknown): boolean {
  if (faultCode(error) === 'ER_NO_SUCH_TABLE') return true;
  return (
    faultCode(error) === 'SQLITE_ERROR' && error instanceof Error && error.message.includes('no such table')
  );
}

function sqliteOptions(target: SqliteTarget): DataSourceOptions {
  return {
    type: 'better-sqlite3',
    database: target.path,
    timeout: BUSY_TIMEOUT_MS,
    statementCacheSize: STATEMENT_CACHE,
    prepareDatabase: (handle: { pragma(text: string): unknown }) => {
      handle.pragma('journal_mode = WAL');
      handle.pragma('synchronous = NORMAL');
      handle.pragma('foreign_keys = ON');
    },
    ...schemaOptions('sqlite'),
  };
}

function mysqlOptions(
  target: MysqlTarget,
  poolSize: number,
  statementTimeout: number | null,
): DataSourceOptions {
  return {
    type: 'mysql',
    ...(target.unixSocket === null
      ? { host: target.host, port: target.port }
      : { socketPath: target.unixSocket }),
    username: target.user,
    password: target.password,
    database: target.name,
    charset: 'utf8mb4_bin',
    // Numbers, not text: no count here comes near 2^53.
    bigNumberStrings: false,
    connectTimeout: CONNECT_TIMEOUT_MS,
    poolSize,
    ...(statementTimeout === null
      ? {}
      : { enableQueryTimeout: true, maxQueryExecutionTime: statementTimeout }),
    ...(target.tls === null ? {} : { ssl: tlsFiles(target.tls) }),
    extra: { queueLimit: WAITING_FOR_POOL, enableKeepAlive: true },
    ...schemaOptions('mysql'),
  };
}

function schemaOptions(
  dialect: Dialect,
): Pick<DataSourceOptions, 'entities' | 'migrations' | 'migrationsTableName' | 'logging' | 'logger'> {
  return {
    entities: models(dialect),
    migrations: [...MIGRATIONS],
    migrationsTableName: TABLE,
    logging: false,
    logger: new NoLog(),
  };
}

/** TypeORM prints slow statements with their values, hashes of passwords among them, whatever `logging` says. */
class NoLog extends AbstractLogger {
  protected writeLog(): void {
    // What fails is logged by those who asked.
  }
}

function readTlsFile(name: string, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { fault, remedy } = unreadable(path, error);
    throw new DatabaseError(`[database] connection, ssl_${name}: ${fault}; ${remedy}`);
  }
  const [noun, holds] = name === 'key' ? ['private key', holdsPrivateKey] : ['certificate', holdsCertificate];
  if (holds(text)) return text;
  throw new DatabaseError(
    `[database] connection, ssl_${name}: the file ${shownPath(path)} holds no PEM ${noun}; name another one`,
  );
}

function tlsFiles(tls: NonNullable<MysqlTarget['tls']>): Record<string, string> {
  const files: Record<string, string> = {};
  for (const [name, path] of Object.entries(tls)) {
    files[name] = readTlsFile(name, path);
  }
  return files;
}
