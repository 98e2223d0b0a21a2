// SPDX-License-Identifier: Apache-2.0
// Table used_tokens: signed console tokens of platforms that were exchanged. Each is good once.
import { EntitySchema } from 'typeorm';

/** One row of used_tokens. */
export interface UsedTokenRow {
  /** SHA-256 of the key that signed the token and of the token's id, in hex. */
  token_hash: string;
  /** When the token ends by itself, epoch seconds. */
  expires: number;
}

/** How TypeORM knows used_tokens; the migrations make the table. */
export const UsedTokenModel = new EntitySchema<UsedTokenRow>({
  name: 'UsedToken',
  tableName: 'used_tokens',
  columns: {
    token_hash: { type: 'varchar', length: 64, primary: true },
    expires: { type: 'double' },
  },
  indices: [{ name: 'used_tokens_expires', columns: ['expires'] }],
});
