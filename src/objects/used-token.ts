// SPDX-License-Identifier: Apache-2.0
// Signed console tokens that were exchanged: what makes each of them good once, on all nodes together.
import { hash, type KeyObject } from 'node:crypto';
import { insertUsedToken, isTokenUsed } from '../db/api/used-tokens.js';
import type { Database } from '../db/database.js';

/** The used tokens of all nodes. */
export class UsedTokens {
  constructor(private readonly db: Database) {}

  /** Whether a token was used. @param name as {@link usedTokenName} gives it */
  isUsed(name: string): Promise<boolean> {
    return isTokenUsed(this.db, name);
  }

  /**
   * Uses a token; false when it was used before.
   * @param expires when it ends by itself, epoch seconds: it is forgotten some time after
   */
  use(name: string, expires: number): Promise<boolean> {
    return insertUsedToken(this.db, { token_hash: name, expires });
  }
}

/** The name of a token among all: two platforms may give one id, but do not sign with one key. */
export function usedTokenName(key: KeyObject, tokenId: string): string {
  return hash('sha256', `${key.export({ type: 'spki', format: 'der' }).toString('base64')} ${tokenId}`);
}
