// SPDX-License-Identifier: Apache-2.0
// How SQL is given to the database: `?` parameters, rows or a count back, the service's own errors.
//
// Every write is one statement: SQLite has one connection per process, on which the transactions of two requests
// would run into each other, and one statement is atomic on both engines. MySQL assigns the columns of an UPDATE from
// left to right and sees the new values at once; SQLite sees the old ones: write each UPDATE so that both agree.
import type { DataSource, EntitySchema, ObjectLiteral, QueryResult, QueryRunner } from 'typeorm';
import { describeTarget } from './connection-url.js';
import type { DatabaseTarget } from './connection-url.js';
import { databaseError, faultCode, isTimeout, retryOf } from './faults.js';
import { Tables, type Table, type TableStatements } from './tables.js';

export type Dialect = 'sqlite' | 'mysql';

/** What may be bound to a `?`. */
export type SqlValue = string | number | null;

/** Where statements are given. Rejects with DatabaseError when the engine is unavailable or refuses. */
export interface Statements {
  readonly dialect: Dialect;
  /** Path, or host and name, for messages: no secret. */
  readonly place: string;
  /** Gives the rows of a SELECT. */
  query<Row>(sql: string, parameters?: readonly SqlValue[]): Promise<Row[]>;
  /**
   * Runs one INSERT, UPDATE or DELETE; gives how many rows it matched.
   * @throws DuplicateRow when a key exists already
   */
  execute(sql: string, parameters?: readonly SqlValue[]): Promise<number>;
  /**
   * The rows of one table, for what is plain reading and writing; rejects as above.
   * @param by where its statements are given in place of here: whatever stands in front of this
   */
  table<Row extends ObjectLiteral>(model: EntitySchema<Row>, by?: TableStatements): Table<Row>;
}

const ATTEMPTS = 4;
/** About five seconds: another process holds the lock of the SQLite file. */
const BUSY_ATTEMPTS = 12;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 400;

/** Statements on a TypeORM data source, with the retries that their faults deserve. */
export class SourceStatements implements Statements {
  readonly dialect: Dialect;
  readonly place: string;
  private readonly source: DataSource;
  private readonly target: DatabaseTarget;
  private readonly check: () => void;
  private readonly tables: Tables;
  /** SQLite's one connection; null: not used yet, or another engine. */
  private runner: QueryRunner | null = null;

  /** @param check called before each statement, repeated ones included; what it throws fails the statement */
  constructor(source: DataSource, target: DatabaseTarget, check: () => void = () => undefined) {
    this.source = source;
    this.target = target;
    this.check = check;
    this.dialect = target.dialect;
    this.place = describeTarget(target);
    this.tables = new Tables(source, this);
  }

  /** The same with one more check before each statement. */
  guarded(check: () => void): SourceStatements {
    const before = this.check;
    return new SourceStatements(this.source, this.target, () => {
      before();
      check();
    });
  }

  async query<Row>(sql: string, parameters: readonly SqlValue[] = []): Promise<Row[]> {
    const result = await this.attempt(sql, parameters, true);
    return result.records as Row[];
  }

  async execute(sql: string, parameters: readonly SqlValue[] = []): Promise<number> {
    const result = await this.attempt(sql, parameters, false);
    return result.affected ?? 0;
  }

  table<Row extends ObjectLiteral>(model: EntitySchema<Row>, by?: TableStatements): Table<Row> {
    return (by === undefined ? this.tables : new Tables(this.source, by)).of(model);
  }

  private async attempt(sql: string, parameters: readonly SqlValue[], reads: boolean): Promise<QueryResult> {
    for (let attempt = 1; ; attempt += 1) {
      this.check();
      try {
        return await this.run(sql, [...parameters]);
      } catch (error) {
        const retry = retryOf(faultCode(error));
        const again = retry === 'always' || (retry === 'reads' && reads);
        const attempts = faultCode(error).startsWith('SQLITE_BUSY') ? BUSY_ATTEMPTS : ATTEMPTS;
        if (!again || attempt >= attempts) throw databaseError(this.place, error);
        const pause = Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_PAUSE_MS);
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  private async run(sql: string, parameters: SqlValue[]): Promise<QueryResult> {
    if (this.dialect === 'sqlite') {
      this.runner ??= this.source.createQueryRunner();
      return this.runner.query(sql, parameters, true);
    }
    const runner = this.source.createQueryRunner();
    try {
      return await runner.query(sql, parameters, true);
    } catch (error) {
      if (isTimeout(error)) await abandon(runner);
      throw error;
    } finally {
      await runner.release();
    }
  }
}

// The answer is still to come, and the driver would let the next statement wait behind it: on a connection whose other
// end has gone without a word, for as long as the system sends again, a quarter of an hour.
async function abandon(runner: QueryRunner): Promise<void> {
  const connection = (await runner.connect()) as { destroy(): void };
  connection.destroy();
}

/** `INSERT` that leaves a row with the same key as it is. */
export function insertIgnore(dialect: Dialect): string {
  return dialect === 'sqlite' ? 'INSERT OR IGNORE' : 'INSERT IGNORE';
}

/**
 * The database's own clock, as an expression: epoch seconds with fractions (DOUBLE). What processes compare with each
 * other is written and read by it alone. UTC, since a local time of day comes twice on one night of the year.
 */
export function databaseNow(dialect: Dialect): string {
  return dialect === 'sqlite'
    ? "unixepoch('now', 'subsec')"
    : "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) / 1e6)";
}

/** After the name of a table: MySQL shall not read all of it because it believes that much of it is asked for. */
export function withIndex(db: Pick<Statements, 'dialect'>, index: string): string {
  return db.dialect === 'mysql' ? ` FORCE INDEX (${index})` : '';
}

/** Texts of more rows than that are rare and long: they are not cached. */
const MOST_ROWS_KEPT = 64;

/**
 * A statement whose text goes by how many rows it is for, made once for each number: the driver looks it up among the
 * prepared ones by its text, and a text that is the same string is found without reading it.
 */
export function byRows(make: (rows: number) => string): (rows: number) => string {
  const made: string[] = [];
  return (rows) => (rows > MOST_ROWS_KEPT ? make(rows) : (made[rows] ??= make(rows)));
}

/** `(?, ?), (?, ?)` for `rows` rows of `columns` columns. */
export function valueLists(rows: number, columns: number): string {
  const one = `(${placeholders(columns)})`;
  return Array.from({ length: rows }, () => one).join(', ');
}

/** `?, ?, ?` */
export function placeholders(count: number): string {
  return Array.from({ length: count }, () => '?').join(', ');
}

/** `items` in pieces of at most `size`. */
export function* batches<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}
