// SPDX-License-Identifier: Apache-2.0
// Named queries on console_sessions and session_terminations. Raw statements: each move of a session is one conditional
// UPDATE, whose states are those of the table in models/session-state.ts and which the engine checks under its row
// lock. `updated_at` is of the database's clock for every writer: the poll of every node depends on it.
import type { ConsoleSessionRow } from '../models/console-session.js';
import { mayMove, moveState, SESSION_MOVES, withState } from '../models/session-state.js';
import type { SessionState } from '../models/session-state.js';
import { batches, databaseNow, insertIgnore, placeholders, withIndex } from '../statements.js';
import type { Statements } from '../statements.js';

const BATCH = 500;

/** A claim on the main channel of a session. */
export interface MainClaim {
  readonly sessionId: string;
  /** The generation that was read; the claim makes it one more. */
  readonly generation: number;
  readonly connectionRef: string;
  readonly connectionId: number;
  /** A closing session is open to a new main when its last one ended at or after this. */
  readonly graceStart: number;
  /** Whether the session is to be the only one of its console. */
  readonly holds: boolean;
}

/** Adds a pending session. @throws DuplicateRow when the id is taken */
export async function insertSession(
  db: Statements,
  row: Pick<ConsoleSessionRow, 'session_id' | 'source' | 'uuid' | 'created'>,
): Promise<void> {
  await db.execute(
    'INSERT INTO console_sessions (session_id, source, uuid, state, generation, ended_generation, created, updated_at) ' +
      `VALUES (?, ?, ?, 'pending', 0, 0, ?, ${databaseNow(db.dialect)})`,
    [row.session_id, row.source, row.uuid, row.created],
  );
}

/** Adds a pending session of a console; false: there is no such console. @throws DuplicateRow when the id is taken */
export async function insertSessionOfConsole(
  db: Statements,
  row: Pick<ConsoleSessionRow, 'session_id' | 'source' | 'uuid' | 'created'>,
): Promise<boolean> {
  const inserted = await db.execute(
    'INSERT INTO console_sessions (session_id, source, uuid, state, generation, ended_generation, created, updated_at) ' +
      `SELECT ?, source, uuid, 'pending', 0, 0, ?, ${databaseNow(db.dialect)} FROM consoles WHERE source = ? AND uuid = ?`,
    [row.session_id, row.created, row.source, row.uuid],
  );
  return inserted > 0;
}

/** One session. */
export async function findSession(
  db: Statements,
  sessionId: string,
): Promise<(ConsoleSessionRow & { state: SessionState }) | null> {
  const rows = await db.query<ConsoleSessionRow>('SELECT * FROM console_sessions WHERE session_id = ?', [
    sessionId,
  ]);
  return rows[0] === undefined ? null : withState(rows[0]);
}

/**
 * Takes the main channel of a session; of any number of claims at once exactly one gives true.
 * @throws DuplicateRow when another live session has this connection id, or holds the console
 */
export async function claimMain(db: Statements, claim: MainClaim): Promise<boolean> {
  const matched = await db.execute(
    'UPDATE console_sessions SET generation = generation + 1, main_ref = ?, connection_id = ?, holds = ?, reason = NULL, ' +
      `updated_at = ${databaseNow(db.dialect)} ` +
      'WHERE session_id = ? AND generation = ? AND main_ref IS NULL AND terminated_at IS NULL ' +
      `AND ${mayMove('establish')} AND (state <> 'closing' OR closing_since >= ?)`,
    [
      ...[claim.connectionRef, claim.connectionId, claim.holds ? 1 : null],
      ...[claim.sessionId, claim.generation, claim.graceStart],
    ],
  );
  return matched > 0;
}

/** pending or closing -> active, for the main that holds the claim. */
export async function activateSession(
  db: Statements,
  sessionId: string,
  generation: number,
  backendConnectionId: number,
): Promise<boolean> {
  // COALESCE keeps MySQL from walking, and locking, the index of main_ref.
  const matched = await db.execute(
    `UPDATE console_sessions SET backend_connection_id = ?, closing_since = NULL, updated_at = ${databaseNow(db.dialect)}` +
      `, ${moveState('establish')} WHERE session_id = ? AND generation = ? AND COALESCE(main_ref, '') <> '' ` +
      `AND terminated_at IS NULL AND ${mayMove('establish')}`,
    [backendConnectionId, sessionId, generation],
  );
  return matched > 0;
}

/** SQL: the main channel ended at `?`, for `SET`; a session that was not up stays as it is. */
export const RELEASE =
  `closing_since = CASE WHEN ${mayMove('release')} THEN ? ELSE closing_since END, ` +
  `state = CASE WHEN ${mayMove('release')} THEN '${SESSION_MOVES.release.to}' ELSE state END`;

