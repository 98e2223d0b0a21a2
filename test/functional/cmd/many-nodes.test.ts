// SPDX-License-Identifier: Apache-2.0
// Several built programs on one MariaDB: each background task is done by exactly one conductor, whatever happens to it,
// and what a dead proxy left open is closed in the records. One of the nodes has a clock that is an hour wrong.
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openDatabase, type OpenDatabase } from '../../fixtures/open-database.js';
import { AuditEvents } from '../../../src/objects/audit-event.js';
import { sessionNouns } from '../../fixtures/session-nouns.js';
import { ConsoleTokens } from '../../../src/objects/console-token.js';
import { Leases } from '../../../src/objects/lease.js';
import { Services } from '../../../src/objects/service.js';
import type { Service } from '../../../src/objects/service.js';
import { startMariaDb } from '../../fixtures/mariadb.js';
import type { MariaDb } from '../../fixtures/mariadb.js';
import { delay, waitFor, waitForOutput } from '../../fixtures/program.js';
import type { Program } from '../../fixtures/program.js';
import { Site } from './site.js';

const UUID = '11111111-2222-3333-4444-555555555555';

const LEASE_TIME = 4;
const DOWN_TIME = 2.4;
const TASKS = ['audit chain', 'reaping', 'retention', 'services', 'sources'];
/** A machine whose clock is an hour fast; its monotonic clock is right, as those of machines are. */
const WRONG_CLOCK = `--import "data:text/javascript,const now=Date.now;Date.now=()=>now()+3600000"`;

const site = new Site();
let server: MariaDb;
let db: OpenDatabase;
let env: Record<string, string>;
let conductors: Record<'a' | 'b', Program>;

beforeAll(async () => {
  server = await startMariaDb();
  const connection = server.url(await server.createSchema());
  const encryptionKeyFile = join(site.folder, 'encryption.key');
  db = await openDatabase({ connection, encryptionKeyFile, maxPoolSize: 4 }, { sync: true });
  const console = `{uuid: ${UUID}, name: desk, hypervisor: localhost, hypervisor_ip: 127.0.0.1, insecure_port: 1, ticket: x}`;
  writeFileSync(
    join(site.folder, 'sources.yaml'),
    `- source: lab\n  type: static\n  consoles:\n    - ${console}\n`,
  );
  env = {
    OS_DATABASE__CONNECTION: connection,
    OS_DATABASE__ENCRYPTION_KEY_FILE: encryptionKeyFile,
    OS_DEFAULT__REPORT_INTERVAL: String(DOWN_TIME / 3),
    OS_DEFAULT__SERVICE_DOWN_TIME: String(DOWN_TIME),
    OS_CONDUCTOR__LEASE_TIME: String(LEASE_TIME),
    OS_SOURCES__DISCOVERY_INTERVAL: '1',
    OS_METRICS__CONDUCTOR_PORT: '0',
  };
  const a = await startConductor('a');
  conductors = { a, b: await startConductor('b') };
});
// Each test begins with a that does every task and b that stands by.
beforeEach(async () => {
  if (conductors.a.ended() !== null) conductors.a = await startConductor('a');
  if (conductors.b.ended() === null && (await leader()) === 'a') return;
  await conductors.b.stop();
  await secondsUntilLeader('a');
  conductors.b = await startConductor('b');
});
afterAll(async () => {
  await site.close();
  await db.close();
  await server.stop();
});

function startConductor(node: 'a' | 'b'): Promise<Program> {
  const clock: Record<string, string> = node === 'b' ? { NODE_OPTIONS: WRONG_CLOCK } : {};
  return site.start('conductor', { env: { ...env, ...clock, OS_DEFAULT__NODE_NAME: node } });
}

