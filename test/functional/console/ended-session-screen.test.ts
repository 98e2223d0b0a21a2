// SPDX-License-Identifier: Apache-2.0
// A desktop that is ended by an order while somebody works at it: its client is shown why in the window that it has, over the
// wire, with two relay workers, so that the channels of one session are with either.
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { SHUTDOWN_SCREEN_TIME } from '../../../src/console/screen-name.js';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../../../src/console/spice/message-types.js';
import { Site, type Desk, type Guest } from '../../fixtures/kerbside.js';
import { delay, waitFor } from '../../fixtures/program.js';
import { expectPicture } from '../../fixtures/shown-screen.js';
import type { ClientChannel } from '../../fixtures/spice-client.js';
import { encodeMessage } from '../../fixtures/spice-messages.js';
import type { ServerChannel } from '../../fixtures/spice-server-channel.js';

jest.setTimeout(120_000);

const { main: MAIN, display: DISPLAY, inputs: INPUTS, common: COMMON } = SERVER_MESSAGE;
const { main: UP, common: COMMON_UP, inputs: INPUTS_UP } = CLIENT_MESSAGE;
const SCREEN_TIME = 8;
const SCREEN_MESSAGES = [
  ...[DISPLAY.STREAM_DESTROY_ALL, DISPLAY.SURFACE_DESTROY],
  ...[DISPLAY.SURFACE_CREATE, DISPLAY.MONITORS_CONFIG, DISPLAY.DRAW_COPY, DISPLAY.MARK],
];

let site: Site;

/** Somebody at work. */
interface Work {
  readonly desk: Desk;
  readonly client: Guest;
  readonly main: ClientChannel;
  readonly display: ClientChannel;
  readonly inputs: ClientChannel;
  /** The hypervisor's end of the display channel. */
  readonly drawing: ServerChannel;
}

/** A desktop that has drawn something. */
async function work(options: Parameters<Site['client']>[1] = {}): Promise<Work> {
  const desk = await site.desk();
  const client = await site.client(desk.uuid, options);
  const main = await client.openMain();
  const display = await client.open('display');
  const inputs = await client.open('inputs');
  const drawing = await desk.server.channel('display');
  drawing.send(COMMON.SET_ACK, Buffer.from('0500000014000000', 'hex'));
  drawing.send(DISPLAY.MARK);
  await display.waitFor(DISPLAY.MARK);
  return { desk, client, main, display, inputs, drawing };
}

/** What the client was sent on its display channel since the desktop's own two messages. */
function since({ display }: Work): number[] {
  return display.messages.map(({ type }) => type).slice(2);
}

async function terminate({ client }: Work): Promise<void> {
  expect((await site.kerbside.terminate(client.session)).status).toBe(200);
}

async function start(env: NodeJS.ProcessEnv = {}): Promise<void> {
  site = await Site.start({
    ...{ OS_CONSOLE__MESSAGE_SCREEN: 'on', OS_CONSOLE__MESSAGE_SCREEN_TIME: String(SCREEN_TIME) },
    ...{ OS_SPICE__WORKERS: '2', OS_SPICE__PUBLIC_FQDN: 'desk.example' },
    ...env,
  });
}

