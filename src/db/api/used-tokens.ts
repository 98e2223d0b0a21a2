// SPDX-License-Identifier: Apache-2.0
// Named queries on used_tokens. Raw statements: of two uses of one token at the same moment, one INSERT decides.
import type { UsedTokenRow } from '../models/used-token.js';
import { insertIgnore } from '../statements.js';
import type { Statements } from '../statements.js';

/** Whether a token was used. */
export async function isTokenUsed(db: Statements, hash: string): Promise<boolean> {
  const rows = await db.query('SELECT 1 AS used FROM used_tokens WHERE token_hash = ?', [hash]);
  return rows.length > 0;
}

/** Uses a token; false when it was used before. Of two at once one gives true. */
export async function insertUsedToken(
  db: Statements,
  { token_hash, expires }: UsedTokenRow,
): Promise<boolean> {
  const sql = `${insertIgnore(db.dialect)} INTO used_tokens (token_hash, expires) VALUES (?, ?)`;
  return (await db.execute(sql, [token_hash, expires])) > 0;
}

/** Forgets tokens that have ended by themselves; gives how many, `limit` at most. */
export async function deleteUsedTokensBefore(db: Statements, before: number, limit: number): Promise<number> {
  const rows = await db.query<{ token_hash: string }>(
    'SELECT token_hash FROM used_tokens WHERE expires < ? ORDER BY expires LIMIT ?',
    [before, limit],
  );
  if (rows.length === 0) return 0;
  const list = rows.map(() => '?').join(', ');
  return db.execute(
    `DELETE FROM used_tokens WHERE token_hash IN (${list})`,
    rows.map(({ token_hash }) => token_hash),
  );
}