/** The main channels `refs` ended: active -> closing, any other state stays; the claim is given up. */
export async function releaseMains(db: Statements, refs: readonly string[], now: number): Promise<void> {
  for (const batch of batches(refs, BATCH)) {
    await db.execute(
      `UPDATE console_sessions SET ${RELEASE}, main_ref = NULL, holds = NULL, ` +
        `ended_generation = generation, updated_at = ${databaseNow(db.dialect)} ` +
        `WHERE main_ref IN (${placeholders(batch.length)})`,
      [now, ...batch],
    );
  }
}

/** Whose a session is, and where its client came from last; null where it is not known, or none has come. */
export type SessionUserRow = Pick<ConsoleSessionRow, 'session_id'> & {
  issued_to: string | null;
  client_ip: string | null;
};

/** Whose these sessions are. */
export async function sessionUsers(db: Statements, sessionIds: readonly string[]): Promise<SessionUserRow[]> {
  const found: SessionUserRow[] = [];
  for (const batch of batches(sessionIds, BATCH)) {
    const rows = await db.query<SessionUserRow>(
      'SELECT s.session_id, t.issued_to, (SELECT c.client_ip FROM console_connections c' +
        `${withIndex(db, 'console_connections_session')} ` +
        'WHERE c.session_id = s.session_id ORDER BY c.id DESC LIMIT 1) AS client_ip ' +
        'FROM console_sessions s LEFT JOIN console_tokens t ON t.session_id = s.session_id ' +
        `WHERE s.session_id IN (${placeholders(batch.length)})`,
      batch,
    );
    found.push(...rows);
  }
  return found;
}

/** The sessions of a console that have a main channel, and which. */
export function runningSessionsOf(
  db: Statements,
  source: string,
  uuid: string,
): Promise<{ session_id: string; main_ref: string; generation: number }[]> {
  return db.query(
    'SELECT session_id, main_ref, generation FROM console_sessions ' +
      'WHERE source = ? AND uuid = ? AND main_ref IS NOT NULL AND terminated_at IS NULL',
    [source, uuid],
  );
}

/** Sessions with something to close that changed within the last `seconds` of the database's clock. */
export function endedSessions(
  db: Statements,
  seconds: number,
): Promise<Pick<ConsoleSessionRow, 'session_id' | 'ended_generation' | 'terminated_at' | 'reason'>[]> {
  return db.query(
    'SELECT session_id, ended_generation, terminated_at, reason FROM console_sessions ' +
      `WHERE updated_at >= ${databaseNow(db.dialect)} - ? AND ended_generation > 0 ORDER BY updated_at`,
    [seconds],
  );
}

/**
 * The result of a termination: it ended the session; an earlier one has ended it; or there is none, or it is closed.
 */
export type Termination = 'ended' | 'ending' | 'absent';

/** Ends one session permanently; of any number of calls one gives `ended`. */
export async function terminateSession(
  db: Statements,
  sessionId: string,
  reason: string,
  now: number,
): Promise<Termination> {
  const sql = `${terminate(db.dialect)} WHERE session_id = ? AND ${mayMove('terminate')}`;
  const values = [reason, now, now, sessionId];
  const first = await db.execute(`${sql} AND terminated_at IS NULL`, values);
  // Once more all the same: the first process may have died before it announced the end.
  if (first === 0 && (await db.execute(sql, values)) === 0) return 'absent';
  await recordTerminations(db, [sessionId], reason, now);
  return first > 0 ? 'ended' : 'ending';
}

/** Ends every session of a console permanently; gives those that this call ended, oldest first. */
export async function terminateSessionsOf(
  db: Statements,
  console: { source: string; uuid: string },
  reason: string,
  now: number,
): Promise<string[]> {
  const where = `WHERE source = ? AND uuid = ? AND ${mayMove('terminate')}`;
  const rows = await db.query<{ session_id: string; created: number }>(
    `SELECT session_id, created FROM console_sessions ${where} AND terminated_at IS NULL`,
    [console.source, console.uuid],
  );
  const sql = `${terminate(db.dialect)} WHERE session_id = ? AND ${mayMove('terminate')} AND terminated_at IS NULL`;
  const ended: string[] = [];
  // One by one: of several calls at once each session is ended by one, and that one writes the audit trail.
  for (const { session_id } of rows.sort((a, b) => a.created - b.created))
    if ((await db.execute(sql, [reason, now, now, session_id])) > 0) ended.push(session_id);
  await db.execute(`${terminate(db.dialect)} ${where}`, [reason, now, now, console.source, console.uuid]);
  for (const batch of batches(ended, BATCH)) await recordTerminations(db, batch, reason, now);
  return ended;
}

