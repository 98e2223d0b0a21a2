// SPDX-License-Identifier: Apache-2.0
// The one entry point to the database: opens SQLite or MySQL/MariaDB, proves that the schema is the one this release
// was written for, and hands out statements. Nothing outside src/db imports TypeORM or a driver.
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DataSource } from 'typeorm';
import type { EntitySchema, ObjectLiteral } from 'typeorm';
import { DatabaseError } from '../exception.js';
import { describeTarget, parseConnectionUrl } from './connection-url.js';
import type { DatabaseTarget } from './connection-url.js';
import type { Cipher } from './encryption.js';
import { databaseError } from './faults.js';
import { findCipher, openCipher } from './keys.js';
import { checkSchema, dataSourceOptions, executedMigrations, knownMigrations, syncSchema } from './schema.js';
import { prepareFile } from './sqlite-file.js';
import { SourceStatements } from './statements.js';
import type { Dialect, SqlValue, Statements } from './statements.js';
import type { Table, TableStatements } from './tables.js';

/** The group `[database]` as the programs pass it in. */
export interface DatabaseConf {
  /** sqlite:////abs/path, sqlite:///rel/path, mysql://… or mysql+pymysql://… */
  readonly connection: string;
  /** Path of the encryption key file; '' = `encryption.key` beside the SQLite file. */
  readonly encryptionKeyFile: string;
  /** Largest number of connections to a MySQL server. */
  readonly maxPoolSize: number;
}

/** What the database is, for `kerbside-manage db version` and `/healthcheck`. */
export interface DatabaseVersion {
  readonly dialect: Dialect;
  /** Name of the newest migration that has run; null on an empty database. */
  readonly schema: string | null;
  /** Name of the newest migration this release knows. */
  readonly latest: string;
  /** Version text of the engine. */
  readonly server: string;
}

/**
 * An open database. All methods reject with DatabaseError when the engine is unavailable or refuses. A class, so that modules can
 * ask for it by this name; the one that opened the connections closes them.
 */
export abstract class Database implements Statements {
  abstract readonly dialect: Dialect;
  abstract readonly place: string;
  /** Encrypts what must not lie in the tables in clear. */
  abstract readonly cipher: Cipher;
  abstract query<Row>(sql: string, parameters?: readonly SqlValue[]): Promise<Row[]>;
  abstract execute(sql: string, parameters?: readonly SqlValue[]): Promise<number>;
  abstract table<Row extends ObjectLiteral>(model: EntitySchema<Row>, by?: TableStatements): Table<Row>;
  /** One cheap round trip; rejects with DatabaseError when the database cannot answer. */
  abstract ping(): Promise<void>;
  abstract version(): Promise<DatabaseVersion>;
  /**
   * The same database for work that may be done only while something holds: `check` is called before each statement,
   * repeated ones included, and what it throws fails the statement.
   */
  abstract guarded(check: () => void): Database;
}

export interface OpenOptions {
  /** true: run the missing migrations. false: refuse a schema that is not this release's. */
  readonly sync: boolean;
  /** Nothing is written, no key is made: for checks. */
  readonly readOnly?: true;
  /** Milliseconds that a server may take for one statement; tests shorten it. */
  readonly statementTimeout?: number;
}

/** Migrations have no such limit. */
const STATEMENT_TIMEOUT_MS = 30_000;

/**
 * Opens the connections: checks the files, brings the schema up to date or proves that it is this release's.
 *
 * @throws DatabaseError (path or host, fault, remedy; never the password)
 */
export async function openSource(conf: DatabaseConf, options: OpenOptions): Promise<DataSource> {
  const target = parseConnectionUrl(conf.connection);
  if (target.dialect === 'sqlite') prepareFile(target, options.sync);
  if (options.sync) await syncSchema(target);
  const source = new DataSource(
    dataSourceOptions(target, conf.maxPoolSize, options.statementTimeout ?? STATEMENT_TIMEOUT_MS),
  );
  return orClosed(source, target, async () => {
    await source.initialize();
    await checkSchema(source, target);
    return source;
  });
}

