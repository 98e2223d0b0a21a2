// SPDX-License-Identifier: Apache-2.0
// Named queries on encryption_keys, and the walk over everything that is encrypted, for rotation. Raw statements: a
// value is encrypted again only while it is what was read, and the first of several keys at once is the one that
// counts.
import { insertIgnore } from '../statements.js';
import type { Statements } from '../statements.js';

/** Id of the key for new values; null when none was registered. */
export async function currentKeyId(db: Statements): Promise<string | null> {
  const rows = await db.query<{ key_id: string }>(
    'SELECT key_id FROM encryption_keys WHERE retired IS NULL ORDER BY created DESC, key_id LIMIT 1',
  );
  return rows[0]?.key_id ?? null;
}

/** Ids of all keys that are registered, retired ones included. */
export async function registeredKeyIds(db: Statements): Promise<{ id: string; retired: boolean }[]> {
  const rows = await db.query<{ key_id: string; retired: number | null }>(
    'SELECT key_id, retired FROM encryption_keys',
  );
  return rows.map(({ key_id, retired }) => ({ id: key_id, retired: retired !== null }));
}

/** Registers a key: being the newest, it is the current one from now on. */
export async function addKey(db: Statements, id: string, now: number): Promise<void> {
  await db.execute(`${insertIgnore(db.dialect)} INTO encryption_keys (key_id, created) VALUES (?, ?)`, [
    id,
    now,
  ]);
}

/** Marks every key but `current` as no longer needed. */
export async function retireKeysBut(db: Statements, current: string, now: number): Promise<void> {
  await db.execute('UPDATE encryption_keys SET retired = ? WHERE key_id <> ? AND retired IS NULL', [
    now,
    current,
  ]);
}

/** Whether any value is encrypted. */
export async function holdsEncryptedRows(db: Statements): Promise<boolean> {
  const consoles = await db.query('SELECT uuid FROM consoles WHERE ticket IS NOT NULL LIMIT 1');
  if (consoles.length > 0) return true;
  const sources = await db.query('SELECT name FROM sources WHERE password IS NOT NULL LIMIT 1');
  return sources.length > 0;
}
