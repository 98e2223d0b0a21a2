// SPDX-License-Identifier: Apache-2.0
// Named queries on consoles. Raw statements: rows are written many at once, differently on the two engines. A listing
// resumes after (source, uuid) in two steps, the rest of that source and then the sources after it, because no single
// condition makes both engines walk the primary key.
import type { ConsoleRow } from '../models/console.js';
import { databaseNow, insertIgnore, placeholders, valueLists } from '../statements.js';
import type { SqlValue, Statements } from '../statements.js';

const SHOWN =
  'source, uuid, discovered, hypervisor, hypervisor_ip, insecure_port, secure_port, name, host_subject, ' +
  'project_id, user_id, instance_state, instance_host, instance_event_at, instance_locked, ' +
  'instance_locked_at, address_host, address_stale, tags, access_id, protocol';
const COLUMNS = [
  'source',
  'uuid',
  'discovered',
  'hypervisor',
  'hypervisor_ip',
  'insecure_port',
  'secure_port',
  'name',
  'host_subject',
  'ticket',
  'project_id',
  'user_id',
  'instance_state',
  'instance_host',
  'instance_event_at',
  'instance_locked',
  'instance_locked_at',
  'address_host',
  'address_stale',
  'settings',
  'connect_proxy',
  'unix_socket',
  'tags',
  'access_id',
  'protocol',
] as const;

/** A console without its ticket, and without what only the data plane goes by. */
export type ShownConsoleRow = Omit<ConsoleRow, 'ticket' | 'settings' | 'connect_proxy' | 'unix_socket'>;

/** Where a listing resumes. */
export interface ConsoleMarker {
  readonly source: string;
  readonly uuid: string;
}

const LIST_CONSOLES = {
  first: `SELECT ${SHOWN} FROM consoles ORDER BY source, uuid LIMIT ?`,
  restOfSource: `SELECT ${SHOWN} FROM consoles WHERE source = ? AND uuid > ? ORDER BY source, uuid LIMIT ?`,
  ofProject: `SELECT ${SHOWN} FROM consoles WHERE project_id = ? ORDER BY source, uuid LIMIT ?`,
  restOfProject: `SELECT ${SHOWN} FROM consoles WHERE project_id = ? AND source = ? AND uuid > ? ORDER BY source, uuid LIMIT ?`,
  laterOfProject: `SELECT ${SHOWN} FROM consoles WHERE project_id = ? AND source > ? ORDER BY source, uuid LIMIT ?`,
  laterSources: `SELECT ${SHOWN} FROM consoles WHERE source > ? ORDER BY source, uuid LIMIT ?`,
} as const;

/** Consoles after `marker` by source and uuid. */
export async function listConsoles(
  db: Statements,
  marker: ConsoleMarker | null,
  limit: number,
): Promise<ShownConsoleRow[]> {
  if (marker === null) return db.query(LIST_CONSOLES.first, [limit]);
  const rows = await db.query<ShownConsoleRow>(LIST_CONSOLES.restOfSource, [
    marker.source,
    marker.uuid,
    limit,
  ]);
  if (rows.length === limit) return rows;
  const later = await db.query<ShownConsoleRow>(LIST_CONSOLES.laterSources, [
    marker.source,
    limit - rows.length,
  ]);
  return [...rows, ...later];
}

/** Consoles of one project after `marker` by source and uuid. */
export async function listConsolesOfProject(
  db: Statements,
  projectId: string,
  marker: ConsoleMarker | null,
  limit: number,
): Promise<ShownConsoleRow[]> {
  if (marker === null) return db.query(LIST_CONSOLES.ofProject, [projectId, limit]);
  const { source, uuid } = marker;
  const rows = await db.query<ShownConsoleRow>(LIST_CONSOLES.restOfProject, [projectId, source, uuid, limit]);
  if (rows.length === limit) return rows;
  const left = limit - rows.length;
  return [
    ...rows,
    ...(await db.query<ShownConsoleRow>(LIST_CONSOLES.laterOfProject, [projectId, source, left])),
  ];
}