/**
 * The database on open connections, with its encryption key.
 *
 * @throws DatabaseError when the key is not to be had; the connections are closed then
 */
export async function databaseOn(
  source: DataSource,
  conf: DatabaseConf,
  options: OpenOptions,
): Promise<Database> {
  const target = parseConnectionUrl(conf.connection);
  return orClosed(source, target, async () => {
    const statements = new SourceStatements(source, target);
    const keyFile = keyFileOf(conf, target);
    const cipher = await (options.readOnly === true ? findCipher : openCipher)(statements, keyFile);
    const file = target.dialect === 'sqlite' ? new FileIdentity(target.path) : null;
    return new OpenedDatabase(statements, cipher, source, file);
  });
}

/** Nothing stays open after a fault. */
async function orClosed<T>(source: DataSource, target: DatabaseTarget, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (source.isInitialized) await source.destroy();
    throw databaseError(describeTarget(target), error);
  }
}

class OpenedDatabase extends Database {
  readonly dialect: Dialect;
  readonly place: string;
  readonly cipher: Cipher;
  private readonly statements: SourceStatements;
  private readonly source: DataSource;
  private readonly file: FileIdentity | null;

  constructor(statements: SourceStatements, cipher: Cipher, source: DataSource, file: FileIdentity | null) {
    super();
    this.dialect = statements.dialect;
    this.place = statements.place;
    this.cipher = cipher;
    this.statements = statements;
    this.source = source;
    this.file = file;
  }

  query<Row>(sql: string, parameters?: readonly SqlValue[]): Promise<Row[]> {
    return this.statements.query<Row>(sql, parameters);
  }

  execute(sql: string, parameters?: readonly SqlValue[]): Promise<number> {
    return this.statements.execute(sql, parameters);
  }

  table<Row extends ObjectLiteral>(model: EntitySchema<Row>, by?: TableStatements): Table<Row> {
    return this.statements.table(model, by);
  }

  async ping(): Promise<void> {
    // A table, not a constant: SQLite answers SELECT 1 without its file.
    await this.query('SELECT key_id FROM encryption_keys LIMIT 1');
    if (this.file?.isStillThere() === false) {
      throw new DatabaseError(
        `${this.place} was removed or replaced while in use, and what is written now will be lost; ` +
          'restart Kerbside, or put the file back first',
      );
    }
  }

  async version(): Promise<DatabaseVersion> {
    const sql = this.dialect === 'sqlite' ? 'SELECT sqlite_version() AS v' : 'SELECT VERSION() AS v';
    const rows = await this.query<{ v: string }>(sql);
    try {
      const executed = await executedMigrations(this.source);
      const server = `${this.dialect === 'sqlite' ? 'SQLite ' : ''}${rows[0]?.v ?? '?'}`;
      return {
        dialect: this.dialect,
        schema: executed.at(-1) ?? null,
        latest: knownMigrations().at(-1) ?? '',
        server,
      };
    } catch (error) {
      throw databaseError(this.place, error);
    }
  }

  guarded(check: () => void): Database {
    return new OpenedDatabase(this.statements.guarded(check), this.cipher, this.source, this.file);
  }
}

/** Which file was opened: SQLite goes on with a deleted one, in silence. */
class FileIdentity {
  private readonly opened: string;

  constructor(private readonly path: string) {
    this.opened = this.look();
  }

  isStillThere(): boolean {
    return this.look() === this.opened;
  }

  private look(): string {
    const found = statSync(this.path, { throwIfNoEntry: false });
    return found === undefined ? 'absent' : `${found.dev}:${found.ino}`;
  }
}

/** Where the encryption key is. @throws DatabaseError when that is not known */
export function keyFileOf(conf: DatabaseConf, target: DatabaseTarget): string {
  if (conf.encryptionKeyFile !== '') return conf.encryptionKeyFile;
  if (target.dialect === 'sqlite') return join(dirname(target.path), 'encryption.key');
  throw new DatabaseError('[database] encryption_key_file: not set; name a file that only Kerbside may read');
}
