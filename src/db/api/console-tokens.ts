// SPDX-License-Identifier: Apache-2.0
// Named queries on console_tokens, among them the one read that decides about a channel. Raw statements: a token is
// spent or replaced by one conditional statement, and the reads join four tables by their keys.
import type { ConsoleSessionRow } from '../models/console-session.js';
import type { ConsoleTokenRow } from '../models/console-token.js';
import { withState } from '../models/session-state.js';
import type { SessionState } from '../models/session-state.js';
import type { ConsoleRow } from '../models/console.js';
import { batches, placeholders, withIndex } from '../statements.js';
import type { SqlValue, Statements } from '../statements.js';

/** Everything that a decision about a channel needs: the token, its session, its console and its source. */
export interface TokenView
  extends
    Pick<
      ConsoleTokenRow,
      'session_id' | 'source' | 'uuid' | 'expires' | 'revoked' | 'issued_to' | 'replaces'
    >,
    Pick<
      ConsoleSessionRow,
      | 'generation'
      | 'connection_id'
      | 'backend_connection_id'
      | 'main_ref'
      | 'closing_since'
      | 'terminated_at'
      | 'migration_number'
      | 'migration_state'
      | 'migration_target'
      | 'target'
    > {
  state: SessionState;
  session_reason: string | null;
  /** The session that holds the console, unless it is this one; null: none does. */
  held_by: string | null;
  /** null: the console is gone; the columns from `hypervisor` to `ticket` say nothing then. */
  console_uuid: string | null;
  name: ConsoleRow['name'];
  project_id: ConsoleRow['project_id'];
  user_id: ConsoleRow['user_id'];
  hypervisor: string;
  hypervisor_ip: string;
  insecure_port: ConsoleRow['insecure_port'];
  secure_port: ConsoleRow['secure_port'];
  host_subject: ConsoleRow['host_subject'];
  ticket: ConsoleRow['ticket'];
  connect_proxy: ConsoleRow['connect_proxy'];
  unix_socket: ConsoleRow['unix_socket'];
  protocol: ConsoleRow['protocol'];
  settings: ConsoleRow['settings'];
  /** null: the source is unknown. */
  source_deleted: number | null;
  /** The platform of the source; null: the source is unknown. */
  source_type: string | null;
  ca_cert: string | null;
  source_settings: string | null;
}

const VIEW =
  'SELECT t.session_id, t.source, t.uuid, t.expires, t.revoked, t.issued_to, t.replaces, c.project_id, c.user_id, s.state, s.generation, s.connection_id, ' +
  's.backend_connection_id, s.main_ref, s.closing_since, s.terminated_at, s.migration_number, s.migration_state, ' +
  's.migration_target, s.target, c.uuid AS console_uuid, c.name, c.hypervisor, ' +
  'c.hypervisor_ip, c.insecure_port, c.secure_port, c.host_subject, c.ticket, c.settings, c.connect_proxy, c.unix_socket, c.protocol, o.deleted AS source_deleted, ' +
  'o.type AS source_type, o.ca_cert, o.settings AS source_settings' +
  ', s.reason AS session_reason, (SELECT h.session_id FROM console_sessions h WHERE h.source = t.source AND h.uuid = t.uuid ' +
  'AND h.holds = 1 AND h.session_id <> t.session_id) AS held_by ' +
  'FROM console_tokens t JOIN console_sessions s ON s.session_id = t.session_id ' +
  'LEFT JOIN consoles c ON c.source = t.source AND c.uuid = t.uuid LEFT JOIN sources o ON o.name = t.source ' +
  'WHERE t.token_hash = ?';

/** Sources in one statement; SQLite joins 500 at most. */
const RANGES = 200;

/** A run of consoles of one source, both ends included. */
export interface ConsoleRange {
  readonly source: string;
  readonly first: string;
  readonly last: string;
}

