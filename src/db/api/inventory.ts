// SPDX-License-Identifier: Apache-2.0
// Named queries behind the listings of /v1, raw statements since each is written for its index: sessions, connections
// and audit events with the project of their console. Every filter is on an index; a uuid without a source is looked up
// in each source by the primary key.
import type { AuditEventRow } from '../models/audit-event.js';
import type { ConsoleConnectionRow } from '../models/console-connection.js';
import type { ConsoleSessionRow } from '../models/console-session.js';
import type { ConsoleTokenRow } from '../models/console-token.js';
import type { ConsoleRow } from '../models/console.js';
import type { SqlValue, Statements } from '../statements.js';
import type { ConsoleMarker, ShownConsoleRow } from './consoles.js';

/** What a listing is narrowed to. */
export interface InventoryFilter {
  readonly source?: string | undefined;
  readonly uuid?: string | undefined;
  readonly projectId?: string | undefined;
  /** Connections only. */
  readonly sessionId?: string | undefined;
}

/** What the console of a row adds to it; null when the console is gone. */
interface OfConsole {
  name: ConsoleRow['name'];
  project_id: ConsoleRow['project_id'];
}

/** A session with its console and its token. */
export type SessionInventoryRow = OfConsole &
  Pick<
    ConsoleSessionRow,
    'session_id' | 'source' | 'uuid' | 'state' | 'created' | 'terminated_at' | 'closed' | 'reason'
  > & {
    issued_to: ConsoleTokenRow['issued_to'] | null;
    expires: ConsoleTokenRow['expires'] | null;
  };

/** A connection with its session's console. */
export type ConnectionInventoryRow = OfConsole &
  Omit<ConsoleConnectionRow, 'generation' | 'connection_id'> & { source: string; uuid: string };

/** An audit event with the project of its console. */
export type EventInventoryRow = AuditEventRow & Pick<OfConsole, 'project_id'>;

const CONSOLE_COLUMNS =
  'k.source, k.uuid, k.discovered, k.hypervisor, k.hypervisor_ip, k.insecure_port, k.secure_port, k.name, ' +
  'k.host_subject, k.project_id, k.user_id, k.instance_state, k.instance_host, ' +
  'k.instance_event_at, k.instance_locked, k.instance_locked_at, k.address_host, k.address_stale';
const SESSION_COLUMNS =
  's.session_id, s.source, s.uuid, s.state, s.created, s.terminated_at, s.closed, s.reason, t.issued_to, t.expires, ' +
  'k.name, k.project_id';
const CONNECTION_COLUMNS =
  'c.id, c.connection_ref, c.session_id, c.node, c.pid, c.created, c.client_ip, c.client_port, c.channel_type, ' +
  "c.channel_id, c.state, c.connected, c.closed, c.bytes_up, c.bytes_down, c.duration, c.reason, COALESCE(s.source, '') AS source, " +
  "COALESCE(s.uuid, '') AS uuid, " +
  'k.name, k.project_id';
const EVENT_COLUMNS =
  'e.id, e.source, e.uuid, e.timestamp, e.session_id, e.channel, e.node, e.pid, e.message, k.project_id';

/** Consoles of one source, or with one uuid, after `marker` by source and uuid. */
export function listNarrowedConsoles(
  db: Statements,
  filter: InventoryFilter,
  marker: ConsoleMarker | null,
  limit: number,
): Promise<ShownConsoleRow[]> {
  const after: Condition[] =
    marker === null
      ? []
      : filter.source === undefined
        ? [['k.source > ?', marker.source]]
        : [['k.uuid > ?', marker.uuid]];
  const { sql, values } = where([...after, ...ofConsole('k', filter)]);
  return db.query(`SELECT ${CONSOLE_COLUMNS} FROM consoles k ${sql} ORDER BY k.source, k.uuid LIMIT ?`, [
    ...values,
    limit,
  ]);
}

