// SPDX-License-Identifier: Apache-2.0
// A seeded fuzz through a live proxy: mutated link stages and message streams, of clients and of backends. The proxy
// stays alive and bounded in memory, and a session beside it never notices.
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { encodeLinkMess } from '../../../src/console/spice/link-message.js';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../../../src/console/spice/message-types.js';
import { Site, type Desk, type Guest } from '../../fixtures/kerbside.js';
import { delay, waitFor } from '../../fixtures/program.js';
import { mutate, SeededRandom } from '../../fixtures/random.js';
import { mainInitBody, notifyBody } from '../../fixtures/spice-bodies.js';
import { connectSocket, type ClientChannel } from '../../fixtures/spice-client.js';
import { encodeMessage } from '../../fixtures/spice-messages.js';

const SEED = 20_261;
const LINKS = 3200;
const STREAMS = 1800;
const AT_ONCE = 24;
const MIB = 1024 * 1024;
const PING = SERVER_MESSAGE.common.PING;
/** One failure of a hypervisor is no fault of the program; these words in its log are. */
const OUR_FAULTS = /unexpected fault|Uncaught|TypeError|RangeError|a relay worker died/;

let site: Site;
let calm: { client: Guest; main: ClientChannel; desk: Desk };
let workers: number[];
let memory: number;

beforeAll(async () => {
  site = await Site.start({
    OS_PROXY__MAX_HALF_OPEN_PER_ADDRESS: '4096',
    OS_PROXY__MAX_CONNECTIONS_PER_ADDRESS: '4096',
    OS_CONSOLE__RECONNECT_GRACE: '3600',
  });
  const desk = await site.desk();
  const client = await site.client(desk.uuid);
  calm = { client, main: await client.openMain(), desk };
  workers = site.workerPids();
  memory = site.workerMemory();
});
afterAll(() => site.stop());

/** Runs jobs, so many at once. */
async function inParallel(count: number, job: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < count) await job(next++);
    }),
  );
}

/** The session beside it: a ping goes through, and the channel is the same as ever. */
async function isUntouched(): Promise<void> {
  const before = calm.main.bodies(PING).length;
  (await calm.desk.server.channel('main')).send(PING, Buffer.alloc(12, 1));
  await calm.main.waitFor(PING, before + 1);
  expect(calm.main.closeReason).toBeNull();
  expect(site.workerPids()).toEqual(workers);
  expect(site.workerMemory() - memory).toBeLessThan(160 * MIB);
  expect(site.log()).not.toMatch(OUR_FAULTS);
}

/** Sends bytes in pieces, waits a moment for what comes, and goes away. */
async function sendAndLeave(socket: Socket, pieces: readonly Buffer[], how: number): Promise<void> {
  socket.on('error', () => undefined).resume();
  for (const piece of pieces) if (socket.writable) socket.write(piece);
  if (how === 0) socket.end();
  await delay(how === 1 ? 0 : 5);
  socket.destroy();
}

const MESS = { connectionId: 0, channelType: 1, channelId: 0, commonCaps: [0xd], channelCaps: [0xf] };

describe('the fuzz', () => {
  it(`of ${String(LINKS)} link stages`, async () => {
    const random = new SeededRandom(SEED);
    const stages = Array.from({ length: LINKS }, () => {
      const mess = encodeLinkMess({
        ...MESS,
        ...{ channelType: random.below(13), connectionId: random.below(3) },
        commonCaps: random.pick([[0xd], [0x8], [], [0x9, 0]]),
      });
      const auth = Buffer.concat([Buffer.from([1, 0, 0, 0]), random.bytes(128)]);
      const bytes = mutate(random, Buffer.concat([mess, auth]));
      return {
        pieces: random.split(bytes, 1 + random.below(200)),
        tls: random.below(4) > 0,
        how: random.below(3),
      };
    });
    await inParallel(LINKS, async (index) => {
      const { pieces, tls, how } = stages[index] as (typeof stages)[number];
      const plain = { port: site.kerbside.ports.insecure };
      const socket = await connectSocket(tls ? site.clientOptions() : plain).catch(() => null);
      if (socket !== null) await sendAndLeave(socket, pieces, how);
    });
    await isUntouched();
  });

  it(`of ${String(STREAMS)} message streams, of clients and of backends`, async () => {
    const random = new SeededRandom(SEED + 1);
    const down = streamOf(SERVER_MESSAGE.main.MULTI_MEDIA_TIME);
    const up = streamOf(CLIENT_MESSAGE.main.AGENT_DATA);
    const jobs = Array.from({ length: STREAMS }, () => {
      const ofBackend = random.below(2) === 0;
      const bytes = mutate(random, ofBackend ? down : up);
      return { ofBackend, pieces: random.split(bytes, 1 + random.below(300)) };
    });
    const lanes = await Promise.all(
      Array.from({ length: AT_ONCE / 4 }, async () => {
        const desk = await site.desk({ autoMain: false });
        return { desk, vv: await site.vv(desk.uuid) };
      }),
    );
    let next = 0;
    await Promise.all(
      lanes.map(async ({ desk, vv }) => {
        const client = await site.client(desk.uuid, { pong: false }, vv);
        while (next < STREAMS) {
          const job = jobs[next++] as (typeof jobs)[number];
          await oneStream(desk, client, job);
        }
      }),
    );
    await isUntouched();
  });

  it('leaves nothing behind', async () => {
    await waitFor('the end of all others', async () => {
      const active = await site.metric('kerbside_proxy_active_connections');
      return active === 1 && (await site.sessionIds()).length === 1;
    });
    expect(await site.sessionIds()).toEqual([calm.client.session]);
    expect(await site.metric('kerbside_proxy_worker_deaths_total')).toBe(0);
  });
});

/** One main channel with a spoiled stream in one direction; both ends go away behind it. */
async function oneStream(
  desk: Desk,
  client: Guest,
  { ofBackend, pieces }: { ofBackend: boolean; pieces: readonly Buffer[] },
): Promise<void> {
  let main = await client.link('main', 0, { connectionId: 0 });
  for (let tries = 0; !main.linked && tries < 50; tries += 1) {
    await delay(10);
    main = await client.link('main', 0, { connectionId: 0 });
  }
  expect(main.outcome).toEqual({ type: 'linked' });
  const server = await desk.server.channel('main');
  if (ofBackend) await server.writePieces(pieces);
  else pieces.forEach((piece) => main.write(piece));
  await delay(2);
  await main.close();
  await server.closed;
}

/** A short stream of messages, MAIN_INIT first. */
function streamOf(type: number): Buffer {
  const messages: [number, Buffer][] = [
    [SERVER_MESSAGE.main.INIT, mainInitBody(7)],
    [type, Buffer.alloc(4)],
    [SERVER_MESSAGE.common.NOTIFY, notifyBody('keyboard channel is insecure')],
    [type, Buffer.alloc(300, 3)],
    [SERVER_MESSAGE.main.MIGRATE_SWITCH_HOST, Buffer.alloc(40, 1)],
    [PING, Buffer.alloc(12)],
  ];
  return Buffer.concat(messages.map(([kind, body]) => encodeMessage(kind, body, { miniHeader: true })));
}