/** One console. */
export async function findConsole(
  db: Statements,
  source: string,
  uuid: string,
): Promise<ShownConsoleRow | null> {
  const rows = await db.query<ShownConsoleRow>(
    `SELECT ${SHOWN} FROM consoles WHERE source = ? AND uuid = ?`,
    [source, uuid],
  );
  return rows[0] ?? null;
}

/** Whose a console is; `source_deleted` is null when the source is unknown. */
export async function findConsoleIdentity(
  db: Statements,
  source: string,
  uuid: string,
): Promise<
  | (Pick<ConsoleRow, 'name' | 'project_id' | 'access_id' | 'protocol'> & { source_deleted: number | null })
  | null
> {
  const rows = await db.query<
    Pick<ConsoleRow, 'name' | 'project_id' | 'access_id' | 'protocol'> & { source_deleted: number | null }
  >(
    'SELECT c.name, c.project_id, c.access_id, c.protocol, s.deleted AS source_deleted FROM consoles c ' +
      'LEFT JOIN sources s ON s.name = c.source WHERE c.source = ? AND c.uuid = ?',
    [source, uuid],
  );
  return rows[0] ?? null;
}

/** A console with its encrypted ticket and its source's CA. */
export async function findConsoleTarget(
  db: Statements,
  source: string,
  uuid: string,
): Promise<(ConsoleRow & { ca_cert: string | null }) | null> {
  const rows = await db.query<ConsoleRow & { ca_cert: string | null }>(
    'SELECT c.source, c.uuid, c.discovered, c.hypervisor, c.hypervisor_ip, c.insecure_port, c.secure_port, c.name, ' +
      'c.host_subject, c.ticket, c.project_id, c.user_id, c.instance_state, c.instance_host, ' +
      'c.instance_event_at, c.instance_locked, c.instance_locked_at, c.address_host, c.address_stale, c.settings, ' +
      'c.connect_proxy, c.unix_socket, c.tags, c.access_id, c.protocol, s.ca_cert FROM consoles c LEFT JOIN sources s ON s.name = c.source ' +
      'WHERE c.source = ? AND c.uuid = ?',
    [source, uuid],
  );
  return rows[0] ?? null;
}

/** Consoles of one source after `uuid`, tickets included (encrypted), for comparison. */
export function listOfSource(
  db: Statements,
  source: string,
  uuid: string,
  limit: number,
): Promise<ConsoleRow[]> {
  return db.query(
    `SELECT ${COLUMNS.join(', ')} FROM consoles WHERE source = ? AND uuid > ? ORDER BY uuid LIMIT ?`,
    [source, uuid, limit],
  );
}

/** One console with its encrypted ticket, for comparison; null when there is none. */
export async function findConsoleRow(
  db: Statements,
  source: string,
  uuid: string,
): Promise<ConsoleRow | null> {
  const rows = await db.query<ConsoleRow>(
    `SELECT ${COLUMNS.join(', ')} FROM consoles WHERE source = ? AND uuid = ?`,
    [source, uuid],
  );
  return rows[0] ?? null;
}

/** Inserts rows of one source that are new; gives the uuids that this call inserted. `discovered` marks them. */
export async function insertConsoles(
  db: Statements,
  source: string,
  rows: readonly ConsoleRow[],
): Promise<string[]> {
  if (rows.length === 0) return [];
  const values: SqlValue[] = rows.flatMap((row) => COLUMNS.map((column) => row[column]));
  const inserted = await db.execute(
    `${insertIgnore(db.dialect)} INTO consoles (${COLUMNS.join(', ')}) VALUES ${valueLists(rows.length, COLUMNS.length)}`,
    values,
  );
  const uuids = rows.map(({ uuid }) => uuid);
  if (inserted === rows.length) return uuids;
  // Another node found some of them at the same moment; those rows carry its time.
  const mine = await db.query<{ uuid: string }>(
    `SELECT uuid FROM consoles WHERE source = ? AND discovered = ? AND uuid IN (${placeholders(uuids.length)})`,
    [source, rows[0]?.discovered ?? 0, ...uuids],
  );
  return mine.map(({ uuid }) => uuid);
}

