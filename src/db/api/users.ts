// SPDX-License-Identifier: Apache-2.0
// Named queries on users. Plain CRUD, in raw statements all the same: the retries, guards and faults of statements.ts
// are what every statement of the service has, and TypeORM's repositories know nothing of them.
import type { UserRow } from '../models/user.js';
import type { Statements } from '../statements.js';

/** Adds a user. @throws DuplicateRow when the name is taken */
export async function insertUser(db: Statements, row: UserRow): Promise<void> {
  await db.execute('INSERT INTO users (name, password_hash, admin, created) VALUES (?, ?, ?, ?)', [
    row.name,
    row.password_hash,
    row.admin,
    row.created,
  ]);
}

/** One user with the hash. */
export async function findUser(db: Statements, name: string): Promise<UserRow | null> {
  const rows = await db.query<UserRow>(
    'SELECT name, password_hash, admin, created FROM users WHERE name = ?',
    [name],
  );
  return rows[0] ?? null;
}

/** Users after `marker` by name. */
export function listUsers(
  db: Statements,
  marker: string,
  limit: number,
): Promise<Omit<UserRow, 'password_hash'>[]> {
  return db.query('SELECT name, admin, created FROM users WHERE name > ? ORDER BY name LIMIT ?', [
    marker,
    limit,
  ]);
}

/** Replaces a password; false when there is no such user. */
export async function updateUserPassword(db: Statements, name: string, hash: string): Promise<boolean> {
  return (await db.execute('UPDATE users SET password_hash = ? WHERE name = ?', [hash, name])) > 0;
}

/** Removes a user; false when there was none. */
export async function deleteUser(db: Statements, name: string): Promise<boolean> {
  return (await db.execute('DELETE FROM users WHERE name = ?', [name])) > 0;
}