describe('a session that an administrator ends', () => {
  beforeAll(() => start());
  afterEach(() => site.tidy());
  afterAll(() => site.stop());

  it('shows why in the window of the desktop, while its hypervisor is left at once', async () => {
    const shown = 'kerbside_proxy_message_screens_total{about="terminated"}';
    const closed = 'kerbside_proxy_closed_total{reason="terminated by request"}';
    const [shownBefore, closedBefore] = [await site.metric(shown), await site.metric(closed)];
    const at = await work();
    await terminate(at);
    const { desk, client, main, display } = at;
    await expectPicture(display, {
      ...{ about: 'terminated', session: client.session, seconds: SCREEN_TIME, count: 2 },
    });
    expect(since(at)).toEqual(SCREEN_MESSAGES);
    await waitFor('no channel at the hypervisor', () => desk.server.open.length === 0);
    expect(main.closeReason).toBeNull();
    // The pointer is let go.
    expect((await main.waitFor(MAIN.MOUSE_MODE)).body.toString('hex')).toBe('02000200');
    const audit = await waitFor('the end of all channels in the audit', async () => {
      const messages = (await desk.audit()).filter((text) => text.includes('Channel closed: terminated'));
      return messages.length === 3 ? messages : null;
    });
    expect(audit).toHaveLength(3);
    expect(await site.metricAtLeast(closed, closedBefore + 3)).toBe(closedBefore + 3);
    expect(await site.metricAtLeast(shown, shownBefore + 1)).toBe(shownBefore + 1);
    await waitFor('no session', async () => (await site.sessionIds()).length === 0);
    expect((await display.closed).how).toBe('end');
    expect((await main.closed).how).toBe('end');
  });

  it('takes what the client sends, its acknowledgements included, and hands nothing on', async () => {
    const at = await work();
    // The client is in the middle of messages of its own, on all channels.
    const key = encodeMessage(INPUTS_UP.KEY_SCANCODE, Buffer.from('1e9e', 'hex'), { miniHeader: true });
    at.inputs.write(key.subarray(0, 3));
    const sync = encodeMessage(COMMON_UP.ACK_SYNC, Buffer.from('05000000', 'hex'), { miniHeader: true });
    at.display.write(sync.subarray(0, 8));
    at.main.write(encodeMessage(UP.AGENT_DATA, Buffer.alloc(1000, 7), { miniHeader: true }).subarray(0, 500));
    await delay(300);
    await terminate(at);
    const { client, display } = at;
    const screen = { about: 'terminated', session: client.session, seconds: SCREEN_TIME } as const;
    await expectPicture(display, { ...screen, count: 2 });
    at.inputs.write(key.subarray(3));
    at.display.write(sync.subarray(8));
    at.main.write(Buffer.alloc(506, 7));
    for (let ack = 0; ack < 40; ack += 1) at.display.send(COMMON_UP.ACK);
    at.inputs.send(INPUTS_UP.KEY_SCANCODE, Buffer.from('1e9e', 'hex'));
    // An agent is there for the size of the window: its answers show that the stream is read right.
    at.main.send(UP.AGENT_START, Buffer.from('ffffffff', 'hex'));
    await at.main.waitFor(MAIN.AGENT_DATA);
    at.main.send(UP.AGENT_DATA, monitors(1024, 768));
    await at.main.waitFor(MAIN.AGENT_TOKEN);
    await expectPicture(display, { ...screen, size: { width: 1024, height: 768 }, count: 3 });
    expect(at.main.bodies(MAIN.MIGRATE_SWITCH_HOST)).toEqual([]);
    expect(display.bodies(COMMON.SET_ACK)).toHaveLength(1);
  });

  it('goes on counting in long headers', async () => {
    const at = await work({ commonCaps: [0x1] });
    await terminate(at);
    await at.display.waitFor(DISPLAY.MARK, 2);
    expect(at.display.messages.map(({ serial }) => serial)).toEqual([1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n]);
  });

  it('ends as ever while a message is half sent on its display channel', async () => {
    const at = await work();
    const draw = encodeMessage(DISPLAY.DRAW_COPY, Buffer.alloc(5000), { miniHeader: true });
    at.drawing.write(draw.subarray(0, 2000));
    await waitFor('the half message', () => at.display.pendingBytes > 0);
    await terminate(at);
    await at.display.closed;
    await at.main.closed;
    expect(since(at)).toEqual([]);
    expect(at.display.pendingBytes).toBe(2000);
  });

  it('ends the window as soon as the user closes it', async () => {
    const at = await work();
    await terminate(at);
    await at.display.waitFor(DISPLAY.MARK, 2);
    const before = site.log().split('message screen closed').length;
    await at.client.close();
    await waitFor('the end of the screen in the log', () => {
      const ends = site.log().split('message screen closed').slice(before);
      return ends.filter((line) => line.includes('how="client left"')).length === 3;
    });
  });

  it('ends as ever where screens are off', async () => {
    const desk = await site.desk({}, { message_screen: 'off' });
    const client = await site.client(desk.uuid);
    const main = await client.openMain();
    const display = await client.open('display');
    expect((await site.kerbside.terminate(client.session)).status).toBe(200);
    await main.closed;
    await display.closed;
    expect(display.messages).toEqual([]);
  });
});

describe('a session that gives way to another one', () => {
  beforeAll(() => start({ OS_CONSOLE__CONCURRENT_SESSIONS: 'replace' }));
  afterEach(() => site.tidy());
  afterAll(() => site.stop());

  it('says so, while the other one works', async () => {
    const at = await work();
    const other = await site.client(at.desk.uuid);
    const main = await other.openMain();
    await expectPicture(at.display, {
      ...{ about: 'replaced', session: at.client.session, seconds: SCREEN_TIME, count: 2 },
    });
    expect(main.closeReason).toBeNull();
    expect((await other.open('display')).linked).toBe(true);
  });
});

describe('a proxy that ends', () => {
  beforeAll(() => start({ OS_PROXY__DRAIN_TIMEOUT: '1' }));
  afterAll(() => site.stop());

  it('says so when its users had their time, and a key sends them to another one', async () => {
    const at = await work();
    site.kerbside.program.child.kill('SIGTERM');
    await expectPicture(at.display, {
      ...{ about: 'interrupted', session: at.client.session, seconds: SHUTDOWN_SCREEN_TIME, count: 2 },
    });
    at.inputs.send(INPUTS_UP.KEY_SCANCODE, Buffer.from('1e9e', 'hex'));
    await delay(2300);
    expect(at.main.bodies(MAIN.MIGRATE_SWITCH_HOST)).toEqual([]);
    at.inputs.send(INPUTS_UP.KEY_SCANCODE, Buffer.from('1e9e', 'hex'));
    const { body } = await at.main.waitFor(MAIN.MIGRATE_SWITCH_HOST);
    expect(body.toString('latin1', 20)).toBe(`desk.example\0${site.hostSubject}\0`);
    await at.client.close();
    await waitFor('the end of the program', () => site.kerbside.program.ended() !== null);
    expect(at.inputs.bodies(INPUTS.INIT)).toEqual([]);
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