/** Sessions after `marker` by id. */
export function listSessions(
  db: Statements,
  filter: InventoryFilter,
  marker: string,
  limit: number,
): Promise<SessionInventoryRow[]> {
  const { sql, values } = where([['s.session_id > ?', marker], ...ofConsole('s', filter)]);
  const from =
    filter.projectId === undefined
      ? 'console_sessions s LEFT JOIN consoles k ON k.source = s.source AND k.uuid = s.uuid'
      : 'consoles k JOIN console_sessions s ON s.source = k.source AND s.uuid = k.uuid';
  return db.query(
    `SELECT ${SESSION_COLUMNS} FROM ${from} LEFT JOIN console_tokens t ON t.session_id = s.session_id ` +
      `${sql} ORDER BY s.session_id LIMIT ?`,
    [...values, limit],
  );
}

/** One session. */
export async function findSessionOf(db: Statements, sessionId: string): Promise<SessionInventoryRow | null> {
  const rows = await db.query<SessionInventoryRow>(
    `SELECT ${SESSION_COLUMNS} FROM console_sessions s LEFT JOIN consoles k ON k.source = s.source AND k.uuid = s.uuid ` +
      'LEFT JOIN console_tokens t ON t.session_id = s.session_id WHERE s.session_id = ?',
    [sessionId],
  );
  return rows[0] ?? null;
}

/** Connections after `marker` by id. */
export function listConnections(
  db: Statements,
  filter: InventoryFilter,
  marker: number,
  limit: number,
): Promise<ConnectionInventoryRow[]> {
  const ofSession: Condition[] =
    filter.sessionId === undefined ? [] : [['c.session_id = ?', filter.sessionId]];
  const { sql, values } = where([['c.id > ?', marker], ...ofSession, ...ofConsole('s', filter)]);
  // Not an inner join: MariaDB would then begin with the sessions, and sort.
  const from =
    filter.projectId === undefined
      ? 'console_connections c LEFT JOIN console_sessions s ON s.session_id = c.session_id ' +
        'LEFT JOIN consoles k ON k.source = s.source AND k.uuid = s.uuid'
      : 'consoles k JOIN console_sessions s ON s.source = k.source AND s.uuid = k.uuid ' +
        'JOIN console_connections c ON c.session_id = s.session_id';
  return db.query(`SELECT ${CONNECTION_COLUMNS} FROM ${from} ${sql} ORDER BY c.id LIMIT ?`, [
    ...values,
    limit,
  ]);
}

/** Audit events before `marker`, newest first. */
export function listEvents(
  db: Statements,
  filter: InventoryFilter,
  marker: number,
  limit: number,
): Promise<EventInventoryRow[]> {
  const { sql, values } = where([['e.id < ?', marker], ...ofConsole('e', filter)]);
  const from =
    filter.projectId === undefined
      ? 'audit_events e LEFT JOIN consoles k ON k.source = e.source AND k.uuid = e.uuid'
      : 'consoles k JOIN audit_events e ON e.source = k.source AND e.uuid = k.uuid';
  return db.query(`SELECT ${EVENT_COLUMNS} FROM ${from} ${sql} ORDER BY e.id DESC LIMIT ?`, [
    ...values,
    limit,
  ]);
}

type Condition = readonly [sql: string, value: SqlValue] | readonly [sql: string];

function ofConsole(table: 'k' | 's' | 'e', filter: InventoryFilter): Condition[] {
  const { source, uuid, projectId } = filter;
  const found: Condition[] = [];
  if (source !== undefined) found.push([`${table}.source = ?`, source]);
  else if (uuid !== undefined) found.push([`${table}.source IN (SELECT name FROM sources)`]);
  if (uuid !== undefined) found.push([`${table}.uuid = ?`, uuid]);
  if (projectId !== undefined) found.push(['k.project_id = ?', projectId]);
  return found;
}

function where(conditions: readonly Condition[]): { sql: string; values: SqlValue[] } {
  if (conditions.length === 0) return { sql: '', values: [] };
  return {
    sql: `WHERE ${conditions.map(([sql]) => sql).join(' AND ')}`,
    values: conditions.flatMap(([, value]) => (value === undefined ? [] : [value])),
  };
}
