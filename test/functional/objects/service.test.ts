// SPDX-License-Identifier: Apache-2.0
// Services, their heartbeats and the leases of tasks, on real databases.
import { randomUUID } from 'node:crypto';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Database } from '../../../src/db/database.js';
import { Heartbeat } from '../../../src/service/heartbeat.js';
import { Leases } from '../../../src/objects/lease.js';
import { Services } from '../../../src/objects/service.js';
import type { Service, ServiceRun } from '../../../src/objects/service.js';
import { databasesOf, ENGINES, overheard } from '../../fixtures/database.js';
import { delay, waitFor } from '../../fixtures/program.js';

const DOWN_TIME = 15;
const PATIENCE = { downTime: DOWN_TIME, slack: 1 };

const aRun = (change: Partial<ServiceRun> = {}): ServiceRun => ({
  ...{
    host: 'a',
    binary: 'kerbside-proxy',
    runId: randomUUID(),
    pid: 7,
    version: '1.0.0',
    reportInterval: 5,
  },
  ...change,
});

describe.each(ENGINES)('services on %s', (engine) => {
  const databases = databasesOf(engine, { keep: true });
  let db: Database;
  let services: Services;
  const beating: Heartbeat[] = [];

  beforeAll(async () => {
    db = await databases.fresh();
    services = new Services(db);
  });
  beforeEach(async () => {
    for (const table of ['services', 'leases']) await db.execute(`DELETE FROM ${table}`);
  });
  afterEach(async () => {
    for (const heartbeat of beating.splice(0)) await heartbeat.stop();
  });

  const silent = (seconds: number): Promise<number> =>
    db.execute('UPDATE services SET heartbeat = heartbeat - ?', [seconds]);
  const beat = async (run: ServiceRun): Promise<string> =>
    (await services.beat(run, { draining: false, report: {}, downTime: DOWN_TIME })).kind;
  const all = async (): Promise<Service[]> =>
    (await services.list({ limit: 10 }, { downTime: DOWN_TIME })).items;

  function aHeartbeat(on: Database, recovered: () => Promise<void> = () => Promise.resolve()): Heartbeat {
    const heartbeat = new Heartbeat({
      ...{ services: new Services(on), host: 'a', binary: 'kerbside', interval: 0.1, downTime: 0.5 },
      ...{ report: () => ({ channels: 3 }), recovered },
    });
    beating.push(heartbeat);
    return heartbeat;
  }

  it('are up while they beat, and down when they have been silent', async () => {
    const run = aRun();
    await services.register(run, { channels: 1 });
    expect(await beat(run)).toBe('well');
    expect(await services.findDown(PATIENCE)).toEqual([]);
    await silent(13);
    expect(await services.findDown(PATIENCE)).toEqual([]);
    await silent(1.5);
    expect(await services.findDown(PATIENCE)).toMatchObject([{ host: 'a', state: 'down', status: 'lost' }]);
    expect(await services.findDown(PATIENCE)).toEqual([]);
    expect(await all()).toMatchObject([{ state: 'down', status: 'lost', version: '1.0.0' }]);
  });

  it('are found down by one process only when several look', async () => {
    for (const host of ['a', 'b', 'c']) await services.register(aRun({ host }), {});
    await silent(60);
    const found = await Promise.all(Array.from({ length: 6 }, () => services.findDown(PATIENCE)));
    expect(
      found
        .flat()
        .map(({ host }) => host)
        .sort(),
    ).toEqual(['a', 'b', 'c']);
  });

  it('come back with their next heartbeat, and are told that they were away', async () => {
    const run = aRun();
    await services.register(run, {});
    await silent(60);
    await services.findDown(PATIENCE);
    expect([await beat(run), await beat(run)]).toEqual(['returned', 'well']);
    await db.execute('DELETE FROM services');
    expect([await beat(run), await beat(run)]).toEqual(['returned', 'well']);
    expect(await all()).toMatchObject([{ state: 'up', status: 'running', downSince: null }]);
  });

  it('are down when their heartbeat lies in the future, because the clock was set back', async () => {
    await services.register(aRun(), {});
    await silent(-3600);
    expect(await services.findDown(PATIENCE)).toHaveLength(1);
  });

  it('are given three heartbeats of their own, however impatient the one who looks is', async () => {
    await services.register(aRun({ reportInterval: 60 }), {});
    await silent(120);
    expect(await services.findDown(PATIENCE)).toEqual([]);
    expect(await all()).toMatchObject([{ state: 'up' }]);
  });

  it('end at once when they say so, and belong to their next run', async () => {
    const run = aRun();
    await services.register(run, {});
    await services.stop(run);
    expect(await all()).toMatchObject([{ state: 'down', status: 'stopped' }]);
    const next = aRun();
    await services.register(next, {});
    await services.stop(run);
    expect(await all()).toMatchObject([{ state: 'up', status: 'running' }]);
    expect(await beat(run)).toBe('displaced');
    await silent(60);
    expect(await beat(run)).toBe('returned');
  });

  it('are forgotten when they are down, and not before', async () => {
    await services.register(aRun(), {});
    const [{ id } = { id: 0 }] = await all();
    expect([await services.remove(id), await services.removeForgotten(0)]).toEqual([false, 0]);
    await silent(60);
    await services.findDown(PATIENCE);
    expect(await services.removeForgotten(3600)).toBe(0);
    await db.execute(
      "INSERT INTO console_connections (connection_ref, session_id, generation, node, pid, created, client_ip, client_port, channel_type, channel_id, state) VALUES ('r', 's', 1, 'a', 1, 0, '', 0, 1, 0, 'connected')",
    );
    expect(await services.remove(id)).toBe(false);
    await db.execute('DELETE FROM console_connections');
    expect(await services.remove(id)).toBe(true);
  });

  it('beat by themselves, say what they are told to, and sign off', async () => {
    const heartbeat = aHeartbeat(db);
    await heartbeat.start();
    expect(heartbeat.isConfirmed()).toBe(true);
    heartbeat.setDraining();
    await waitFor('draining', async () => (await all())[0]?.status === 'draining');
    expect(await all()).toMatchObject([{ binary: 'kerbside', report: { channels: 3 }, pid: process.pid }]);
    await heartbeat.stop();
    expect(await all()).toMatchObject([{ state: 'down', status: 'stopped' }]);
  });

  it('recover before they are confirmed again, and try until it succeeds', async () => {
    let [away, tries, release] = [false, 0, (): void => undefined];
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const on = overheard(db, () => {
      if (away) throw new Error('the database is away');
    });
    const heartbeat = aHeartbeat(on, async () => {
      tries += 1;
      if (tries === 1) throw new Error('not yet');
      await held;
    });
    await heartbeat.start();
    away = true;
    await waitFor('doubt', () => !heartbeat.isConfirmed());
    await services.findDown({ downTime: 0.3, slack: 0 });
    away = false;
    await waitFor('second try', () => tries === 2);
    expect(heartbeat.isConfirmed()).toBe(false);
    release();
    await waitFor('confirmation', () => heartbeat.isConfirmed());
    await delay(250);
    expect(tries).toBe(2);
  });

  it('never pile up beats on a database that does not answer', async () => {
    let [hanging, asked] = [false, 0];
    const never = new Promise<never>(() => undefined);
    const on: Database = {
      ...overheard(db, () => undefined),
      execute: (sql, parameters) => {
        if (!hanging) return db.execute(sql, parameters);
        asked += 1;
        return never;
      },
    };
    const heartbeat = aHeartbeat(on);
    await heartbeat.start();
    hanging = true;
    await delay(900);
    expect(asked).toBe(3);
    hanging = false;
  });

  it('hold a lease one at a time', async () => {
    const holders = ['a', 'b', 'c'].map((holder) => new Leases(db, { holder, runId: randomUUID() }));
    const [a, b] = holders as [Leases, Leases];
    const take = (who: Leases, ofFormerRun = false): Promise<boolean> =>
      who.take('task', 12, { ofFormerRun });
    const taken = await Promise.all(holders.flatMap((who) => [take(who), take(who)]));
    const winner = holders.findIndex((_who, at) => taken[2 * at] === true || taken[2 * at + 1] === true);
    expect(new Set(taken.flatMap((got, at) => (got ? [Math.floor(at / 2)] : [])))).toEqual(new Set([winner]));
    await db.execute('DELETE FROM leases');
    expect([await take(a), await take(b), await b.renew(['task'], 12), await a.renew(['task'], 12)]).toEqual([
      ...[true, false, 0, 1],
    ]);
    await b.giveUp(['task']);
    expect(await take(b)).toBe(false);
    await a.giveUp(['task']);
    expect([await take(b), await take(a)]).toEqual([true, false]);
    await db.execute('UPDATE leases SET expires = expires - 13');
    expect([await take(a), await b.renew(['task'], 12)]).toEqual([true, 0]);
    const restarted = new Leases(db, { holder: 'a', runId: randomUUID() });
    expect([await take(restarted), await take(restarted, true)]).toEqual([false, true]);
    await db.execute('UPDATE leases SET expires = expires + 3600');
    expect(await take(b)).toBe(true);
    const { now, leases } = await b.look();
    expect(leases).toMatchObject([{ name: 'task', holder: 'b' }]);
    expect(Math.abs((leases[0]?.expires ?? 0) - now - 12)).toBeLessThan(2);
  });
});
