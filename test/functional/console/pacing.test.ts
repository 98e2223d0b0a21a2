// SPDX-License-Identifier: Apache-2.0
// A paced display channel through the built program: what the hypervisor and the client each see, what is written down of
// it, and how it follows a changed configuration. The slow link is the client's: it acknowledges late.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../../../src/console/spice/message-types.js';
import { drawCopy, words } from '../../fixtures/display-bodies.js';
import { Site, type Desk } from '../../fixtures/kerbside.js';
import { waitFor } from '../../fixtures/program.js';
import { scratchFolder } from '../../fixtures/scratch.js';
import type { ClientChannel } from '../../fixtures/spice-client.js';
import type { ServerChannel } from '../../fixtures/spice-server-channel.js';

const DOWN = SERVER_MESSAGE.common;
const UP = CLIENT_MESSAGE.common;
const DISPLAY = CLIENT_MESSAGE.display;
const { DRAW_COPY, INVAL_LIST } = SERVER_MESSAGE.display;
const WINDOW = 20;
const folder = scratchFolder('kerbside-pacing-');
const confFile = join(folder, 'kerbside.conf');

let site: Site;

interface Linked {
  readonly desk: Desk;
  readonly client: ClientChannel;
  readonly server: ServerChannel;
}

async function link(): Promise<Linked> {
  const desk = await site.desk();
  const guest = await site.client(desk.uuid);
  await guest.openMain();
  const client = await guest.open('display');
  const server = await desk.server.channel('display');
  client.send(DISPLAY.INIT, Buffer.alloc(14));
  server.send(DOWN.SET_ACK, words(7, WINDOW));
  await client.waitFor(DOWN.SET_ACK);
  return { desk, client, server };
}

/** The client acknowledges so many messages. */
function acknowledge(client: ClientChannel, count: number): void {
  for (let sent = 0; sent < count; sent += 1) client.send(UP.ACK);
}

function draw(left: number, bytes: number): Buffer {
  const imageData = Buffer.alloc(bytes);
  imageData.writeUInt32LE(bytes - 4, 0);
  return drawCopy({ box: [left, 0, left + 32, 480], imageData }).body;
}

beforeAll(async () => {
  writeFileSync(confFile, '[pacing]\nmode = on\n');
  site = await Site.start({ OS_SPICE__WORKERS: '1' }, confFile);
});
afterEach(() => site.tidy());
afterAll(async () => {
  await site.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('a paced display', () => {
  it('has its ACKs taken over: one for each message of the client, one for each window to the server', async () => {
    const { client, server } = await link();
    expect(client.bodies(DOWN.SET_ACK)[0]?.readUInt32LE(4)).toBe(1);
    await server.waitFor(UP.ACK_SYNC);
    expect(server.bodies(UP.ACK_SYNC)).toEqual([words(7)]);
    await server.waitFor(DISPLAY.PREFERRED_COMPRESSION);
    expect(server.bodies(DISPLAY.PREFERRED_COMPRESSION)).toEqual([Buffer.of(3)]);
    const generation = Buffer.from(client.bodies(DOWN.SET_ACK)[0]?.subarray(0, 4) ?? []);
    client.send(UP.ACK_SYNC, generation);
    for (let sent = 0; sent < 2 * WINDOW; sent += 1) server.send(DRAW_COPY, draw(32 * (sent % 10), 1000));
    await client.waitFor(DRAW_COPY, 1);
    acknowledge(client, 2 * WINDOW);
    await server.waitFor(UP.ACK, 2);
    expect(server.bodies(UP.ACK)).toHaveLength(2);
    expect(server.bodies(UP.ACK_SYNC)).toHaveLength(1);
  });

  it('gets the newest draws when its client is late, and a message for each', async () => {
    const { desk, client, server } = await link();
    const generation = Buffer.from(client.bodies(DOWN.SET_ACK)[0]?.subarray(0, 4) ?? []);
    client.send(UP.ACK_SYNC, generation);
    // More than may be under way to a client that has acknowledged nothing yet.
    for (let sent = 0; sent < 2 * WINDOW; sent += 1) server.send(DRAW_COPY, draw(32 * (sent % 4), 40_000));
    await client.waitFor(DRAW_COPY, 2);
    let got = 0;
    const acknowledgeNew = setInterval(() => {
      const now = client.bodies(DRAW_COPY).length + client.bodies(INVAL_LIST).length;
      acknowledge(client, now - got);
      got = now;
    }, 20);
    try {
      await waitFor(
        'a message for each draw',
        () => client.bodies(DRAW_COPY).length + client.bodies(INVAL_LIST).length === 2 * WINDOW,
      );
    } finally {
      clearInterval(acknowledgeNew);
    }
    expect(client.bodies(INVAL_LIST).length).toBeGreaterThan(10);
    await client.close();
    await site.audited(desk.uuid, 'Pacing this connection: paced for');
    await site.audited(desk.uuid, 'draws and 0 frames superseded');
    await site.metricAtLeast('kerbside_proxy_superseded_draws_total', 10);
  });

  it('is given back when the configuration says so, on an occasion of the server', async () => {
    const { client, server } = await link();
    client.send(UP.ACK_SYNC, Buffer.from(client.bodies(DOWN.SET_ACK)[0]?.subarray(0, 4) ?? []));
    server.send(DRAW_COPY, draw(0, 1000));
    await client.waitFor(DRAW_COPY);
    acknowledge(client, 1);
    writeFileSync(confFile, '[pacing]\nmode = off\n');
    site.kerbside.program.child.kill('SIGHUP');
    try {
      await site.logged('slow links are paced otherwise');
      await waitFor('the window of the server', () => {
        server.send(DOWN.PING, Buffer.concat([words(5), Buffer.alloc(8)]));
        return client.bodies(DOWN.SET_ACK).length === 2;
      });
      expect(client.bodies(DOWN.SET_ACK)[1]?.readUInt32LE(4)).toBe(WINDOW);
    } finally {
      writeFileSync(confFile, '[pacing]\nmode = on\n');
      site.kerbside.program.child.kill('SIGHUP');
    }
  });
});

it('the start-up test of the network is answered by the proxy, and by the client for its own sake', async () => {
  const desk = await site.desk();
  const guest = await site.client(desk.uuid, { pong: false });
  const main = await guest.openMain();
  const server = await desk.server.channel('main');
  for (let id = 1; id <= 3; id += 1) server.send(DOWN.PING, Buffer.concat([words(id), Buffer.alloc(8, id)]));
  await server.waitFor(UP.PONG, 3);
  await main.waitFor(DOWN.PING, 3);
  for (const ping of main.bodies(DOWN.PING)) main.send(UP.PONG, ping.subarray(0, 12));
  const late = Buffer.concat([words(9), Buffer.alloc(8, 9)]);
  server.send(DOWN.PING, late);
  await main.waitFor(DOWN.PING, 4);
  main.send(UP.PONG, late);
  await server.waitFor(UP.PONG, 4);
  expect(server.bodies(UP.PONG)).toEqual(
    [1, 2, 3, 9].map((id) => Buffer.concat([words(id), Buffer.alloc(8, id)])),
  );
});
