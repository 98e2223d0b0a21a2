// SPDX-License-Identifier: Apache-2.0
// What sources and consoles say for themselves, as one JSON object; what was said in columns of their own is carried over,
// and those columns stay.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { unlessGone, unlessThere } from './interrupted.js';

const TABLES = ['sources', 'consoles'] as const;
const PACING_MODES = [null, 'auto', 'on', 'off'] as const;
const MESSAGE_SCREENS = [null, 'off', 'on'] as const;

/** Adds the settings to sources and consoles. */
export class OwnSettings1764442800000 implements MigrationInterface {
  readonly name = 'OwnSettings1764442800000';

  async up(runner: QueryRunner): Promise<void> {
    for (const table of TABLES) {
      await runner.query(`ALTER TABLE ${table} ADD COLUMN settings text`).catch(unlessThere);
      for (const pacing of PACING_MODES)
        for (const screen of MESSAGE_SCREENS) await carryOver(runner, table, pacing, screen);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of TABLES)
      await runner.query(`ALTER TABLE ${table} DROP COLUMN settings`).catch(unlessGone);
  }
}

async function carryOver(
  runner: QueryRunner,
  table: string,
  pacing: string | null,
  screen: string | null,
): Promise<void> {
  if (pacing === null && screen === null) return;
  const settings = JSON.stringify({ pacing_mode: pacing ?? undefined, message_screen: screen ?? undefined });
  const is = (column: string, value: string | null): string =>
    value === null ? `${column} IS NULL` : `${column} = '${value}'`;
  await runner.query(
    `UPDATE ${table} SET settings = '${settings}' WHERE settings IS NULL ` +
      `AND ${is('pacing_mode', pacing)} AND ${is('message_screen', screen)}`,
  );
}
