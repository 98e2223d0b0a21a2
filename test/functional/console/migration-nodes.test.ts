// SPDX-License-Identifier: Apache-2.0
// Live migrations with two proxy nodes on one database: the channels that a client opens at the destination come to the node
// that did not hear its hypervisor.
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../../../src/console/spice/message-types.js';
import type { Kerbside } from '../../fixtures/kerbside-process.js';
import type { Desk, Guest, Site } from '../../fixtures/kerbside.js';
import { placeBody, type Place } from '../../fixtures/migration-bodies.js';
import { waitFor } from '../../fixtures/program.js';
import { startRabbitMq, TEST_WITH_START_MS, type RabbitMq } from '../../fixtures/rabbitmq.js';
import { expectPicture } from '../../fixtures/shown-screen.js';
import type { ClientChannel } from '../../fixtures/spice-client.js';
import type { ServerChannel } from '../../fixtures/spice-server-channel.js';
import type { SpiceServer } from '../../fixtures/spice-server.js';
import { startTwoNodes, type TwoNodes } from '../../fixtures/two-nodes.js';

jest.setTimeout(240_000);

const { main: MAIN, common: COMMON, display: DISPLAY } = SERVER_MESSAGE;
const { main: UP, common: COMMON_UP, inputs: INPUTS } = CLIENT_MESSAGE;
const KEY = Buffer.from([0x1e, 0x9e]);
const SCREEN_TIME = 20;

let nodes: TwoNodes;
let site: Site;
let other: Kerbside;
let broker: RabbitMq;

async function start(env: NodeJS.ProcessEnv): Promise<void> {
  nodes = await startTwoNodes({
    OS_MIGRATION__MODE: 'seamless',
    OS_PROXY__POLL_INTERVAL: '0.5',
    OS_CONSOLE__MESSAGE_SCREEN_TIME: String(SCREEN_TIME),
    ...env,
  });
  ({ site, other } = nodes);
}

/** The other node. */
function onB(): { readonly port: number } {
  return { port: other.ports.secure };
}

/** The value of a metric of the other node. */
async function metricOfB(name: string): Promise<number> {
  const line = (await other.metrics()).split('\n').find((candidate) => candidate.startsWith(`${name} `));
  return line === undefined ? 0 : Number(line.slice(name.length + 1));
}

interface Move {
  readonly desk: Desk;
  readonly destination: SpiceServer;
  readonly client: Guest;
  readonly main: ClientChannel;
  readonly source: ServerChannel;
  readonly place: Place;
}

/** A desk, a client with its main channel on the first node, and a hypervisor that the guest goes to. */
async function aMove(): Promise<Move> {
  const desk = await site.desk();
  const destination = await site.hypervisor();
  const client = await site.client(desk.uuid, { channelCaps: [0xf] });
  const main = await client.openMain();
  const source = await desk.server.channel('main');
  const place = { host: '127.0.0.1', port: destination.plainPort, tlsPort: 65_535, subject: '' };
  return { desk, destination, client, main, source, place };
}

/** The client was told, and its main channel to the destination is on the other node. */
async function ahead(move: Move): Promise<ClientChannel> {
  const { client, destination, main, source, place } = move;
  source.send(MAIN.MIGRATE_BEGIN_SEAMLESS, placeBody(place, 1));
  await main.waitFor(MAIN.MIGRATE_BEGIN_SEAMLESS);
  const there = await client.link('main', 0, { connectionId: client.sessionId ?? 0, ...onB() });
  expect(there.outcome).toMatchObject({ type: 'linked' });
  const atDestination = await destination.channel('main');
  expect(atDestination.facts.mess.connectionId).toBe(source.facts.sessionId);
  there.send(UP.MIGRATE_DST_DO_SEAMLESS, Buffer.from([1, 0, 0, 0]));
  await atDestination.waitFor(UP.MIGRATE_DST_DO_SEAMLESS);
  atDestination.send(MAIN.MIGRATE_DST_SEAMLESS_ACK);
  await there.waitFor(MAIN.MIGRATE_DST_SEAMLESS_ACK);
  return there;
}

/** One channel goes over, as spice-gtk does it. */
async function goOver(
  from: ClientChannel,
  to: ClientChannel,
  at: ServerChannel,
  state: Buffer,
): Promise<void> {
  at.send(COMMON.MIGRATE, Buffer.from([3, 0, 0, 0]));
  await from.waitFor(COMMON.MIGRATE);
  from.send(COMMON_UP.MIGRATE_FLUSH_MARK);
  await at.waitFor(COMMON_UP.MIGRATE_FLUSH_MARK);
  at.send(COMMON.MIGRATE_DATA, state);
  const data = await from.waitFor(COMMON.MIGRATE_DATA);
  to.send(COMMON_UP.MIGRATE_DATA, data.body);
  await from.close();
}

