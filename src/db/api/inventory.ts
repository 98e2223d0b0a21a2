// SPDX-License-Identifier: Apache-2.0
// Named queries behind the listings of /v1, raw statements since each is written for its index: sessions, connections
// and audit events with the project of their console. Every filter is on an index; a uuid without a source is looked up
// in each source. What runs through the rows of many consoles is in console-merge.ts.
import type { AuditEventRow } from '../models/audit-event.js';
import type { ConsoleConnectionRow } from '../models/console-connection.js';
import type { ConsoleSessionRow } from '../models/console-session.js';
import type { ConsoleTokenRow } from '../models/console-token.js';
import type { ConsoleRow } from '../models/console.js';
import { withIndex, type Statements } from '../statements.js';
import { listOfConsoles, selectRows, type ConsoleRows } from './console-merge.js';
import type { ConsoleMarker, ShownConsoleRow } from './consoles.js';
import { where, type Condition } from './search.js';
import { gathered, isSeen, seesFew, type From, type Sight } from './sight.js';

/** What a listing is narrowed to. */
export interface InventoryFilter {
  readonly source?: string | undefined;
  readonly uuid?: string | undefined;
  readonly projectId?: string | undefined;
  /** Connections and audit events only. */
  readonly sessionId?: string | undefined;
  /** Audit events only: whose session it is about, or who asked for it. */
  readonly user?: string | undefined;
  /** Only what belongs to consoles that the asker sees; absent: everything. */
  readonly sight?: Sight | undefined;
}

/** What the console of a row adds to it; null when the console is gone. */
interface OfConsole {
  name: ConsoleRow['name'];
  project_id: ConsoleRow['project_id'];
  access_id: ConsoleRow['access_id'];
}

/** A session with its console and its token. */
export type SessionInventoryRow = OfConsole &
  Pick<
    ConsoleSessionRow,
    'session_id' | 'source' | 'uuid' | 'state' | 'created' | 'terminated_at' | 'closed' | 'reason'
  > & {
    issued_to: ConsoleTokenRow['issued_to'] | null;
    expires: ConsoleTokenRow['expires'] | null;
    /** Its console; null: that is gone. */
    of_console: string | null;
  };

/** A connection with its session's console. */
export type ConnectionInventoryRow = OfConsole &
  Omit<ConsoleConnectionRow, 'generation' | 'connection_id'> & { source: string; uuid: string };

type EventPage = readonly [filter: InventoryFilter, marker: number, limit: number];

/** An audit event with the project of its console. */
export type EventInventoryRow = AuditEventRow & Pick<OfConsole, 'project_id'>;

/** The columns of a console, of the table `k`. */
export const CONSOLE_COLUMNS =
  'k.source, k.uuid, k.discovered, k.hypervisor, k.hypervisor_ip, k.insecure_port, k.secure_port, k.name, ' +
  'k.host_subject, k.project_id, k.user_id, k.instance_state, k.instance_host, ' +
  'k.instance_event_at, k.instance_locked, k.instance_locked_at, k.address_host, k.address_stale, k.tags, k.access_id, k.protocol';
const SESSION_COLUMNS =
  'r.session_id, r.source, r.uuid, r.state, r.created, r.terminated_at, r.closed, r.reason, t.issued_to, t.expires, ' +
  'k.name, k.project_id, k.access_id, k.uuid AS of_console';
const CONNECTION_COLUMNS =
  'c.id, c.connection_ref, c.session_id, c.node, c.pid, c.created, c.client_ip, c.client_port, c.channel_type, ' +
  "c.channel_id, c.state, c.connected, c.closed, c.bytes_up, c.bytes_down, c.duration, c.reason, COALESCE(s.source, '') AS source, " +
  "COALESCE(s.uuid, '') AS uuid, " +
  'k.name, k.project_id, k.access_id';
const EVENT_COLUMNS =
  'r.id, r.source, r.uuid, r.timestamp, r.session_id, r.channel, r.node, r.pid, r.message, r.issued_to, r.client_ip, ' +
  'r.service, r.requested_by, r.request_user, r.request_user_id, r.request_id, r.request_ip, k.project_id';

/** Sessions with their consoles and tokens. */
export const SESSIONS: ConsoleRows<'session_id'> = {
  table: 'console_sessions',
  columns: SESSION_COLUMNS,
  joins:
    'LEFT JOIN consoles k ON k.source = r.source AND k.uuid = r.uuid ' +
    'LEFT JOIN console_tokens t ON t.session_id = r.session_id',
  key: 'session_id',
  index: 'console_sessions_listed',
  descending: false,
};
/** Audit events with their consoles. */
export const EVENTS: ConsoleRows<'id'> = {
  table: 'audit_events',
  columns: EVENT_COLUMNS,
  joins: 'LEFT JOIN consoles k ON k.source = r.source AND k.uuid = r.uuid',
  key: 'id',
  index: 'audit_events_console',
  descending: true,
};