/** Which node does which task. */
async function leaders(): Promise<Map<string, string>> {
  const leases = new Leases(db, { holder: 'a test', runId: 'a test' });
  const { now, leases: found } = await leases.look();
  const valid = found.filter(({ expires }) => expires >= now);
  return new Map(valid.map(({ name, holder }) => [name, holder.split(' ')[0] ?? '']));
}

/** The node that does every task; '' when there is none. */
async function leader(): Promise<string> {
  const byTask = await leaders();
  const [node = '', ...others] = new Set(byTask.values());
  return others.length === 0 && byTask.size === TASKS.length ? node : '';
}

/** Seconds until a node does all tasks. */
async function secondsUntilLeader(node: string): Promise<number> {
  const since = performance.now();
  await waitFor(`tasks of ${node}`, async () => (await leader()) === node, { everyMs: 20 });
  return (performance.now() - since) / 1000;
}

async function seenBy(): Promise<string> {
  const rows = await db.query<{ seen_by: string }>("SELECT seen_by FROM sources WHERE name = 'lab'");
  return rows[0]?.seen_by ?? '';
}

async function service(host: string): Promise<Service | undefined> {
  const { items } = await new Services(db).list({ limit: 100 }, { host, downTime: DOWN_TIME });
  return items[0];
}

/** Waits for a report of each conductor that is later than now. */
async function everyoneReports(): Promise<void> {
  const reported = async (): Promise<number[]> =>
    Promise.all(['a', 'b'].map(async (host) => (await service(host))?.heartbeat ?? 0));
  const before = await reported();
  await waitFor('a report of each', async () =>
    (await reported()).every((time, at) => time > (before[at] ?? 0)),
  );
}

