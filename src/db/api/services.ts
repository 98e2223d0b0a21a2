// SPDX-License-Identifier: Apache-2.0
// Named queries on services. Raw statements: all times are the database's own; what a row must be like for a change
// stands in the statement that makes it, since any number of processes ask at the same moment.
import type { ServiceRow } from '../models/service.js';
import { databaseNow, placeholders } from '../statements.js';
import type { SqlValue, Statements } from '../statements.js';

/** What a process writes of itself. */
export type ServiceBeat = Pick<ServiceRow, 'host' | 'binary_name' | 'run_id'> &
  Pick<ServiceRow, 'pid' | 'version' | 'report_interval' | 'draining' | 'report'>;

/** A service, and what time the database had when it was read. */
export interface ServiceView extends ServiceRow {
  now: number;
}

/** The programs that serve channels: their rows in console_connections carry the host's name. */
const PROXIES = ['kerbside', 'kerbside-proxy'] as const;
const IS_PROXY = `binary_name IN (${PROXIES.map((name) => `'${name}'`).join(', ')})`;

/** Holds in a statement on other tables while no proxy of the host `?` is up. */
export const NO_PROXY_UP = `NOT EXISTS (SELECT 1 FROM services u WHERE u.host = ? AND u.${IS_PROXY} AND u.down_since IS NULL)`;

/** Since when no proxy of the host `?` is up. */
export const DOWN_SINCE = `(SELECT MAX(d.down_since) FROM services d WHERE d.host = ? AND d.${IS_PROXY})`;

/** The heartbeat of a run that is up; false when the row is not this run's, is down or is gone. */
export async function beatService(db: Statements, beat: ServiceBeat): Promise<boolean> {
  const matched = await db.execute(
    `UPDATE services SET heartbeat = ${databaseNow(db.dialect)}, draining = ?, report = ? ` +
      'WHERE host = ? AND binary_name = ? AND run_id = ? AND down_since IS NULL',
    [beat.draining, beat.report, beat.host, beat.binary_name, beat.run_id],
  );
  return matched > 0;
}

/**
 * Makes the row this run's, and up. Without `force` only where it is this run's already, or down, or older than
 * `downTime` seconds. false: another run holds it, or there is no row.
 */
export async function takeService(
  db: Statements,
  beat: ServiceBeat,
  o: { readonly force: boolean; readonly downTime: number },
): Promise<boolean> {
  const now = databaseNow(db.dialect);
  const free = o.force ? '' : `AND (run_id = ? OR down_since IS NOT NULL OR heartbeat < ${now} - ?)`;
  const matched = await db.execute(
    // `started` before `run_id`: MySQL sees the new values of columns that stand to the left.
    `UPDATE services SET started = CASE WHEN run_id = ? THEN started ELSE ${now} END, run_id = ?, pid = ?, version = ?, ` +
      `heartbeat = ${now}, report_interval = ?, down_since = NULL, draining = ?, report = ? ` +
      `WHERE host = ? AND binary_name = ? ${free}`,
    [
      ...[beat.run_id, beat.run_id, beat.pid, beat.version, beat.report_interval, beat.draining],
      ...[beat.report, beat.host, beat.binary_name],
      ...(o.force ? [] : [beat.run_id, o.downTime]),
    ],
  );
  return matched > 0;
}

/** Adds the row. @throws DuplicateRow when there is one */
export async function insertService(db: Statements, beat: ServiceBeat): Promise<void> {
  const now = databaseNow(db.dialect);
  await db.execute(
    'INSERT INTO services (host, binary_name, run_id, pid, version, started, heartbeat, report_interval, draining, report) ' +
      `VALUES (?, ?, ?, ?, ?, ${now}, ${now}, ?, ?, ?)`,
    [
      ...[beat.host, beat.binary_name, beat.run_id, beat.pid, beat.version],
      ...[beat.report_interval, beat.draining, beat.report],
    ],
  );
}

/** A run says that it ends: down from now on, under the mark `draining`. */
export async function stopService(
  db: Statements,
  beat: Pick<ServiceBeat, 'host' | 'binary_name' | 'run_id' | 'draining'>,
): Promise<void> {
  const now = databaseNow(db.dialect);
  await db.execute(
    `UPDATE services SET heartbeat = ${now}, down_since = ${now}, draining = ? ` +
      'WHERE host = ? AND binary_name = ? AND run_id = ?',
    [beat.draining, beat.host, beat.binary_name, beat.run_id],
  );
}

const VIEW = (dialect: Statements['dialect']): string =>
  'SELECT id, host, binary_name, run_id, pid, version, started, heartbeat, report_interval, down_since, draining, ' +
  `report, ${databaseNow(dialect)} AS now FROM services`;

