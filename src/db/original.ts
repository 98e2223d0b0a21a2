// SPDX-License-Identifier: Apache-2.0
// Reads the database of the original Kerbside (shakenfist/kerbside, MySQL or MariaDB): consoles, tokens and the audit
// trail, in pages. Nothing is written there. Its schema has changed over time: a column may be missing, which reads as null. Times of
// the audit trail are DATETIME(6) in the time zone of the server, which turns them into epoch seconds.
import { DataSource } from 'typeorm';
import { DatabaseError } from '../exception.js';
import { describeTarget, parseConnectionUrl } from './connection-url.js';
import { databaseError } from './faults.js';
import { dataSourceOptions } from './schema.js';

/** A console as the original has it; `ticket` is a secret. */
export interface OriginalConsole {
  readonly source: string;
  readonly uuid: string;
  readonly name: string | null;
  readonly hypervisor: string;
  readonly hypervisor_ip: string;
  readonly insecure_port: number | null;
  readonly secure_port: number | null;
  readonly host_subject: string | null;
  readonly ticket: string | null;
}

/** A token that has not expired; `token` is a secret. Times in epoch seconds. */
export interface OriginalToken {
  readonly token: string;
  readonly session_id: string;
  readonly source: string;
  readonly uuid: string;
  readonly created: number;
  readonly expires: number;
}

/** An event of the audit trail. `timestamp` in epoch seconds. */
export interface OriginalEvent {
  readonly source: string;
  readonly uuid: string;
  readonly timestamp: number;
  readonly session_id: string | null;
  readonly channel: string | null;
  readonly node: string | null;
  readonly pid: number | null;
  readonly message: string;
}

/** Where the next page of the audit trail begins. */
export interface EventMarker {
  readonly source: string;
  readonly uuid: string;
  /** As the database wrote it: a DATETIME keeps its microseconds. */
  readonly timestamp: string;
}

type Row = Readonly<Record<string, unknown>>;

const TABLES = ['sources', 'consoles', 'consoletokens', 'auditevents'] as const;

/** An open database of the original. Every method throws DatabaseError when the engine is unavailable or refuses. */
export class OriginalDatabase {
  /** Whether it is new enough to have a table of terminated sessions. */
  private terminations = false;

  private constructor(
    readonly place: string,
    private readonly connection: DataSource,
  ) {}

  /**
   * Opens it.
   * @param url as the original's SQL_URL; a secret
   * @throws DatabaseError when it cannot be reached, or is not the original's
   */
  static async open(url: string): Promise<OriginalDatabase> {
    const target = parseConnectionUrl(url);
    if (target.dialect !== 'mysql')
      throw new DatabaseError('the original kept its data in MySQL or MariaDB only');
    const place = describeTarget(target);
    const connection = new DataSource({
      ...dataSourceOptions(target, 2, null),
      entities: [],
      migrations: [],
    });
    try {
      await connection.initialize();
      const opened = new OriginalDatabase(place, connection);
      await opened.checkTables();
      return opened;
    } catch (error) {
      if (connection.isInitialized) await connection.destroy();
      throw databaseError(place, error);
    }
  }

  /** Consoles after (source, uuid), in that order. */
  async consoles(after: { source: string; uuid: string }, limit: number): Promise<OriginalConsole[]> {
    const rows = await this.query(
      'SELECT * FROM consoles WHERE (source, uuid) > (?, ?) ORDER BY source, uuid LIMIT ?',
      [after.source, after.uuid, limit],
    );
    return rows.map((row) => ({
      source: text(row['source']),
      uuid: text(row['uuid']),
      name: textOrNull(row['name']),
      hypervisor: text(row['hypervisor']),
      hypervisor_ip: text(row['hypervisor_ip']),
      insecure_port: numberOrNull(row['insecure_port']),
      secure_port: numberOrNull(row['secure_port']),
      host_subject: textOrNull(row['host_subject']),
      ticket: textOrNull(row['ticket']),
    }));
  }

  /** Tokens that expire after `now` (epoch seconds), of sessions that were not terminated. Few: they live for minutes. */
  async tokens(now: number): Promise<OriginalToken[]> {
    const terminated = this.terminations
      ? ' AND session_id NOT IN (SELECT session_id FROM session_terminations)'
      : '';
    const rows = await this.query(
      `SELECT * FROM consoletokens WHERE expires > ?${terminated} ORDER BY token`,
      [now],
    );
    return rows.map((row) => ({
      token: text(row['token']),
      session_id: text(row['session_id']),
      source: text(row['source']),
      uuid: text(row['uuid']),
      created: Number(row['created']),
      expires: Number(row['expires']),
    }));
  }

  /** How many audit events there are. */
  async countEvents(): Promise<number> {
    const [row] = await this.query('SELECT COUNT(*) AS total FROM auditevents', []);
    return Number(row?.['total'] ?? 0);
  }

  /** Audit events after the marker by source, uuid and time, which is the table's primary key; '' begins. */
  async events(
    after: EventMarker,
    limit: number,
  ): Promise<{ events: OriginalEvent[]; next: EventMarker | null }> {
    const rows = await this.query(
      'SELECT *, UNIX_TIMESTAMP(timestamp) AS at, CAST(timestamp AS CHAR) AS written FROM auditevents ' +
        'WHERE (source, uuid) > (?, ?) OR (source = ? AND uuid = ? AND timestamp > ?) ' +
        'ORDER BY source, uuid, timestamp LIMIT ?',
      [after.source, after.uuid, after.source, after.uuid, after.timestamp || '1000-01-01', limit],
    );
    const last = rows.length < limit ? undefined : rows.at(-1);
    return {
      events: rows.map(toEvent),
      next:
        last === undefined
          ? null
          : { source: text(last['source']), uuid: text(last['uuid']), timestamp: text(last['written']) },
    };
  }

  /** Closes the connection. */
  async close(): Promise<void> {
    await this.connection.destroy();
  }

  private async checkTables(): Promise<void> {
    const rows = await this.query('SHOW TABLES', []);
    const there = rows.flatMap((row) => Object.values(row).map(text));
    this.terminations = there.includes('session_terminations');
    const missing = TABLES.filter((table) => !there.includes(table));
    if (missing.length === 0) return;
    throw new DatabaseError(
      `${this.place} is no database of the original Kerbside: it lacks ${missing.join(', ')}`,
    );
  }

  private async query(sql: string, parameters: readonly unknown[]): Promise<readonly Row[]> {
    try {
      return await this.connection.query<Row[]>(sql, [...parameters]);
    } catch (error) {
      throw databaseError(this.place, error);
    }
  }
}

function toEvent(row: Row): OriginalEvent {
  const pid = numberOrNull(row['pid']);
  return {
    source: text(row['source']),
    uuid: text(row['uuid']),
    timestamp: Number(row['at']),
    session_id: textOrNull(row['session_id']),
    channel: textOrNull(row['channel']),
    node: textOrNull(row['node']),
    pid,
    message: text(row['message']),
  };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

// The process id of an audit event is a string there.
function numberOrNull(value: unknown): number | null {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) ? number : null;
}