describe('two nodes without a broker', () => {
  beforeAll(() => start({}));
  afterEach(() => site.tidy());
  afterAll(() => nodes.stop());

  it('a client goes over to the main channel that is on the other node, and stays', async () => {
    const move = await aMove();
    const { desk, destination, client, main, source } = move;
    const inputs = await client.open('inputs');
    const completed = 'kerbside_proxy_migrations_total{mode="seamless",outcome="completed"}';
    const there = await ahead(move);
    const inputsThere = await client.open('inputs');
    await destination.channel('inputs');
    const cursorThere = await client.open('cursor', 0, onB());
    await destination.channel('cursor');
    main.send(UP.MIGRATE_CONNECTED_SEAMLESS);
    await source.waitFor(UP.MIGRATE_CONNECTED_SEAMLESS);
    await goOver(inputs, inputsThere, await desk.server.channel('inputs'), Buffer.alloc(10, 8));
    await goOver(main, there, source, Buffer.alloc(65, 7));
    await waitFor('an empty source', () => desk.server.open.length === 0);
    await (await destination.channel('main')).waitFor(COMMON_UP.MIGRATE_DATA);
    expect(await metricOfB(completed)).toBe(1);
    await site.audited(desk.uuid, 'Migration completed');
    // Longer than a poll: what ended on the first node ends nothing here.
    await waitFor('the session with its main channel on the other node', async () => {
      const session = (await other.sessions())[client.session];
      return session?.channels.filter(({ channel_type }) => channel_type === 'main').length === 1;
    });
    await new Promise((resolve) => setTimeout(resolve, 2500));
    for (const channel of [there, inputsThere, cursorThere]) expect(channel.closeReason).toBeNull();
    inputsThere.send(INPUTS.KEY_SCANCODE, KEY);
    expect((await (await destination.channel('inputs')).waitFor(INPUTS.KEY_SCANCODE)).body).toEqual(KEY);
    // A channel that is opened later leads there from both nodes.
    await client.open('playback');
    await destination.channel('playback');
    await client.open('record', 0, onB());
    await destination.channel('record');
    expect((await site.kerbside.terminate(client.session)).status).toBe(200);
    await Promise.all([there.closed, inputsThere.closed, cursorThere.closed]);
  });

  it('a client that begins anew comes back through the other node', async () => {
    const { desk, destination, client, main, source, place } = await aMove();
    source.send(MAIN.MIGRATE_SWITCH_HOST, placeBody(place));
    await main.waitFor(MAIN.MIGRATE_SWITCH_HOST);
    const back = await client.openMain(onB());
    await destination.channel('main');
    expect((await main.closed).how).toBe('end');
    await client.open('display');
    await destination.channel('display');
    expect(back.closeReason).toBeNull();
    await site.audited(desk.uuid, 'Migration completed');
  });

  it('what was opened on the other node ends when the hypervisor gives the migration up', async () => {
    const move = await aMove();
    const there = await ahead(move);
    const { desk, client, main, source } = move;
    source.send(MAIN.MIGRATE_CANCEL);
    await main.waitFor(MAIN.MIGRATE_CANCEL);
    await there.closed;
    await site.audited(desk.uuid, 'Migration cancelled by the hypervisor');
    expect(main.closeReason).toBeNull();
    await client.open('cursor', 0, onB());
    await desk.server.channel('cursor');
  });

  it('and so it does when the guest was faster, and the client comes back through either', async () => {
    const move = await aMove();
    const there = await ahead(move);
    const { desk, destination, client, main, source, place } = move;
    source.send(MAIN.MIGRATE_SWITCH_HOST, placeBody(place));
    await main.waitFor(MAIN.MIGRATE_SWITCH_HOST);
    await there.closed;
    await waitFor('an empty destination', () => destination.open.length === 0);
    await main.close();
    await client.openMain(onB());
    await client.open('display');
    await destination.channel('display');
    await site.audited(desk.uuid, 'Migration completed');
  });
});

describe('message screens of two nodes with a broker', () => {
  beforeAll(async () => {
    broker = await startRabbitMq();
    await start({
      OS_CONSOLE__MESSAGE_SCREEN: 'on',
      OS_DEFAULT__TRANSPORT_URL: (await broker.createVirtualHost()).url(),
    });
  }, TEST_WITH_START_MS);
  afterEach(() => site.tidy());
  afterAll(async () => {
    await nodes.stop();
    await broker.stop();
  });

  it('heed the window and the keys whose channels are on the other node', async () => {
    const desk = await site.desk();
    await desk.server.close();
    const client = await site.client(desk.uuid);
    const main = await client.openMain();
    main.send(UP.ATTACH_CHANNELS);
    await main.waitFor(MAIN.CHANNELS_LIST);
    const display = await client.open('display', 0, onB());
    const inputs = await client.open('inputs', 0, onB());
    const screen = { about: 'unreachable', session: client.session, seconds: SCREEN_TIME } as const;
    await expectPicture(display, screen);
    main.send(UP.AGENT_START, Buffer.from('ffffffff', 'hex'));
    await main.waitFor(MAIN.AGENT_DATA);
    main.send(UP.AGENT_DATA, monitors(1024, 768));
    await expectPicture(display, { ...screen, size: { width: 1024, height: 768 }, count: 2 });
    await new Promise((resolve) => setTimeout(resolve, 1200));
    inputs.send(INPUTS.KEY_SCANCODE, KEY);
    await main.waitFor(MAIN.MIGRATE_SWITCH_HOST);
  });

  it('show the end of a desktop whose display channel is on the other node', async () => {
    const desk = await site.desk();
    const client = await site.client(desk.uuid);
    const main = await client.openMain();
    const display = await client.open('display', 0, onB());
    (await desk.server.channel('display')).send(DISPLAY.MARK);
    await display.waitFor(DISPLAY.MARK);
    expect((await site.kerbside.terminate(client.session)).status).toBe(200);
    await expectPicture(display, {
      ...{ about: 'terminated', session: client.session, seconds: SCREEN_TIME, count: 2 },
    });
    // Longer than the main channel would wait for it.
    await new Promise((resolve) => setTimeout(resolve, 4000));
    expect(main.closeReason).toBeNull();
  });
});

/** A VDAgentMonitorsConfig of one monitor, as an AGENT_DATA. */
function monitors(width: number, height: number): Buffer {
  const body = Buffer.alloc(20 + 28);
  [1, 2, 0, 0, 28, 1, 0, height, width, 32, 0, 0].forEach((word, index) =>
    body.writeUInt32LE(word, index * 4),
  );
  return body;
}