/** What is known about a token; null when nothing. */
export async function viewToken(db: Statements, hash: string): Promise<TokenView | null> {
  const rows = await db.query<Omit<TokenView, 'state'> & { state: string }>(VIEW, [hash]);
  return rows[0] === undefined ? null : withState(rows[0]);
}

/** Adds a token; its session is there already. */
export async function insertToken(db: Statements, row: Omit<ConsoleTokenRow, 'revoked'>): Promise<void> {
  await db.execute(
    'INSERT INTO console_tokens (token_hash, session_id, source, uuid, issued_to, created, expires, principals, replaces) ' +
      'VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    [
      row.token_hash,
      row.session_id,
      row.source,
      row.uuid,
      row.issued_to,
      row.created,
      row.expires,
      row.principals,
      row.replaces,
    ],
  );
}

/** Gives an unused, unspent token another hash; false when there is none such. Of two at once one gives true. */
export async function replaceUnusedToken(
  db: Statements,
  from: string,
  to: string,
  now: number,
): Promise<boolean> {
  const replaced = await db.execute(
    'UPDATE console_tokens SET token_hash = ? WHERE token_hash = ? AND revoked IS NULL AND expires >= ?',
    [to, from, now],
  );
  return replaced > 0;
}

/** How many tokens of a console may start a session: neither spent nor expired. */
export type TokenCount = Pick<ConsoleTokenRow, 'source' | 'uuid'> & { tokens: number };

/** The token of a session that has an open channel, spent ones left out. */
export type TokenInUse = Pick<ConsoleTokenRow, 'source' | 'uuid' | 'session_id' | 'expires'>;

/** The tokens of whole pages of consoles that may start a session at `now`; consoles without any are left out. */
export function countTokens(
  db: Statements,
  ranges: readonly ConsoleRange[],
  now: number,
): Promise<TokenCount[]> {
  const from = `COUNT(*) AS tokens FROM console_tokens${withIndex(db, 'console_tokens_unspent')}`;
  const which = 'revoked IS NULL AND expires >= ?';
  return ofRanges(db, ranges, {
    // MariaDB sorts the tokens of a single console, were they grouped.
    one: `SELECT MIN(source) AS source, MIN(uuid) AS uuid, ${from} WHERE ${OF_ONE} AND ${which} HAVING COUNT(*) > 0`,
    many: `SELECT source, uuid, ${from} WHERE ${OF_MANY} AND ${which} GROUP BY source, uuid`,
    values: [now],
  });
}

/** The tokens of whole pages of consoles that a session with an open channel began with. */
export function tokensInUse(db: Statements, ranges: readonly ConsoleRange[]): Promise<TokenInUse[]> {
  // A session that never began has no channel: most of those of a console that is asked for often. Not EXISTS: MariaDB
  // would gather the open connections of all consoles first.
  const from =
    `SELECT s.source, s.uuid, s.session_id, t.expires FROM console_sessions s${withIndex(db, 'console_sessions_begun')} ` +
    'JOIN console_tokens t ON t.session_id = s.session_id';
  const which =
    's.generation > 0 AND t.revoked IS NULL ' +
    'AND (SELECT c.session_id FROM console_connections c WHERE c.closed IS NULL AND c.session_id = s.session_id LIMIT 1) ' +
    'IS NOT NULL';
  const sqlOf = (range: string): string =>
    `${from} WHERE ${range.replaceAll(/source|uuid/g, 's.$&')} AND ${which}`;
  return ofRanges(db, ranges, { one: sqlOf(OF_ONE), many: sqlOf(OF_MANY), values: [] });
}

const OF_ONE = 'source = ? AND uuid = ?';
const OF_MANY = 'source = ? AND uuid BETWEEN ? AND ?';

/** A statement about a run of consoles, for one and for many; `values` come after those of the run. */
interface RangeStatement {
  readonly one: string;
  readonly many: string;
  readonly values: readonly SqlValue[];
}

