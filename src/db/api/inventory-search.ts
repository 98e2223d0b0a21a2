// SPDX-License-Identifier: Apache-2.0
// Named queries behind the searches of /v1: which consoles, sessions and audit events, and in which order.
import type { ConsoleSessionRow } from '../models/console-session.js';
import type { SqlValue, Statements } from '../statements.js';
import type { ConsoleMarker, ShownConsoleRow } from './consoles.js';
import {
  CONSOLE_COLUMNS,
  EVENTS,
  SESSIONS,
  type EventInventoryRow,
  type InventoryFilter,
  type SessionInventoryRow,
} from './inventory.js';
import { conditionsOf, holds, walk, type Condition } from './search.js';
import { gathered, isSeen, seesFew, type From, type Sight } from './sight.js';

/** An order of a listing. */
export interface Order<Key extends string> {
  readonly key: Key;
  readonly descending: boolean;
}

/** What consoles may be sorted by. */
export type ConsoleOrderKey = 'name' | 'created_at' | 'source';
/** What sessions may be sorted by. */
export type SessionOrderKey = 'created_at' | 'id';

/** Which consoles. */
export interface ConsoleSearch extends InventoryFilter {
  /** A part of the name, in any case. */
  readonly name?: string | undefined;
  /** As the platform says it. */
  readonly state?: string | undefined;
  readonly order: Order<ConsoleOrderKey>;
}

/** Which sessions. */
export interface SessionSearch extends InventoryFilter {
  /** A part of the console's name, in any case. */
  readonly name?: string | undefined;
  readonly state?: ConsoleSessionRow['state'] | undefined;
  readonly order: Order<SessionOrderKey>;
}

/** Which audit events. */
export interface EventSearch extends InventoryFilter {
  /** Epoch seconds, the first included and the last not. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** What kind of somebody asked for what happened. */
  readonly requestedBy?: string | undefined;
}

const CONSOLE_ORDERS = {
  name: { order: ['k.name', 'k.source', 'k.uuid'], index: 'consoles_name' },
  created_at: { order: ['k.discovered', 'k.source', 'k.uuid'], index: 'consoles_discovered' },
  source: { order: ['k.source', 'k.uuid'], index: 'PRIMARY' },
} as const;

const SESSION_ORDERS = {
  created_at: { order: ['r.created', 'r.session_id'], index: 'console_sessions_created' },
  id: { order: ['r.session_id'], index: 'PRIMARY' },
} as const;

/** Consoles after the one that `marker` names; null: that one is not there. */
export async function searchConsoles(
  db: Statements,
  search: ConsoleSearch,
  marker: ConsoleMarker | null,
  limit: number,
): Promise<ShownConsoleRow[] | null> {
  const { source, uuid, projectId, name, state, order, sight } = search;
  const { order: columns, index } = CONSOLE_ORDERS[order.key];
  const after = marker === null ? null : await valuesOfConsole(db, columns, marker);
  if (after === undefined) return null;
  const few = await gatheredOf(db, search);
  return walk<ShownConsoleRow>(db, {
    select: `SELECT ${CONSOLE_COLUMNS} FROM ${few?.sql ?? 'consoles k'}`,
    joins: '',
    bound: few?.values ?? [],
    index: few === null ? indexOfConsoles(search, index) : null,
    order: columns,
    descending: order.descending,
    conditions: [
      ...conditionsOf([
        ['k.source = ?', source],
        ['k.uuid = ?', uuid],
        ['k.project_id = ?', projectId],
        ['k.instance_state = ?', state],
        [holds('k.name'), name],
      ]),
      ...seenBy(sight),
    ],
    after,
    limit,
  });
}

/** What a search begins with whose asker sees few consoles; null: with something else. */
async function gatheredOf(db: Statements, { sight, projectId, uuid }: InventoryFilter): Promise<From | null> {
  if (sight === undefined || projectId !== undefined || uuid !== undefined) return null;
  return (await seesFew(db, sight)) ? gathered(db, sight) : null;
}

function seenBy(sight: Sight | undefined): Condition[] {
  return sight === undefined ? [] : [isSeen(sight)];
}

// The consoles of a project are few: they are sorted where their index has another order.
function indexOfConsoles({ projectId, state, uuid, order }: ConsoleSearch, index: string): string | null {
  if (uuid !== undefined) return null;
  if (projectId !== undefined) return 'consoles_project';
  return state !== undefined && order.key === 'name' ? 'consoles_state' : index;
}

async function valuesOfConsole(
  db: Statements,
  columns: readonly string[],
  { source, uuid }: ConsoleMarker,
): Promise<SqlValue[] | undefined> {
  const [row] = await db.query<Record<string, SqlValue>>(
    `SELECT ${columns.map((column, at) => `${column} AS c${at}`).join(', ')} FROM consoles k WHERE k.source = ? AND k.uuid = ?`,
    [source, uuid],
  );
  return row === undefined ? undefined : columns.map((_, at) => row[`c${at}`] ?? null);
}

