// SPDX-License-Identifier: Apache-2.0
// What a driver's error means to an operator. Drivers put statements and values into their errors, so nothing of
// theirs is passed on but the code: one line with the place, the fault and the remedy.
import { DatabaseError } from '../exception.js';

/** A row with the same key exists already. */
export class DuplicateRow extends DatabaseError {}

/** Whether a statement may be given again. */
export type Retry = 'never' | 'always' | 'reads';

const SQLITE_FAULTS: Readonly<Record<string, string>> = {
  SQLITE_BUSY: 'is locked by another process; end it, or try again',
  SQLITE_LOCKED: 'is locked by another process; end it, or try again',
  SQLITE_FULL: 'cannot grow: the disk is full; free some space',
  SQLITE_READONLY: 'is read-only; make the file and its folder writable for this user',
  SQLITE_CANTOPEN: 'cannot be opened; see that its folder exists and is writable for this user',
  SQLITE_PERM: 'cannot be opened: permission denied',
  SQLITE_IOERR: 'cannot be read or written: input/output error; look at the disk',
  SQLITE_CORRUPT: 'is damaged; restore it from a backup',
  SQLITE_NOTADB: 'is not an SQLite database, or is damaged; restore it from a backup or name another file',
};

const MYSQL_FAULTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'cannot be reached: connection refused; is the server running?',
  ENOENT: 'cannot be reached: no such socket; is the server running?',
  EACCES: 'cannot be reached: permission denied',
  ENOTFOUND: 'cannot be reached: unknown host name',
  EAI_AGAIN: 'cannot be reached: the host name cannot be looked up at the moment',
  ETIMEDOUT: 'cannot be reached: timed out',
  EHOSTUNREACH: 'cannot be reached: no route to the host',
  ENETUNREACH: 'cannot be reached: no route to its network',
  ECONNRESET: 'closed the connection',
  EPIPE: 'closed the connection',
  PROTOCOL_CONNECTION_LOST: 'closed the connection',
  PROTOCOL_SEQUENCE_TIMEOUT: 'did not answer in time',
  ER_ACCESS_DENIED_ERROR: 'refused user or password',
  ER_DBACCESS_DENIED_ERROR: 'does not let this user in; grant the user all privileges on it',
  ER_TABLEACCESS_DENIED_ERROR: 'does not let this user do that; grant the user all privileges on it',
  ER_BAD_DB_ERROR: 'does not exist; create it with CHARACTER SET utf8mb4',
  ER_CON_COUNT_ERROR: 'has no connection left; raise max_connections there or lower [database] max_pool_size',
  ER_LOCK_WAIT_TIMEOUT: 'is locked by another transaction; try again',
  ER_LOCK_DEADLOCK: 'is busy: deadlock with another transaction',
  ER_DISK_FULL: 'cannot grow: the disk is full; free some space',
  ER_DISK_FULL_NOWAIT: 'cannot grow: the disk is full; free some space',
  ER_RECORD_FILE_FULL: 'cannot grow: a table is full; free some space',
  ER_OPTION_PREVENTS_STATEMENT: 'is read-only; point [database] connection at a writable server',
  ER_SERVER_SHUTDOWN: 'is shutting down',
  ER_UNKNOWN_COM_ERROR: 'is not ready (a Galera node outside its cluster?)',
};

const RETRY: Readonly<Record<string, Retry>> = {
  ECONNREFUSED: 'always',
  ER_CON_COUNT_ERROR: 'always',
  ER_LOCK_DEADLOCK: 'always',
  SQLITE_BUSY: 'always',
  SQLITE_BUSY_RECOVERY: 'always',
  SQLITE_BUSY_SNAPSHOT: 'always',
  ECONNRESET: 'reads',
  EPIPE: 'reads',
  PROTOCOL_CONNECTION_LOST: 'reads',
  ER_SERVER_SHUTDOWN: 'reads',
};

/** The driver's code of an error ('SQLITE_BUSY', 'ER_DUP_ENTRY', 'ECONNREFUSED'); '' when it has none. */
export function faultCode(error: unknown): string {
  const inner = (error as { driverError?: unknown } | null)?.driverError ?? error;
  const code = (inner as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

/** Whether the server has not answered in time. */
export function isTimeout(error: unknown): boolean {
  return faultCode(error) === 'PROTOCOL_SEQUENCE_TIMEOUT';
}

/** Whether giving the statement again is safe and may help. */
export function retryOf(code: string): Retry {
  return RETRY[code] ?? 'never';
}

/** The error as this service raises it. `place` is describeTarget's text. */
export function databaseError(place: string, error: unknown): DatabaseError {
  if (error instanceof DatabaseError) return error;
  const code = faultCode(error);
  if (isDuplicate(code)) return new DuplicateRow(`${place}: a row with this key exists already`);
  const fault = MYSQL_FAULTS[code] ?? sqliteFault(code);
  if (fault !== undefined) return new DatabaseError(`${place} ${fault}`);
  return new DatabaseError(`${place} refused a statement (${code === '' ? unknownFault(error) : code})`);
}

function isDuplicate(code: string): boolean {
  return (
    code === 'ER_DUP_ENTRY' || code === 'SQLITE_CONSTRAINT_PRIMARYKEY' || code === 'SQLITE_CONSTRAINT_UNIQUE'
  );
}

function sqliteFault(code: string): string | undefined {
  // Extended codes (SQLITE_IOERR_WRITE, SQLITE_BUSY_SNAPSHOT) begin with the plain one.
  const plain = /^SQLITE_[A-Z]+/.exec(code)?.[0];
  return plain === undefined ? undefined : SQLITE_FAULTS[plain];
}

function unknownFault(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown fault';
}