/** Times closer than this are the same: the engines round them on their way, seconds. */
const SAME_TIME = 0.001;

/**
 * Writes what changed of a console; the time of the newest notification stays.
 * @param unlessSince write nothing when a notification was applied after this one (epoch seconds; null: after none)
 */
export async function updateConsole(
  db: Statements,
  row: ConsoleRow,
  unlessSince?: number | null,
): Promise<boolean> {
  const unless = unlessSince === undefined ? '' : ' AND COALESCE(instance_event_at, 0) <= ?';
  const matched = await db.execute(
    'UPDATE consoles SET hypervisor = ?, hypervisor_ip = ?, insecure_port = ?, secure_port = ?, name = ?, ' +
      'host_subject = ?, ticket = ?, project_id = ?, user_id = ?, instance_state = ?, instance_host = ?, ' +
      'address_host = ?, address_stale = ?, settings = ?, connect_proxy = ?, unix_socket = ?, tags = ?, access_id = ?, protocol = ? ' +
      `WHERE source = ? AND uuid = ?${unless}`,
    [
      row.hypervisor,
      row.hypervisor_ip,
      row.insecure_port,
      row.secure_port,
      row.name,
      row.host_subject,
      row.ticket,
      row.project_id,
      row.user_id,
      row.instance_state,
      row.instance_host,
      row.address_host,
      row.address_stale,
      row.settings,
      row.connect_proxy,
      row.unix_socket,
      row.tags,
      row.access_id,
      row.protocol,
      row.source,
      row.uuid,
      ...(unlessSince === undefined ? [] : [(unlessSince ?? 0) + SAME_TIME]),
    ],
  );
  return matched > 0;
}

/** Replaces the list of access of a console; false: it is that already, or the console is gone. */
export async function updateAccess(
  db: Statements,
  at: ConsoleMarker,
  from: string | null,
  to: string | null,
): Promise<boolean> {
  const matched = await db.execute(
    "UPDATE consoles SET access_id = ? WHERE source = ? AND uuid = ? AND COALESCE(access_id, '') = ?",
    [to, at.source, at.uuid, from ?? ''],
  );
  return matched > 0;
}

/** The platform was asked about a console `ago` seconds ago: what was sent before that is older than what is known. */
export async function markLooked(db: Statements, source: string, uuid: string, ago: number): Promise<void> {
  const then = `(${databaseNow(db.dialect)} - ?)`;
  await db.execute(
    `UPDATE consoles SET instance_event_at = ${then} ` +
      `WHERE source = ? AND uuid = ? AND COALESCE(instance_event_at, 0) < ${then}`,
    [ago, source, uuid, ago],
  );
}

/** Removes a console; false when it was gone. */
export async function deleteConsole(db: Statements, source: string, uuid: string): Promise<boolean> {
  return (await db.execute('DELETE FROM consoles WHERE source = ? AND uuid = ?', [source, uuid])) > 0;
}

/** Encrypted tickets after `marker`, for rotation. */
export async function listTickets(
  db: Statements,
  marker: ConsoleMarker | null,
  limit: number,
): Promise<{ source: string; uuid: string; ticket: string | null }[]> {
  const select = 'SELECT source, uuid, ticket FROM consoles';
  if (marker === null) return db.query(`${select} ORDER BY source, uuid LIMIT ?`, [limit]);
  const rest = await db.query<{ source: string; uuid: string; ticket: string | null }>(
    `${select} WHERE source = ? AND uuid > ? ORDER BY source, uuid LIMIT ?`,
    [marker.source, marker.uuid, limit],
  );
  if (rest.length > 0) return rest;
  return db.query(`${select} WHERE source > ? ORDER BY source, uuid LIMIT ?`, [marker.source, limit]);
}

/** Replaces an encrypted ticket unless it changed meanwhile. */
export async function replaceTicket(
  db: Statements,
  at: ConsoleMarker,
  from: string,
  to: string,
): Promise<void> {
  await db.execute('UPDATE consoles SET ticket = ? WHERE source = ? AND uuid = ? AND ticket = ?', [
    to,
    at.source,
    at.uuid,
    from,
  ]);
}
