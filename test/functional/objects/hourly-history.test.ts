// SPDX-License-Identifier: Apache-2.0
// What happened in each of the last hours, from the records of both engines.
import { describe, expect, it } from '@jest/globals';
import type { Database } from '../../../src/db/database.js';
import { HourlyHistory, type Hour } from '../../../src/objects/hourly-history.js';
import { AuditEvents } from '../../../src/objects/audit-event.js';
import { databasesOf, ENGINES } from '../../fixtures/database.js';

const HOUR = 3600;
const NOW = 500_000 * HOUR + 1800;
const BEGIN = NOW - 1800;

/** A channel that has ended. */
async function channel(db: Database, n: number, closed: number, bytes: number): Promise<void> {
  await db.execute(
    'INSERT INTO console_connections (connection_ref, session_id, generation, node, pid, created, client_ip, client_port, ' +
      "channel_type, channel_id, state, closed, bytes_up, bytes_down) VALUES (?, ?, 1, 'n', 1, 1, '192.0.2.1', 1, 1, 0, 'closed', ?, ?, ?)",
    [`ref-${n}`, `s${n}`, closed, bytes, 10 * bytes],
  );
}

/** A session. @param generation how many main channels it has had */
async function session(db: Database, n: number, created: number, generation: number): Promise<void> {
  await db.execute(
    'INSERT INTO console_sessions (session_id, source, uuid, state, generation, ended_generation, created, updated_at) ' +
      "VALUES (?, 'lab', 'u', 'closed', ?, 0, ?, ?)",
    [`s${n}`, generation, created, created],
  );
}

function refusal(
  db: Database,
  timestamp: number,
  message = 'Channel refused: the token has expired',
): Promise<void> {
  return new AuditEvents(db).record({ source: 'lab', uuid: 'u', message, timestamp });
}

const figures = ({ sessions, refusals, channels, bytesUp, bytesDown }: Hour): number[] => [
  ...[sessions, refusals, channels, bytesUp, bytesDown],
];
const NOTHING = [0, 0, 0, 0, 0];

describe.each(ENGINES)('the last hours on %s', (engine) => {
  const databases = databasesOf(engine);

  it('are 24, the oldest first, each with what began and ended in it', async () => {
    const db = await databases.fresh();
    await channel(db, 1, BEGIN + 1, 5);
    await channel(db, 2, BEGIN - 1, 7);
    await channel(db, 3, BEGIN - HOUR, 1);
    await channel(db, 4, BEGIN - 24 * HOUR, 9);
    await session(db, 1, BEGIN + 5, 2);
    await session(db, 2, BEGIN + 6, 0);
    await session(db, 3, BEGIN - 23 * HOUR, 1);
    await refusal(db, BEGIN + 7);
    await refusal(db, BEGIN + 8, 'Session began');
    await refusal(db, BEGIN - 3 * HOUR, 'Refused: too many sessions');
    const hours = await new HourlyHistory(db).hours(NOW);
    expect(hours.map(({ begin }) => begin)).toEqual(
      Array.from({ length: 24 }, (_, at) => BEGIN - (23 - at) * HOUR),
    );
    expect(figures(hours[23]!)).toEqual([1, 1, 1, 5, 50]);
    expect(figures(hours[22]!)).toEqual([0, 0, 2, 8, 80]);
    expect(figures(hours[20]!)).toEqual([0, 1, 0, 0, 0]);
    expect(figures(hours[0]!)).toEqual([1, 0, 0, 0, 0]);
    expect(hours.slice(1, 20).map(figures)).toEqual(Array(19).fill(NOTHING));
  });

  it('are read once when they are over and settled; others each time', async () => {
    const db = await databases.fresh();
    const history = new HourlyHistory(db);
    await history.hours(NOW);
    await refusal(db, BEGIN - HOUR + 1);
    await refusal(db, BEGIN + 1);
    const told = await history.hours(NOW + 1);
    expect([told[22]!.refusals, told[23]!.refusals]).toEqual([0, 1]);
    // A minute after the hour: what came late still counts.
    await history.hours(BEGIN + HOUR + 60);
    await refusal(db, BEGIN + 2);
    expect((await history.hours(BEGIN + HOUR + 61))[22]!.refusals).toBe(2);
    // A day later none of them is left.
    expect((await history.hours(NOW + 48 * HOUR)).map(figures)).toEqual(Array(24).fill(NOTHING));
  });
});
