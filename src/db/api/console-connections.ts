// SPDX-License-Identifier: Apache-2.0
// Named queries on console_connections. Raw statements: each change of a row is one conditional statement, for many
// rows at once, since any number of processes write at the same moment.
import type { CloseReason } from '../../close-reason.js';
import type { ConsoleConnectionRow } from '../models/console-connection.js';
import type { ConsoleSessionRow } from '../models/console-session.js';
import { batches, byRows, placeholders, withIndex } from '../statements.js';
import type { SqlValue, Statements } from '../statements.js';
import { isSeen, type Sight } from './sight.js';

const BATCH = 500;

/** A row as it begins (state authorized). */
export type NewConnection = Pick<
  ConsoleConnectionRow,
  | 'connection_ref'
  | 'session_id'
  | 'generation'
  | 'node'
  | 'pid'
  | 'created'
  | 'client_ip'
  | 'client_port'
  | 'connection_id'
  | 'channel_type'
  | 'channel_id'
  | 'migration'
>;

const NEW_COLUMNS = [
  'connection_ref',
  'session_id',
  'generation',
  'node',
  'pid',
  'created',
  'client_ip',
  'client_port',
  'connection_id',
  'channel_type',
  'channel_id',
  'migration',
] as const;

const INSERT = `INSERT INTO console_connections (${NEW_COLUMNS.join(', ')}, state)`;
const NEW_VALUES = placeholders(NEW_COLUMNS.length);

/** Adds the row of a main channel; the claim on the session decides about it afterwards. */
export async function insertMainConnection(db: Statements, row: NewConnection): Promise<void> {
  await db.execute(`${INSERT} VALUES (${NEW_VALUES}, 'authorized')`, valuesOf(row));
}

/**
 * Adds the rows of other channels of one main channel, only while their session is active, in this generation and under
 * this connection id: checked by the statement itself, so that no terminate comes between. false: it no longer is, and
 * none is added.
 */
export async function insertSecondaryConnections(
  db: Statements,
  rows: readonly NewConnection[],
): Promise<boolean> {
  const [first] = rows;
  if (first === undefined) return true;
  const inserted = await db.execute(INSERT_SECONDARIES(rows.length), [
    ...rows.flatMap(valuesOf),
    ...[first.session_id, first.generation, first.connection_id],
  ]);
  return inserted > 0;
}

/** Adds the row of a channel to the destination of a migration, as long as the client has a main channel there. */
export async function insertAtDestination(db: Statements, row: NewConnection): Promise<boolean> {
  const inserted = await db.execute(INSERT_AT_DESTINATION, [
    ...valuesOf(row),
    ...[row.session_id, row.migration, row.connection_id],
  ]);
  return inserted > 0;
}

const NAMED_VALUES = NEW_COLUMNS.map((column) => `? AS ${column}`).join(', ');

const INSERT_SECONDARIES = byRows(
  (rows) =>
    `${INSERT} SELECT r.*, 'authorized' FROM (${rowsAsTable(rows)}) r, console_sessions s ` +
    "WHERE s.session_id = ? AND (s.state = 'active' OR (s.state = 'migrating' AND s.migration_state = 'announced')) " +
    'AND s.terminated_at IS NULL AND s.generation = ? AND s.connection_id = ?',
);

const INSERT_AT_DESTINATION =
  `${INSERT} SELECT r.*, 'authorized' FROM (SELECT ${NAMED_VALUES}) r, console_sessions s ` +
  "WHERE s.session_id = ? AND s.migration_number = ? AND s.migration_state = 'linked' AND s.connection_id = ? " +
  "AND s.terminated_at IS NULL AND s.state IN ('migrating', 'closing')";

function rowsAsTable(rows: number): string {
  return `SELECT ${NAMED_VALUES}${` UNION ALL SELECT ${NEW_VALUES}`.repeat(rows - 1)}`;
}

function valuesOf(row: NewConnection): SqlValue[] {
  return NEW_COLUMNS.map((column) => row[column]);
}

/** Forgets a row whose claim was lost. */
export async function deleteConnection(db: Statements, ref: string): Promise<void> {
  await db.execute('DELETE FROM console_connections WHERE connection_ref = ?', [ref]);
}

/** authorized -> connected, for each of these. */
export async function markConnected(db: Statements, refs: readonly string[], now: number): Promise<void> {
  for (const batch of batches(refs, BATCH)) {
    await db.execute(MARK_CONNECTED(batch.length), [now, ...batch]);
  }
}

const MARK_CONNECTED = byRows(
  (rows) =>
    "UPDATE console_connections SET connected = ?, state = 'connected' " +
    `WHERE state = 'authorized' AND connection_ref IN (${placeholders(rows)})`,
);

/** A connection with its session's state, as close needs it. */
export interface ConnectionView extends Pick<
  ConsoleConnectionRow,
  'session_id' | 'generation' | 'channel_type' | 'closed'
