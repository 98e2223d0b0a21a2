// SPDX-License-Identifier: Apache-2.0
// Table console_tokens: SHA-256 of what .vv files carry; never the token. `replaces` is 1 where the token's session ends another
// one at its console that would refuse it, else 0.
import { EntitySchema } from 'typeorm';

/** One row of console_tokens. */
export interface ConsoleTokenRow {
  token_hash: string;
  session_id: string;
  source: string;
  uuid: string;
  issued_to: string;
  created: number;
  expires: number;
  revoked: number | null;
  /** The names under which lists of access know its user, as a JSON list; null: its session does not depend on such a list. */
  principals: string | null;
  replaces: number;
}

/** How TypeORM knows console_tokens; the migrations make the table. */
export const ConsoleTokenModel = new EntitySchema<ConsoleTokenRow>({
  name: 'ConsoleToken',
  tableName: 'console_tokens',
  columns: {
    token_hash: { type: 'varchar', length: 64, primary: true },
    session_id: { type: 'varchar', length: 12 },
    source: { type: 'varchar', length: 255 },
    uuid: { type: 'varchar', length: 36 },
    issued_to: { type: 'varchar', length: 255 },
    created: { type: 'double' },
    expires: { type: 'double' },
    revoked: { type: 'double', nullable: true },
    principals: { type: 'text', nullable: true },
    replaces: { type: 'int', default: 0 },
  },
  indices: [
    { name: 'console_tokens_session', columns: ['session_id'], unique: true },
    { name: 'console_tokens_unspent', columns: ['source', 'uuid', 'revoked', 'expires'] },
  ],
});
