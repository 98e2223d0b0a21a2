// SPDX-License-Identifier: Apache-2.0
// Named queries on sources. Raw statements: what a process writes of a source depends on what the row holds by then.
import { DuplicateRow } from '../faults.js';
import type { SourceRow } from '../models/source.js';
import type { SqlValue, Statements } from '../statements.js';

const SHOWN =
  'name, type, last_seen, seen_by, errored, error, url, ca_cert, username, project_name, user_domain_id, ' +
  'project_domain_id, deleted, options';

/** A source without its password. */
export type ShownSourceRow = Omit<SourceRow, 'password'>;

/** What sources.yaml decides; `password` is encrypted. */
export type ConfiguredSource = Omit<SourceRow, 'last_seen' | 'seen_by' | 'errored' | 'error' | 'deleted'>;

/** Inserts or updates what sources.yaml decides, and clears `deleted`. */
export async function upsertSource(db: Statements, row: ConfiguredSource): Promise<void> {
  const values: SqlValue[] = [
    row.type,
    row.url,
    row.ca_cert,
    row.username,
    row.password,
    row.project_name,
    row.user_domain_id,
    row.project_domain_id,
    row.options,
    row.name,
  ];
  if (await update(db, values)) return;
  try {
    await db.execute(
      'INSERT INTO sources (type, url, ca_cert, username, password, project_name, user_domain_id, project_domain_id, ' +
        'options, name, errored, deleted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0)',
      values,
    );
  } catch (error) {
    // Another node was faster.
    if (!(error instanceof DuplicateRow)) throw error;
    await update(db, values);
  }
}

async function update(db: Statements, values: SqlValue[]): Promise<boolean> {
  const matched = await db.execute(
    'UPDATE sources SET type = ?, url = ?, ca_cert = ?, username = ?, password = ?, project_name = ?, ' +
      'user_domain_id = ?, project_domain_id = ?, options = ?, deleted = 0 WHERE name = ?',
    values,
  );
  return matched > 0;
}

/** A good discovery. */
export async function markSourceSeen(db: Statements, name: string, node: string, now: number): Promise<void> {
  await db.execute(
    'UPDATE sources SET last_seen = ?, seen_by = ?, errored = 0, error = NULL WHERE name = ?',
    [now, node, name],
  );
}

/** Sets or clears the error; false when it was so already. Of any number of processes with the same news one has true. */
export async function setSourceError(db: Statements, name: string, text: string | null): Promise<boolean> {
  const matched = await db.execute(
    "UPDATE sources SET errored = ?, error = ? WHERE name = ? AND COALESCE(error, '') <> ?",
    [text === null ? 0 : 1, text, name, text ?? ''],
  );
  return matched > 0;
}

/** Soft-deletes; false when there was nothing to delete. */
export async function deleteSource(db: Statements, name: string): Promise<boolean> {
  return (await db.execute('UPDATE sources SET deleted = 1 WHERE name = ? AND deleted = 0', [name])) > 0;
}

/** Sources after `marker` by name. */
export function listSources(
  db: Statements,
  marker: string,
  limit: number,
  withDeleted: boolean,
): Promise<ShownSourceRow[]> {
  const kept = withDeleted ? '' : ' AND deleted = 0';
  return db.query(`SELECT ${SHOWN} FROM sources WHERE name > ?${kept} ORDER BY name LIMIT ?`, [
    marker,
    limit,
  ]);
}

/** One source, a deleted one too. */
export async function findSource(db: Statements, name: string): Promise<ShownSourceRow | null> {
  const rows = await db.query<ShownSourceRow>(`SELECT ${SHOWN} FROM sources WHERE name = ?`, [name]);
  return rows[0] ?? null;
}

/** Sources of one platform with their encrypted passwords, those of a deleted source left out. */
export function listSourcesOfType(db: Statements, type: string): Promise<SourceRow[]> {
  return db.query(`SELECT ${SHOWN}, password FROM sources WHERE type = ? AND deleted = 0 ORDER BY name`, [
    type,
  ]);
}

/** The encrypted password; null when there is none. */
export async function findSourcePassword(db: Statements, name: string): Promise<string | null> {
  const rows = await db.query<{ password: string | null }>('SELECT password FROM sources WHERE name = ?', [
    name,
  ]);
  return rows[0]?.password ?? null;
}

/** Sources that have a password, for rotation. */
export function listSourcePasswords(db: Statements): Promise<{ name: string; password: string }[]> {
  return db.query('SELECT name, password FROM sources WHERE password IS NOT NULL');
}

/** Replaces an encrypted password unless it changed meanwhile. */
export async function replaceSourcePassword(
  db: Statements,
  name: string,
  from: string,
  to: string,
): Promise<void> {
  await db.execute('UPDATE sources SET password = ? WHERE name = ? AND password = ?', [to, name, from]);
}