> {
  session_state: ConsoleSessionRow['state'] | null;
  main_ref: string | null;
  terminated_at: number | null;
  session_reason: string | null;
  backend_connection_id: number | null;
}

/** One connection; null when it was never granted. */
export async function viewConnection(db: Statements, ref: string): Promise<ConnectionView | null> {
  const rows = await db.query<ConnectionView>(
    'SELECT c.session_id, c.generation, c.channel_type, c.closed, s.state AS session_state, s.main_ref, s.terminated_at, ' +
      's.reason AS session_reason, ' +
      's.backend_connection_id FROM console_connections c ' +
      'LEFT JOIN console_sessions s ON s.session_id = c.session_id WHERE c.connection_ref = ?',
    [ref],
  );
  return rows[0] ?? null;
}

/** How a connection ended. */
export interface ConnectionEnd extends Pick<ConsoleConnectionRow, 'bytes_up' | 'bytes_down' | 'duration'> {
  reason: CloseReason;
}

/** authorized or connected -> closed, each with an end of its own; a closed row stays as it is. */
export async function closeConnections(
  db: Statements,
  ended: readonly (ConnectionEnd & Pick<ConsoleConnectionRow, 'connection_ref'>)[],
  now: number,
): Promise<void> {
  for (const batch of batches(ended, BATCH)) {
    const refs = batch.map(({ connection_ref }) => connection_ref);
    await db.execute(CLOSE(batch.length), [
      now,
      ...END_COLUMNS.flatMap((column) => batch.flatMap((end) => [end.connection_ref, end[column]])),
      ...refs,
    ]);
  }
}

const END_COLUMNS = ['reason', 'bytes_up', 'bytes_down', 'duration'] as const;

const CLOSE = byRows(
  (rows) =>
    `UPDATE console_connections SET state = 'closed', closed = ?, ${END_COLUMNS.map((column) => `${column} = ${byRef(rows)}`).join(', ')} ` +
    `WHERE closed IS NULL AND connection_ref IN (${placeholders(rows)})`,
);

function byRef(rows: number): string {
  return `CASE connection_ref${' WHEN ? THEN ?'.repeat(rows)} END`;
}

/** An open connection of a process. */
export interface OwnConnection extends Pick<
  ConsoleConnectionRow,
  'connection_ref' | 'session_id' | 'generation' | 'channel_type' | 'channel_id' | 'client_ip'
> {
  source: string | null;
  uuid: string | null;
  issued_to: string | null;
}

/** Open connections of a node, or of one process on it. */
export function listOwnConnections(
  db: Statements,
  node: string,
  pid: number | null,
): Promise<OwnConnection[]> {
  const ofPid = pid === null ? '' : ' AND c.pid = ?';
  return db.query(
    'SELECT c.connection_ref, c.session_id, c.generation, c.channel_type, c.channel_id, c.client_ip, s.source, s.uuid, ' +
      't.issued_to FROM console_connections c LEFT JOIN console_sessions s ON s.session_id = c.session_id ' +
      'LEFT JOIN console_tokens t ON t.session_id = c.session_id ' +
      `WHERE c.node = ? AND c.closed IS NULL${ofPid} ORDER BY c.id`,
    pid === null ? [node] : [node, pid],
  );
}

/** Closes rows on behalf of a process that is gone. */
export async function closeLost(
  db: Statements,
  refs: readonly string[],
  reason: CloseReason,
  now: number,
): Promise<number> {
  let closed = 0;
  for (const batch of batches(refs, BATCH)) {
    closed += await db.execute(
      "UPDATE console_connections SET state = 'closed', closed = ?, reason = ? " +
        `WHERE closed IS NULL AND connection_ref IN (${placeholders(batch.length)})`,
      [now, reason, ...batch],
    );
  }
  return closed;
}

const CONNECTIONS_TO_CLOSE =
  'SELECT c.connection_ref, c.session_id, s.terminated_at, s.reason FROM console_connections c ' +
  'JOIN console_sessions s ON s.session_id = c.session_id ' +
  'WHERE c.node = ? AND c.closed IS NULL AND (c.generation <= s.ended_generation ' +
  // Opened at the destination of a migration that did not come about.
  'OR (c.migration IS NOT NULL AND c.generation > s.generation AND ' +
  "(COALESCE(s.migration_state, '') <> 'linked' OR s.migration_number <> c.migration)))";

/** Open connections of a node that must end. */
export function connectionsToClose(
  db: Statements,
  node: string,
): Promise<
  (Pick<ConsoleConnectionRow, 'connection_ref' | 'session_id'> &
    Pick<ConsoleSessionRow, 'terminated_at' | 'reason'>)[]
> {
  return db.query(CONNECTIONS_TO_CLOSE, [node]);
}