describe('two conductors on one database', () => {
  it('share the work: one does every task, the other stands by', async () => {
    expect(await leader()).toBe('a');
    await waitForOutput(conductors.a, 'background tasks are done by this process');
    expect(conductors.b.output()).not.toContain('background tasks are done by this process');
    await waitFor('a good discovery', async () => (await seenBy()) === 'a');
    const report = await waitFor('a report', async () => {
      const found = await service('a');
      return (found?.report['tasks'] as string[] | undefined)?.length === TASKS.length && found;
    });
    expect([...(report.report['tasks'] as string[])].sort()).toEqual(TASKS);
    expect(await service('b')).toMatchObject({
      state: 'up',
      status: 'running',
      binary: 'kerbside-conductor',
    });
  });

  it('lose no task with their leader: the other has all of them within the lease time', async () => {
    conductors.a.child.kill('SIGKILL');
    const seconds = await secondsUntilLeader('b');
    process.stdout.write(`take-over after ${seconds.toFixed(1)} s, lease time ${LEASE_TIME} s\n`);
    await waitFor('a good discovery', async () => (await seenBy()) === 'b');
    // Its clock is an hour wrong.
    const [{ last_seen: lastSeen } = { last_seen: 0 }] = await db.query<{ last_seen: number }>(
      'SELECT last_seen FROM sources',
    );
    expect(Math.abs(lastSeen - Date.now() / 1000)).toBeLessThan(10);
    await waitFor('a lost node', async () => (await service('a'))?.status === 'lost');
    conductors.a = await startConductor('a');
    expect(await leader()).toBe('b');
    expect(await service('a')).toMatchObject({ state: 'up', status: 'running' });
  });

  it('do nothing twice when the leader was frozen for longer than its lease', async () => {
    const [frozen, next] = [conductors.a, 'b'];
    conductors.a.child.kill('SIGSTOP');
    await secondsUntilLeader(next);
    await waitFor('a good discovery', async () => (await seenBy()) === next);
    const gaveUp = 'background task is given up: its lease was lost';
    const before = frozen.output().split(gaveUp).length - 1;
    const seen = new Set<string>();
    const discovery = async (): Promise<void> => {
      await db.execute("UPDATE sources SET seen_by = '' WHERE name = 'lab'");
      const node = await waitFor('a discovery', async () => (await seenBy()) || null);
      seen.add(node);
    };
    frozen.child.kill('SIGCONT');
    await discovery();
    await waitForOutput(frozen, gaveUp, before + TASKS.length);
    // What it had in hand, if anything, would be written by now.
    await discovery();
    expect([...seen]).toEqual([next]);
    expect(await leader()).toBe(next);
    await waitFor('node that is back', async () => (await service('a'))?.state === 'up');
  });

  it('hand the work over at once when the leader is stopped', async () => {
    expect(await conductors.a.stop()).toBe(0);
    // Given up, not run out: nothing is a's any more, and it takes no lease time until all is b's.
    expect([...(await leaders()).values()]).not.toContain('a');
    await secondsUntilLeader('b');
    expect(await service('a')).toMatchObject({ state: 'down', status: 'stopped' });
  });

  it('go on after the database was away, and take nobody for dead who was not', async () => {
    await server.kill();
    // By then nobody has been heard of for as long as the dead are given.
    await delay(DOWN_TIME * 1000);
    for (const conductor of Object.values(conductors))
      await waitForOutput(conductor, 'leases cannot be looked at');
    await server.restart();
    // Either may have been faster, with one task or the other.
    await waitFor('leaders', async () => (await leaders()).size === TASKS.length);
    await everyoneReports();
    await everyoneReports();
    for (const conductor of Object.values(conductors)) {
      expect(conductor.output().split('leases cannot be looked at')[1]).not.toContain(
        'program=kerbside-conductor seconds=',
      );
    }
    for (const node of ['a', 'b']) expect(await service(node)).toMatchObject({ state: 'up' });
    await waitFor('a good discovery', async () => (await seenBy()) === (await leaders()).get('sources'));
  });

  it('close what a dead proxy left open, within three heartbeats', async () => {
    const proxy = await site.start('proxy', { env: { ...env, OS_DEFAULT__NODE_NAME: 'p' } });
    const nouns = sessionNouns(db);
    const { token } = await new ConsoleTokens(db, { tokenTtl: 600 }).mint({
      ...{ source: 'lab', uuid: UUID, issuedTo: 'alice' },
    });
    const grant = await nouns.admission.authorize({
      ...{ ticket: token, connectionId: 0, channelType: 1, channelId: 0 },
      ...{ clientIp: '::1', clientPort: 1, node: 'p', pid: proxy.pid },
    });
    if (grant.kind !== 'granted') throw new Error(grant.reason);
    await nouns.channels.establish(grant.sessionId, grant.generation, 1);
    const isOpen = async (): Promise<boolean> =>
      (await db.query('SELECT id FROM console_connections WHERE closed IS NULL')).length > 0;
    await everyoneReports();
    expect(await isOpen()).toBe(true);
    proxy.child.kill('SIGKILL');
    const since = performance.now();
    await waitFor('closed rows', async () => !(await isOpen()), { everyMs: 20 });
    const seconds = (performance.now() - since) / 1000;
    process.stdout.write(`closed after ${seconds.toFixed(1)} s, service_down_time ${DOWN_TIME} s\n`);
    expect(await nouns.sessions.find(grant.sessionId)).toMatchObject({ state: 'closing' });
    const audit = await waitFor('audit of the lost node', async () => {
      const { events } = await new AuditEvents(db).list('lab', UUID, 10);
      return events.find(({ message }) => message === 'Node lost');
    });
    expect(audit).toMatchObject({
      ...{ session_id: grant.sessionId, node: 'p' },
      ...{ service: 'kerbside-conductor', requested_by: 'service' },
    });
    expect(await service('p')).toMatchObject({ state: 'down', status: 'lost' });
  });

  it('tell of a second process under the same name', async () => {
    const twin = await startConductor('b');
    await waitFor('error of the first', () =>
      conductors.b.output().includes('another process of the same name is at work'),
    );
    await twin.stop();
    // It has written its end under their common name.
    await conductors.b.stop();
  });
});