/** A statement for each range, many in one: no engine walks an index for ranges that OR joins. */
async function ofRanges<Row>(
  db: Statements,
  ranges: readonly ConsoleRange[],
  { one, many, values }: RangeStatement,
): Promise<Row[]> {
  const found: Row[] = [];
  for (const batch of batches(ranges, RANGES)) {
    const sql = batch.map(({ first, last }) => (first === last ? one : many)).join(' UNION ALL ');
    const bound: SqlValue[] = batch.flatMap(({ source, first, last }) =>
      first === last ? [source, first, ...values] : [source, first, last, ...values],
    );
    found.push(...(await db.query<Row>(sql, bound)));
  }
  return found;
}

/** The tokens of a console that are not spent, oldest first. */
export async function listUnspent(
  db: Statements,
  source: string,
  uuid: string,
): Promise<Pick<ConsoleTokenRow, 'token_hash' | 'session_id' | 'created'>[]> {
  const rows = await db.query<Pick<ConsoleTokenRow, 'token_hash' | 'session_id' | 'created'>>(
    'SELECT token_hash, session_id, created FROM console_tokens WHERE source = ? AND uuid = ? AND revoked IS NULL',
    [source, uuid],
  );
  return rows.sort((a, b) => a.created - b.created);
}

/** A session that depends on a list of access, and the list that holds for its console now; null: none does. */
export interface ListedToken {
  session_id: string;
  uuid: string;
  principals: string;
  access_id: string | null;
}

/** The unspent tokens of a source's consoles whose sessions depend on lists of access. */
export function listListedTokens(db: Statements, source: string): Promise<ListedToken[]> {
  const join = db.dialect === 'mysql' ? 'STRAIGHT_JOIN' : 'CROSS JOIN';
  return db.query(
    `SELECT t.session_id, t.uuid, t.principals, k.access_id FROM console_tokens t${withIndex(db, 'console_tokens_unspent')} ` +
      `${join} consoles k ON k.source = t.source AND k.uuid = t.uuid ` +
      'WHERE t.source = ? AND t.revoked IS NULL AND t.principals IS NOT NULL',
    [source],
  );
}

/** Spends the token of a session. */
export async function revokeTokenOf(db: Statements, sessionId: string, now: number): Promise<void> {
  await db.execute('UPDATE console_tokens SET revoked = ? WHERE session_id = ? AND revoked IS NULL', [
    now,
    sessionId,
  ]);
}

/** Spends tokens by hash. */
export async function revokeTokens(db: Statements, hashes: readonly string[], now: number): Promise<void> {
  for (const batch of batches(hashes, 500)) {
    await db.execute(
      `UPDATE console_tokens SET revoked = ? WHERE revoked IS NULL AND token_hash IN (${placeholders(batch.length)})`,
      [now, ...batch],
    );
  }
}

/** Tokens past `now` whose session never began. */
export function listExpiredUnused(
  db: Statements,
  now: number,
  limit: number,
): Promise<Pick<ConsoleTokenRow, 'token_hash' | 'session_id' | 'source' | 'uuid' | 'issued_to'>[]> {
  // From the sessions that wait to their tokens: MariaDB 11 would read all tokens and look for each one's session.
  const sessions = `console_sessions s${withIndex(db, 'console_sessions_state')}`;
  const tokens = `console_tokens t${withIndex(db, 'console_tokens_session')}`;
  return db.query(
    'SELECT t.token_hash, t.session_id, t.source, t.uuid, t.issued_to ' +
      `FROM ${sessions} JOIN ${tokens} ON t.session_id = s.session_id ` +
      "WHERE s.state = 'pending' AND s.main_ref IS NULL AND t.expires < ? LIMIT ?",
    [now, limit],
  );
}

/** Forgets a token. */
export async function deleteToken(db: Statements, hash: string): Promise<void> {
  await db.execute('DELETE FROM console_tokens WHERE token_hash = ?', [hash]);
}