const terminate = (dialect: Statements['dialect']): string =>
  'UPDATE console_sessions SET reason = CASE WHEN terminated_at IS NULL THEN ? ELSE reason END, ' +
  'closing_since = COALESCE(closing_since, ?), terminated_at = COALESCE(terminated_at, ?), ' +
  `ended_generation = generation, holds = NULL, updated_at = ${databaseNow(dialect)}, ${moveState('terminate')}`;

async function recordTerminations(
  db: Statements,
  sessionIds: readonly string[],
  reason: string,
  now: number,
): Promise<void> {
  await db.execute(
    `${insertIgnore(db.dialect)} INTO session_terminations (session_id, requested_at, reason) ` +
      `SELECT session_id, ?, ? FROM console_sessions WHERE session_id IN (${placeholders(sessionIds.length)})`,
    [now, reason, ...sessionIds],
  );
}

/** pending -> closed, for a session that nobody began; false when somebody just did. */
export async function expireSession(db: Statements, sessionId: string, now: number): Promise<boolean> {
  const matched = await db.execute(
    `UPDATE console_sessions SET closed = ?, updated_at = ${databaseNow(db.dialect)}, reason = 'token expired', ` +
      `${moveState('expire')} WHERE session_id = ? AND ${mayMove('expire')} AND main_ref IS NULL`,
    [now, sessionId],
  );
  return matched > 0;
}

/** Main channels that were claimed before `before` and never came up: their node is gone. */
export async function listStaleClaims(db: Statements, before: number, limit: number): Promise<string[]> {
  const rows = await db.query<{ main_ref: string }>(
    `SELECT main_ref FROM console_sessions WHERE ${mayMove('establish')} AND updated_at < ? ` +
      'AND main_ref IS NOT NULL LIMIT ?',
    [before, limit],
  );
  return rows.map(({ main_ref }) => main_ref);
}

/** Sessions whose main channel ended, or that were terminated, before `before`. */
export async function listOverdueSessions(db: Statements, before: number, limit: number): Promise<string[]> {
  const rows = await db.query<{ session_id: string }>(
    `SELECT session_id FROM console_sessions WHERE ${OVERDUE} LIMIT ?`,
    [before, limit],
  );
  return rows.map(({ session_id }) => session_id);
}

const OVERDUE = `${mayMove('close')} AND closing_since < ? AND (main_ref IS NULL OR terminated_at IS NOT NULL)`;

/** closing -> closed for those that are still overdue; spends their tokens and closes rows that nobody closed. */
export async function closeSessions(
  db: Statements,
  sessionIds: readonly string[],
  before: number,
  now: number,
): Promise<number> {
  const among = `session_id IN (${placeholders(sessionIds.length)})`;
  const closed = await db.execute(
    `UPDATE console_sessions SET closed = ?, updated_at = ${databaseNow(db.dialect)}, connection_id = NULL, ` +
      `main_ref = NULL, holds = NULL, ${moveState('close')} WHERE ${among} AND ${OVERDUE}`,
    [now, ...sessionIds, before],
  );
  const really = (table: string): string =>
    `EXISTS (SELECT 1 FROM console_sessions s WHERE s.session_id = ${table}.session_id AND s.state = 'closed')`;
  await db.execute(
    `UPDATE console_tokens SET revoked = ? WHERE ${among} AND revoked IS NULL AND ${really('console_tokens')}`,
    [now, ...sessionIds],
  );
  await db.execute(
    "UPDATE console_connections SET state = 'closed', closed = ?, reason = 'node lost', " +
      'duration = CASE WHEN created < ? THEN ? - created ELSE 0 END ' +
      `WHERE ${among} AND closed IS NULL AND ${really('console_connections')}`,
    [now, now, now, ...sessionIds],
  );
  return closed;
}

/** Removes up to `limit` sessions closed before `before`, with all that belongs to them; gives how many. */
export async function purgeSessions(db: Statements, before: number, limit: number): Promise<number> {
  const rows = await db.query<{ session_id: string }>(
    "SELECT session_id FROM console_sessions WHERE state = 'closed' AND updated_at < ? LIMIT ?",
    [before, limit],
  );
  if (rows.length === 0) return 0;
  const ids = rows.map(({ session_id }) => session_id);
  const among = `session_id IN (${placeholders(ids.length)})`;
  await db.execute(`DELETE FROM console_tokens WHERE ${among}`, ids);
  await db.execute(`DELETE FROM session_terminations WHERE ${among}`, ids);
  return db.execute(`DELETE FROM console_sessions WHERE ${among}`, ids);
}