/** An open connection with what GET /session shows of its session. */
export interface OpenConnectionRow extends Omit<NewConnection, 'generation'> {
  id: number;
  source: string | null;
  uuid: string | null;
  name: string | null;
  project_id: string | null;
  access_id: string | null;
  issued_to: string | null;
}

const LIST_OPEN = {
  sessions:
    'SELECT session_id FROM console_connections WHERE closed IS NULL AND session_id > ? ' +
    'GROUP BY session_id ORDER BY session_id LIMIT ?',
  sessionsOfProject:
    'SELECT DISTINCT c.session_id FROM consoles k JOIN console_sessions s ON s.source = k.source AND s.uuid = k.uuid ' +
    'JOIN console_connections c ON c.session_id = s.session_id WHERE k.project_id = ? AND c.closed IS NULL ' +
    'AND c.session_id > ? ORDER BY c.session_id LIMIT ?',
  connections: (sessions: number): string =>
    'SELECT c.id, c.connection_ref, c.session_id, c.node, c.pid, c.created, c.client_ip, c.client_port, ' +
    'c.connection_id, c.channel_type, c.channel_id, s.source, s.uuid, k.name, k.project_id, k.access_id, t.issued_to ' +
    'FROM console_connections c ' +
    'LEFT JOIN console_sessions s ON s.session_id = c.session_id ' +
    'LEFT JOIN console_tokens t ON t.session_id = c.session_id ' +
    'LEFT JOIN consoles k ON k.source = s.source AND k.uuid = s.uuid ' +
    `WHERE c.closed IS NULL AND c.session_id IN (${placeholders(sessions)})`,
} as const;

/** Whose sessions are listed: of one project, or on the consoles that somebody sees; all without either. */
export interface OpenSessionsOf {
  readonly projectId?: string | undefined;
  readonly sight?: Sight | undefined;
}

/** Ids of sessions after `marker` that have open connections. */
export async function listOpenSessionIds(
  db: Statements,
  { projectId, sight }: OpenSessionsOf,
  marker: string,
  limit: number,
): Promise<string[]> {
  if (sight !== undefined) return listOpenSessionIdsSeen(db, sight, marker, limit);
  const rows =
    projectId === undefined
      ? await db.query<{ session_id: string }>(LIST_OPEN.sessions, [marker, limit])
      : await db.query<{ session_id: string }>(LIST_OPEN.sessionsOfProject, [projectId, marker, limit]);
  return rows.map(({ session_id }) => session_id);
}

// Open connections are few beside the consoles: they are walked, whatever somebody sees.
async function listOpenSessionIdsSeen(
  db: Statements,
  sight: Sight,
  marker: string,
  limit: number,
): Promise<string[]> {
  const join = db.dialect === 'mysql' ? 'STRAIGHT_JOIN' : 'CROSS JOIN';
  const [seen, ...values] = isSeen(sight);
  const rows = await db.query<{ session_id: string }>(
    `SELECT c.session_id FROM console_connections c ${join} console_sessions s ON s.session_id = c.session_id ` +
      `${join} consoles k ON k.source = s.source AND k.uuid = s.uuid ` +
      `WHERE c.closed IS NULL AND c.session_id > ? AND ${seen} GROUP BY c.session_id ORDER BY c.session_id LIMIT ?`,
    [marker, ...values, limit],
  );
  return rows.map(({ session_id }) => session_id);
}

/** The open connections of these sessions, in the order in which they were opened. */
export async function listOpenConnections(
  db: Statements,
  sessionIds: readonly string[],
): Promise<OpenConnectionRow[]> {
  if (sessionIds.length === 0) return [];
  const rows = await db.query<OpenConnectionRow>(LIST_OPEN.connections(sessionIds.length), sessionIds);
  return rows.sort((a, b) => a.id - b.id);
}

/** The newest channel of a type of a session; null: none was ever opened, or it is long forgotten. */
export async function newestChannel(
  db: Statements,
  sessionId: string,
  channelType: number,
): Promise<Pick<ConsoleConnectionRow, 'closed' | 'reason'> | null> {
  const [row] = await db.query<Pick<ConsoleConnectionRow, 'closed' | 'reason'>>(
    `SELECT closed, reason FROM console_connections${withIndex(db, 'console_connections_session')} ` +
      'WHERE session_id = ? AND channel_type = ? ORDER BY id DESC LIMIT 1',
    [sessionId, channelType],
  );
  return row ?? null;
}

/** Removes up to `limit` rows closed before `before`; gives how many. */
export async function purgeConnections(db: Statements, before: number, limit: number): Promise<number> {
  const rows = await db.query<{ id: number }>(
    'SELECT id FROM console_connections WHERE closed < ? ORDER BY closed LIMIT ?',
    [before, limit],
  );
  if (rows.length === 0) return 0;
  return db.execute(
    `DELETE FROM console_connections WHERE id IN (${placeholders(rows.length)})`,
    rows.map(({ id }) => id),
  );
}