// A heartbeat in the future is one that was written before the database's clock was set back.
const OVERDUE =
  's.down_since IS NULL AND ((s.heartbeat < t.now - ? AND s.heartbeat < t.now - 3 * s.report_interval + ?) ' +
  'OR s.heartbeat > t.now + ?)';

/** Seconds by which two readings of one heartbeat may differ. */
const SAME_BEAT = 0.001;

/**
 * Services that are up in the records and have been silent for `downTime` seconds and for three of their own
 * heartbeats, in both cases less `slack` seconds; and what time the database has.
 */
export async function listOverdueServices(
  db: Statements,
  { downTime, slack }: { readonly downTime: number; readonly slack: number },
): Promise<{ now: number; services: ServiceView[] }> {
  // One row at least, so that the time is told when all services are well.
  const rows = await db.query<{ now: number; id: number | null } & Omit<ServiceView, 'id'>>(
    'SELECT t.now, s.id, s.host, s.binary_name, s.run_id, s.pid, s.version, s.started, s.heartbeat, s.report_interval, ' +
      `s.down_since, s.draining, s.report FROM (SELECT ${databaseNow(db.dialect)} AS now) t ` +
      `LEFT JOIN services s ON ${OVERDUE} ORDER BY s.id`,
    [downTime - slack, slack, downTime],
  );
  const services = rows.flatMap(({ id, ...row }) => (id === null ? [] : [{ ...row, id }]));
  return { now: rows[0]?.now ?? 0, services };
}

/** Marks one of them as down; false when it has beaten since, or another process was faster. */
export async function markServiceDown(
  db: Statements,
  row: Pick<ServiceRow, 'id' | 'run_id' | 'heartbeat'>,
): Promise<boolean> {
  const matched = await db.execute(
    `UPDATE services SET down_since = ${databaseNow(db.dialect)} ` +
      'WHERE id = ? AND run_id = ? AND down_since IS NULL AND ABS(heartbeat - ?) < ?',
    [row.id, row.run_id, row.heartbeat, SAME_BEAT],
  );
  return matched > 0;
}

/** Hosts whose proxies are all down and that have open connections in the records. */
export async function hostsToClose(db: Statements): Promise<string[]> {
  const rows = await db.query<{ host: string }>(
    `SELECT DISTINCT s.host FROM services s WHERE s.down_since IS NOT NULL AND s.${IS_PROXY} ` +
      'AND EXISTS (SELECT 1 FROM console_connections c WHERE c.node = s.host AND c.closed IS NULL) ' +
      `AND NOT EXISTS (SELECT 1 FROM services u WHERE u.host = s.host AND u.${IS_PROXY} AND u.down_since IS NULL)`,
  );
  return rows.map(({ host }) => host);
}

/** Services after `marker` by id. */
export function listServices(
  db: Statements,
  filter: { readonly host?: string | undefined; readonly binary?: string | undefined },
  marker: number,
  limit: number,
): Promise<ServiceView[]> {
  const conditions: [string, SqlValue][] = [['id > ?', marker]];
  if (filter.host !== undefined) conditions.push(['host = ?', filter.host]);
  if (filter.binary !== undefined) conditions.push(['binary_name = ?', filter.binary]);
  const where = conditions.map(([sql]) => sql).join(' AND ');
  return db.query(`${VIEW(db.dialect)} WHERE ${where} ORDER BY id LIMIT ?`, [
    ...conditions.map(([, value]) => value),
    limit,
  ]);
}

/** One service by node and program. */
export async function findService(db: Statements, host: string, binary: string): Promise<ServiceView | null> {
  const rows = await db.query<ServiceView>(`${VIEW(db.dialect)} WHERE host = ? AND binary_name = ?`, [
    host,
    binary,
  ]);
  return rows[0] ?? null;
}

/** Ids of services that have been down for `age` seconds and leave no open connection behind. */
export async function listForgottenServices(db: Statements, age: number): Promise<number[]> {
  const rows = await db.query<{ id: number }>(
    `SELECT s.id FROM services s WHERE s.down_since <= ${databaseNow(db.dialect)} - ? AND (NOT s.${IS_PROXY} OR NOT EXISTS ` +
      '(SELECT 1 FROM console_connections c WHERE c.node = s.host AND c.closed IS NULL)) ORDER BY s.id',
    [age],
  );
  return rows.map(({ id }) => id);
}

/** Removes those that are still down. */
export function deleteDownServices(db: Statements, ids: readonly number[]): Promise<number> {
  if (ids.length === 0) return Promise.resolve(0);
  return db.execute(
    `DELETE FROM services WHERE down_since IS NOT NULL AND id IN (${placeholders(ids.length)})`,
    ids,
  );
}