/** Consoles of one source, or with one uuid, after `marker` by source and uuid. */
export function listNarrowedConsoles(
  db: Statements,
  filter: InventoryFilter,
  marker: ConsoleMarker | null,
  limit: number,
): Promise<ShownConsoleRow[]> {
  const { source, uuid, projectId, sight } = filter;
  const after: Condition[] =
    marker === null
      ? []
      : source === undefined
        ? [['k.source > ?', marker.source]]
        : [['k.uuid > ?', marker.uuid]];
  // A project's consoles lie together, those with one uuid do not: that is looked up in each source.
  const inEach = source === undefined && projectId === undefined;
  const from = inEach
    ? `sources o ${db.dialect === 'mysql' ? 'STRAIGHT_JOIN' : 'CROSS JOIN'} consoles k ON k.source = o.name`
    : 'consoles k';
  const order = inEach ? 'o.name' : 'k.source, k.uuid';
  const narrowed: Condition[] = [
    ...(source === undefined ? [] : [['k.source = ?', source] as const]),
    ...(uuid === undefined ? [] : [['k.uuid = ?', uuid] as const]),
    ...(projectId === undefined ? [] : [['k.project_id = ?', projectId] as const]),
    ...(sight === undefined ? [] : [isSeen(sight)]),
  ];
  const { sql, values } = where([...after, ...narrowed]);
  return db.query(`SELECT ${CONSOLE_COLUMNS} FROM ${from} ${sql} ORDER BY ${order} LIMIT ?`, [
    ...values,
    limit,
  ]);
}

/** The consoles that somebody sees after `marker` by source and uuid. @param projectId only those of this project */
export async function listSeenConsoles(
  db: Statements,
  sight: Sight,
  marker: ConsoleMarker | null,
  limit: number,
  projectId?: string,
): Promise<ShownConsoleRow[]> {
  const from = await seenConsoles(db, sight, projectId);
  const narrowed: Condition[] = [
    ...(projectId === undefined ? [] : [['k.project_id = ?', projectId] as const]),
    isSeen(sight),
  ];
  const found: ShownConsoleRow[] = [];
  for (const step of stepsAfter(marker)) {
    const { sql, values } = where([...step, ...narrowed]);
    found.push(
      ...(await db.query<ShownConsoleRow>(
        `SELECT ${CONSOLE_COLUMNS} FROM ${from.sql} ${sql} ORDER BY k.source, k.uuid LIMIT ?`,
        [...from.values, ...values, limit - found.length],
      )),
    );
    if (found.length >= limit) break;
  }
  return found;
}

// A project's consoles lie together in their own index; else few are gathered, and many walked by their key.
async function seenConsoles(db: Statements, sight: Sight, projectId: string | undefined): Promise<From> {
  if (projectId !== undefined) return { sql: 'consoles k', values: [] };
  if (await seesFew(db, sight)) return gathered(db, sight);
  return { sql: `consoles k${withIndex(db, 'PRIMARY')}`, values: [] };
}

function stepsAfter(marker: ConsoleMarker | null): Condition[][] {
  if (marker === null) return [[]];
  const { source, uuid } = marker;
  return [
    [
      ['k.source = ?', source],
      ['k.uuid > ?', uuid],
    ],
    [['k.source > ?', source]],
  ];
}

/** Sessions after `marker` by id. */
export async function listSessions(
  db: Statements,
  filter: InventoryFilter,
  marker: string,
  limit: number,
): Promise<SessionInventoryRow[]> {
  if (await ofMany(db, filter)) return listOfConsoles(db, SESSIONS, filter, marker, limit);
  const { sql, values } = where([['r.session_id > ?', marker], ...ofConsole('r', filter)]);
  return db.query(
    `${selectRows(db, SESSIONS, { ofOneConsole: filter.uuid !== undefined })} ${sql} ORDER BY r.session_id LIMIT ?`,
    [...values, limit],
  );
}

/** One session. */
export async function findSessionOf(db: Statements, sessionId: string): Promise<SessionInventoryRow | null> {
  const rows = await db.query<SessionInventoryRow>(
    `${selectRows(db, SESSIONS, { ofOneConsole: false })} WHERE r.session_id = ?`,
    [sessionId],
  );
  return rows[0] ?? null;
}

