// SPDX-License-Identifier: Apache-2.0
// The signed console tokens of platforms that were exchanged: each is good once.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { unlessThere } from './interrupted.js';

/** Adds the table. */
export class UsedTokens1764439200000 implements MigrationInterface {
  readonly name = 'UsedTokens1764439200000';

  async up(runner: QueryRunner): Promise<void> {
    const mysql = runner.dataSource.options.type !== 'better-sqlite3';
    const engine = mysql ? 'ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin' : '';
    await runner.query(
      `CREATE TABLE IF NOT EXISTS used_tokens (
        token_hash varchar(64) NOT NULL,
        expires double NOT NULL,
        PRIMARY KEY (token_hash)
      ) ${engine}`,
    );
    await runner.query('CREATE INDEX used_tokens_expires ON used_tokens (expires)').catch(unlessThere);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE used_tokens');
  }
}