/** Sessions after the one that `marker` names; null: that one is not there. */
export async function searchSessions(
  db: Statements,
  search: SessionSearch,
  marker: string | null,
  limit: number,
): Promise<SessionInventoryRow[] | null> {
  const { order: columns } = SESSION_ORDERS[search.order.key];
  const after = marker === null ? null : await valuesOfSession(db, columns, marker);
  if (after === undefined) return null;
  const few = await gatheredOf(db, search);
  // A session whose guest is being moved is in use as it was, and counted so by the overview.
  if (search.state !== 'active') return sessionsInState(db, search, few, after, limit);
  const [active, moving] = await Promise.all(
    ['active', 'migrating'].map((state) => sessionsInState(db, { ...search, state }, few, after, limit)),
  );
  return merged(search, active ?? [], moving ?? []).slice(0, limit);
}

/** Sessions of one state, or of all: an index has each state in the order of time, and no two of them. */
function sessionsInState(
  db: Statements,
  search: SessionSearch,
  few: From | null,
  after: SqlValue[] | null,
  limit: number,
): Promise<SessionInventoryRow[]> {
  const { source, uuid, projectId, name, state, user, order, sight } = search;
  const { order: columns, index } = SESSION_ORDERS[order.key];
  const byConsole = projectId !== undefined || few !== null;
  return walk<SessionInventoryRow>(db, {
    select: `SELECT ${SESSIONS.columns} FROM ${byConsole ? (few?.sql ?? 'consoles k') : `${SESSIONS.table} r`}`,
    bound: few?.values ?? [],
    joins: byConsole
      ? `JOIN ${SESSIONS.table} r ON r.source = k.source AND r.uuid = k.uuid ` +
        'LEFT JOIN console_tokens t ON t.session_id = r.session_id'
      : SESSIONS.joins,
    index: few !== null ? null : byConsole ? 'consoles_project' : indexOfSessions(search, index),
    order: columns,
    descending: order.descending,
    conditions: [
      ...conditionsOf([
        ['r.source = ?', source],
        ['r.uuid = ?', uuid],
        ['k.project_id = ?', projectId],
        ['r.state = ?', state],
        // A row that is joined must not be where an engine begins.
        ["COALESCE(t.issued_to, '') = ?", user],
        [holds("COALESCE(k.name, '')"), name],
      ]),
      ...seenBy(sight),
    ],
    after,
    limit,
  });
}

/** Both lists as one, in the order that each has. */
function merged(
  { order: { key, descending } }: SessionSearch,
  one: readonly SessionInventoryRow[],
  other: readonly SessionInventoryRow[],
): SessionInventoryRow[] {
  const sign = descending ? -1 : 1;
  const compare = (a: SessionInventoryRow, b: SessionInventoryRow): number => {
    const byTime = key === 'created_at' ? a.created - b.created : 0;
    if (byTime !== 0) return sign * byTime;
    return a.session_id < b.session_id ? -sign : sign;
  };
  return [...one, ...other].sort(compare);
}

function indexOfSessions({ source, uuid, state, order }: SessionSearch, index: string): string {
  if (source !== undefined && uuid !== undefined) return SESSIONS.index;
  return state !== undefined && order.key === 'created_at' ? 'console_sessions_state_created' : index;
}

async function valuesOfSession(
  db: Statements,
  columns: readonly string[],
  sessionId: string,
): Promise<SqlValue[] | undefined> {
  const [row] = await db.query<Pick<ConsoleSessionRow, 'created'>>(
    'SELECT created FROM console_sessions WHERE session_id = ?',
    [sessionId],
  );
  if (row === undefined) return undefined;
  return columns.length === 1 ? [sessionId] : [row.created, sessionId];
}

/** Audit events before the one that `marker` names, newest first by their time; null: that one is not there. */
export async function searchEvents(
  db: Statements,
  search: EventSearch,
  marker: number | null,
  limit: number,
): Promise<EventInventoryRow[] | null> {
  const { source, uuid, projectId, sessionId, user, since, until, requestedBy, sight } = search;
  const after = marker === null ? null : await valuesOfEvent(db, marker);
  if (after === undefined) return null;
  return walk<EventInventoryRow>(db, {
    select: `SELECT ${EVENTS.columns} FROM ${EVENTS.table} r`,
    joins: EVENTS.joins,
    index: requestedBy === undefined ? 'audit_events_timestamp' : 'audit_events_requested_by',
    order: ['r.timestamp', 'r.id'],
    descending: true,
    conditions: [
      ...conditionsOf([
        ['r.timestamp >= ?', since],
        ['r.timestamp < ?', until],
        ['r.requested_by = ?', requestedBy],
        // What is only looked at keeps the engines from beginning with it.
        ["COALESCE(r.source, '') = ?", source],
        ["COALESCE(r.uuid, '') = ?", uuid],
        ["COALESCE(r.session_id, '') = ?", sessionId],
        ["COALESCE(k.project_id, '') = ?", projectId],
        ["? IN (COALESCE(r.issued_to, ''), COALESCE(r.request_user, ''))", user],
      ]),
      ...seenBy(sight),
    ],
    after,
    limit,
  });
}

async function valuesOfEvent(db: Statements, id: number): Promise<SqlValue[] | undefined> {
  const [row] = await db.query<{ timestamp: number }>('SELECT timestamp FROM audit_events WHERE id = ?', [
    id,
  ]);
  return row === undefined ? undefined : [row.timestamp, id];
}