/** Connections after `marker` by id. */
export async function listConnections(
  db: Statements,
  filter: InventoryFilter,
  marker: number,
  limit: number,
): Promise<ConnectionInventoryRow[]> {
  const ofSession: Condition[] =
    filter.sessionId === undefined ? [] : [['c.session_id = ?', filter.sessionId]];
  const { sql, values } = where([['c.id > ?', marker], ...ofSession, ...ofConsole('s', filter)]);
  // Not an inner join: MariaDB would then begin with the sessions, and sort.
  const { projectId, sight } = filter;
  const few = projectId === undefined && sight !== undefined && (await seesFew(db, sight));
  const consoles = few ? gathered(db, sight) : { sql: 'consoles k', values: [] };
  const from =
    projectId === undefined && !few
      ? 'console_connections c LEFT JOIN console_sessions s ON s.session_id = c.session_id ' +
        'LEFT JOIN consoles k ON k.source = s.source AND k.uuid = s.uuid'
      : `${consoles.sql} JOIN console_sessions s ON s.source = k.source AND s.uuid = k.uuid ` +
        'JOIN console_connections c ON c.session_id = s.session_id';
  return db.query(`SELECT ${CONNECTION_COLUMNS} FROM ${from} ${sql} ORDER BY c.id LIMIT ?`, [
    ...consoles.values,
    ...values,
    limit,
  ]);
}

/** Audit events before `marker`, newest first. */
export async function listEvents(
  db: Statements,
  filter: InventoryFilter,
  marker: number,
  limit: number,
): Promise<EventInventoryRow[]> {
  const { sessionId, user } = filter;
  if (sessionId !== undefined) return listEventsBy(db, 'session_id', sessionId, filter, marker, limit);
  if (user !== undefined) return listEventsOfUser(db, user, filter, marker, limit);
  if (await ofMany(db, filter)) return listOfConsoles(db, EVENTS, filter, marker, limit);
  const { sql, values } = where([['r.id < ?', marker], ...ofConsole('r', filter)]);
  return db.query(
    `${selectRows(db, EVENTS, { ofOneConsole: filter.uuid !== undefined })} ${sql} ORDER BY r.id DESC LIMIT ?`,
    [...values, limit],
  );
}

/** What the events that a listing begins with have in common; each has an index. */
const EVENT_INDEXES = {
  session_id: 'audit_events_session',
  issued_to: 'audit_events_issued_to',
  request_user: 'audit_events_request_user',
} as const;

// No engine merges two indexes in their order: the first rows of both hold the first rows of all.
async function listEventsOfUser(
  db: Statements,
  user: string,
  ...[filter, marker, limit]: EventPage
): Promise<EventInventoryRow[]> {
  const about = await listEventsBy(db, 'issued_to', user, filter, marker, limit);
  const asked = await listEventsBy(db, 'request_user', user, filter, marker, limit);
  const byId = new Map([...about, ...asked].map((row) => [row.id, row]));
  return [...byId.values()].sort((a, b) => b.id - a.id).slice(0, limit);
}

function listEventsBy(
  db: Statements,
  column: keyof typeof EVENT_INDEXES,
  value: string,
  ...[filter, marker, limit]: EventPage
): Promise<EventInventoryRow[]> {
  const { source, uuid, projectId, user, sight } = filter;
  const { sql, values } = where([
    [`r.${column} = ?`, value],
    ['r.id < ?', marker],
    ...(source === undefined ? [] : [['r.source = ?', source] as const]),
    ...(uuid === undefined ? [] : [['r.uuid = ?', uuid] as const]),
    // COALESCE keeps MySQL from beginning with the consoles of the project.
    ...(projectId === undefined ? [] : [["COALESCE(k.project_id, '') = ?", projectId] as const]),
    ...(sight === undefined ? [] : [isSeen(sight)]),
    ...(column !== 'session_id' || user === undefined
      ? []
      : [["? IN (COALESCE(r.issued_to, ''), COALESCE(r.request_user, ''))", user] as const]),
  ]);
  const rows = { ...EVENTS, index: EVENT_INDEXES[column] };
  return db.query(`${selectRows(db, rows, { ofOneConsole: true })} ${sql} ORDER BY r.id DESC LIMIT ?`, [
    ...values,
    limit,
  ]);
}

/** Whether a listing runs through many consoles that are not all there are. */
async function ofMany(db: Statements, { source, uuid, projectId, sight }: InventoryFilter): Promise<boolean> {
  if (projectId !== undefined || (source === undefined && uuid !== undefined)) return true;
  return sight !== undefined && uuid === undefined && (await seesFew(db, sight));
}

function ofConsole(table: 'r' | 's', filter: InventoryFilter): Condition[] {
  const { source, uuid, projectId, sight } = filter;
  const found: Condition[] = [];
  if (source !== undefined) found.push([`${table}.source = ?`, source]);
  else if (uuid !== undefined) found.push([`${table}.source IN (SELECT name FROM sources)`]);
  if (uuid !== undefined) found.push([`${table}.uuid = ?`, uuid]);
  if (projectId !== undefined) found.push(['k.project_id = ?', projectId]);
  if (sight !== undefined) found.push(isSeen(sight));
  return found;
}
