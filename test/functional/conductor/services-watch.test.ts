// SPDX-License-Identifier: Apache-2.0
// The watch over services on real databases whose clock jumps at the worst of moments: after the last look at it, right
// before the watch.
import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { DatabaseClock } from '../../../src/conductor/database-clock.js';
import { watchServices } from '../../../src/conductor/services-watch.js';
import type { Database } from '../../../src/db/database.js';
import { Services } from '../../../src/objects/service.js';
import { databasesOf, ENGINES, withClock } from '../../fixtures/database.js';
import { sessionNouns } from '../../fixtures/session-nouns.js';

const DOWN_TIME = 15;
const SELF = { host: 'here', binary: 'kerbside' };
/** A time that no clock has, so that nothing depends on the machine's. */
const EPOCH = 1_800_000_000;

/** A database's clock that goes, and jumps. */
class JumpingClock {
  jump = 0;

  get now(): number {
    return this.at(performance.now());
  }

  at(milliseconds: number): number {
    return EPOCH + milliseconds / 1000 + this.jump;
  }
}

describe.each(ENGINES)('the watch over services on %s', (engine) => {
  const databases = databasesOf(engine);
  let clock: JumpingClock;
  let known: DatabaseClock;
  let db: Database;
  let services: Services;
  let said: string[];

  beforeEach(async () => {
    clock = new JumpingClock();
    db = withClock(await databases.fresh(), clock);
    services = new Services(db);
    said = [];
    // The database has answered for a minute, and its clock was steady.
    known = new DatabaseClock(3600);
    const sent = performance.now() - 60_000;
    known.observe({ sent, received: sent, databaseTime: clock.at(sent) });
    for (const host of ['here', 'there'])
      await services.register(
        { host, binary: 'kerbside', runId: randomUUID(), pid: 7, version: '1.0.0', reportInterval: 5 },
        {},
      );
  });

  const silent = (host: string): Promise<number> =>
    db.execute('UPDATE services SET heartbeat = heartbeat - 3600 WHERE host = ?', [host]);
  const watch = (): Promise<void> =>
    watchServices({
      ...{ services, channels: sessionNouns(db).channels, self: SELF, downTime: DOWN_TIME },
      connectedFor: () => known.connectedFor(performance.now()),
      observe: (reading) => void known.observe(reading),
      log: {
        ...{ debug: () => undefined, info: () => undefined, error: () => undefined },
        warning: (sentence, { node } = {}) => said.push(`${sentence} ${String(node)}`),
      },
    });
  const states = async (): Promise<string[]> => {
    const { items } = await services.list({ limit: 10 }, { downTime: 1e9 });
    return items.filter(({ downSince }) => downSince !== null).map(({ host }) => host);
  };

  it('finds a service that has been silent', async () => {
    await silent('there');
    await watch();
    await watch();
    expect([await states(), said]).toEqual([['there'], ['service is down: no heartbeat there']]);
  });

  it.each([60, -60, 86_400])(
    'takes nobody for dead when the clock was set by %i s since it was last looked at',
    async (seconds) => {
      clock.jump = seconds;
      await watch();
      await watch();
      expect([await states(), said]).toEqual([[], []]);
      expect(known.connectedFor(performance.now())).toBeLessThan(DOWN_TIME);
    },
  );

  it('never takes itself for dead', async () => {
    await silent('here');
    await watch();
    expect(await states()).toEqual([]);
  });

  it('marks by what it has read, whatever the clock does between the look and the mark', async () => {
    await silent('there');
    const isSteady = (): boolean => {
      clock.jump = -3600;
      return true;
    };
    const found = await services.findDown({ downTime: DOWN_TIME, slack: 1, isSteady });
    expect(found.map(({ host }) => host)).toEqual(['there']);
    expect(await states()).toEqual(['there']);
  });
});
