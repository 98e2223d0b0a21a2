// SPDX-License-Identifier: Apache-2.0
// The clock of a running Kerbside is set forward and back, by more than a node may be silent: it takes nobody for dead who
// is not, itself least of all, and sessions go on.
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SERVER_MESSAGE } from '../../../src/console/spice/message-types.js';
import { Services } from '../../../src/objects/service.js';
import { FakedClock } from '../../fixtures/faked-clock.js';
import { Site, type Desk, type Guest } from '../../fixtures/kerbside.js';
import type { OpenDatabase } from '../../fixtures/open-database.js';
import { waitFor, waitForOutput } from '../../fixtures/program.js';
import { scratchFolder } from '../../fixtures/scratch.js';
import type { ClientChannel } from '../../fixtures/spice-client.js';

const DOWN_TIME = 3;
const STEP = 60;
const TIME = SERVER_MESSAGE.main.MULTI_MEDIA_TIME;
const JUMPED = 'the clock of the database has jumped';
/** What is said of a node that is taken for dead though it is not. */
const TAKEN_FOR_DEAD = /node=kerbside-demo program=|taken for dead|connections of a node that is down/;

let folder: string;
let clock: FakedClock;
let site: Site;
let db: OpenDatabase;

beforeAll(async () => {
  folder = scratchFolder('kerbside-clock-');
  clock = new FakedClock(folder);
  site = await Site.start({
    ...clock.env,
    OS_DEFAULT__REPORT_INTERVAL: String(DOWN_TIME / 3),
    OS_DEFAULT__SERVICE_DOWN_TIME: String(DOWN_TIME),
  });
  db = await site.database();
});
afterAll(async () => {
  await db.close();
  await site.stop();
  rmSync(folder, { recursive: true });
});

/** A proxy that has been silent for an hour, under a name of its own: the next judgement finds it down. */
async function silentNode(host: string): Promise<void> {
  const services = new Services(db);
  const run = { binary: 'kerbside-proxy', runId: randomUUID(), pid: 7, version: '1.0.0', reportInterval: 1 };
  await services.register({ ...run, host }, {});
  await db.execute('UPDATE services SET heartbeat = heartbeat - 3600 WHERE host = ?', [host]);
}

async function judged(host: string): Promise<void> {
  await waitForOutput(site.kerbside.program, `service is down: no heartbeat node=${host}`);
}

/** A session with its main channel and a display. */
async function session(): Promise<{ desk: Desk; client: Guest; main: ClientChannel }> {
  const desk = await site.desk();
  const client = await site.client(desk.uuid);
  const main = await client.openMain();
  await client.open('display');
  return { desk, client, main };
}

describe('a clock that is set', () => {
  it('forward and back, again and again, costs no session, and dead nodes are found all the same', async () => {
    const { desk, client, main } = await session();
    await silentNode('first');
    await judged('first');
    for (const [turn, seconds] of [STEP, 0, STEP, 0, -STEP, 0].entries()) {
      const node = `dead-${String(turn)}`;
      clock.set(seconds);
      await silentNode(node);
      await waitForOutput(site.kerbside.program, JUMPED, turn + 1);
      await judged(node);
      (await desk.server.channel('main')).send(TIME, Buffer.alloc(4));
      await main.waitFor(TIME, turn + 1);
    }
    expect(site.log()).not.toMatch(TAKEN_FOR_DEAD);
    expect(await site.auditOf(desk.uuid)).not.toContain('Node lost');
    expect(client.channels.map(({ closeReason }) => closeReason)).toEqual([null, null]);
    await waitFor('the open session', async () => (await site.sessionIds()).includes(client.session));
    await client.open('inputs');
  });
});
