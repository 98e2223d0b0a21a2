// SPDX-License-Identifier: Apache-2.0
// A client whose desktop does not come up is let in by the proxy itself and shown why: over the wire, with two relay workers,
// so that the channels of one screen are served by either.
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Size } from '../../../src/console/spice/screen-messages.js';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../../../src/console/spice/message-types.js';
import type { Explained } from '../../../src/service/explanation.js';
import { HYPERVISOR, Site, type Desk, type Guest } from '../../fixtures/kerbside.js';
import { delay, waitFor } from '../../fixtures/program.js';
import { expectPicture as expectScreen } from '../../fixtures/shown-screen.js';
import type { ClientChannel } from '../../fixtures/spice-client.js';

jest.setTimeout(120_000);

const { main: MAIN, display: DISPLAY, inputs: INPUTS } = SERVER_MESSAGE;
const SCREEN_TIME = 12;

let site: Site;

beforeAll(async () => {
  site = await Site.start({
    ...{ OS_CONSOLE__MESSAGE_SCREEN: 'on', OS_CONSOLE__MESSAGE_SCREEN_TIME: String(SCREEN_TIME) },
    ...{
      OS_CONSOLE__MAX_MESSAGE_SCREENS: '12',
      OS_SPICE__WORKERS: '2',
      OS_SPICE__PUBLIC_FQDN: 'desk.example',
    },
  });
});
afterEach(() => site.tidy());
afterAll(() => site.stop());

/** A console whose hypervisor is away. */
async function deadDesk(): Promise<Desk> {
  const desk = await site.desk();
  await desk.server.close();
  return desk;
}

/** The screen's main channel and what it offers. */
async function openScreen(client: Guest): Promise<ClientChannel> {
  const main = await client.openMain();
  main.send(CLIENT_MESSAGE.main.ATTACH_CHANNELS);
  const list = await main.waitFor(MAIN.CHANNELS_LIST);
  expect(list.body.toString('hex')).toBe('0200000002000300');
  return main;
}

/** The newest picture on a display channel is the one about this. */
async function expectPicture(
  display: ClientChannel,
  { session }: Guest,
  about: Explained,
  more: { size?: Size; count?: number } = {},
): Promise<void> {
  await expectScreen(display, { about, session, seconds: SCREEN_TIME, ...more });
}

function agentData(type: number, words: readonly number[]): Buffer {
  const body = Buffer.alloc(20 + words.length * 4);
  body.writeUInt32LE(1, 0);
  body.writeUInt32LE(type, 4);
  body.writeUInt32LE(words.length * 4, 16);
  words.forEach((word, index) => body.writeUInt32LE(word, 20 + index * 4));
  return body;
}

describe('a desktop whose hypervisor is away', () => {
  it('shows the reason, and is recorded as it is without a screen', async () => {
    const shown = 'kerbside_proxy_message_screens_total{about="unreachable"}';
    const failures = 'kerbside_proxy_backend_failures_total{reason="refused"}';
    const [shownBefore, failuresBefore] = [await site.metric(shown), await site.metric(failures)];
    const { uuid } = await deadDesk();
    const client = await site.client(uuid);
    await openScreen(client);
    const display = await client.open('display');
    await expectPicture(display, client, 'unreachable');
    expect(display.messages.map(({ type }) => type)).toEqual([
      ...[DISPLAY.SURFACE_CREATE, DISPLAY.MONITORS_CONFIG, DISPLAY.DRAW_COPY, DISPLAY.MARK],
    ]);
    await site.audited(uuid, 'Hypervisor connection failed: connection refused');
    await site.audited(uuid, 'Channel closed: backend failed');
    expect(await site.metricAtLeast(failures, failuresBefore + 1)).toBe(failuresBefore + 1);
    expect(await site.metricAtLeast(shown, shownBefore + 1)).toBe(shownBefore + 1);
    // The screen is nobody's session; the end of the failed one is recorded with others of its instant.
    await waitFor('no session', async () => (await site.sessionIds()).length === 0);
    expect(
      Buffer.concat(client.channels.flatMap(({ messages }) => messages.map(({ body }) => body))).includes(
        HYPERVISOR,
      ),
    ).toBe(false);
  });

  it('speaks to clients with long headers', async () => {
    const { uuid } = await deadDesk();
    const client = await site.client(uuid, { commonCaps: [0x1] });
    const main = await openScreen(client);
    expect(main.miniHeader).toBe(false);
    await expectPicture(await client.open('display'), client, 'unreachable');
    expect(main.messages.map(({ serial }) => serial)).toEqual([1n, 2n]);
  });

  it('is drawn anew in the size of the window', async () => {
    const { uuid } = await deadDesk();
    const client = await site.client(uuid);
    const main = await openScreen(client);
    const display = await client.open('display');
    await expectPicture(display, client, 'unreachable');
    main.send(CLIENT_MESSAGE.main.AGENT_START, Buffer.from('ffffffff', 'hex'));
    const announced = await main.waitFor(MAIN.AGENT_DATA);
    expect(announced.body.readUInt32LE(24) & 0b10).toBe(0b10);
    main.send(CLIENT_MESSAGE.main.AGENT_DATA, agentData(2, [1, 0, 1024, 1280, 32, 0, 0]));
    await main.waitFor(MAIN.AGENT_TOKEN);
    await expectPicture(display, client, 'unreachable', { size: { width: 1280, height: 1024 }, count: 2 });
    expect(display.bodies(DISPLAY.SURFACE_DESTROY)).toHaveLength(1);
  });

  it('is back after a key: the client is sent to the proxy again, with the same ticket', async () => {
    const desk = await deadDesk();
    const client = await site.client(desk.uuid);
    const main = await openScreen(client);
    const inputs = await client.open('inputs');
    await inputs.waitFor(INPUTS.INIT);
    // Keys of the first moment, keys let go and modifiers do nothing.
    inputs.send(CLIENT_MESSAGE.inputs.KEY_SCANCODE, Buffer.from('1e9e', 'hex'));
    await delay(1500);
    inputs.send(CLIENT_MESSAGE.inputs.KEY_SCANCODE, Buffer.from('2aaa', 'hex'));
    inputs.send(CLIENT_MESSAGE.inputs.KEY_UP, Buffer.from('9e000000', 'hex'));
    await delay(500);
    expect(main.bodies(MAIN.MIGRATE_SWITCH_HOST)).toEqual([]);
    const revived = await site.hypervisor({ plainPort: desk.server.plainPort });
    inputs.send(CLIENT_MESSAGE.inputs.KEY_DOWN, Buffer.from('1e000000', 'hex'));
    const { body } = await main.waitFor(MAIN.MIGRATE_SWITCH_HOST);
    expect([body.readUInt16LE(0), body.readUInt16LE(2)]).toEqual([0, site.kerbside.ports.secure]);
    expect(body.toString('latin1', 20)).toBe(`desk.example\0${site.hostSubject}\0`);
    await client.close();
    const again = await site.client(desk.uuid, {}, client.vv);
    await again.openMain();
    expect(await revived.channel('main')).toBeDefined();
  });

  it('closes when its time is over', async () => {
    const { uuid } = await deadDesk();
    const client = await site.client(uuid);
    const startedAt = Date.now();
    const main = await openScreen(client);
    const display = await client.open('display');
    expect((await main.closed).how).toBe('end');
    expect((await display.closed).how).toBe('end');
    expect(Date.now() - startedAt).toBeGreaterThan((SCREEN_TIME - 1) * 1000);
  });
});

describe('other reasons', () => {
  it('a hypervisor that refuses the ticket', async () => {
    const { uuid } = await site.desk({ password: 'changed' });
    const client = await site.client(uuid);
    await openScreen(client);
    await expectPicture(await client.open('display'), client, 'refused');
  });

  it('a hypervisor that ends the connection before a message', async () => {
    const { uuid } = await site.desk({ behaviour: { at: 'linked', act: 'close' }, autoMain: false });
    const client = await site.client(uuid);
    await openScreen(client);
    await expectPicture(await client.open('display'), client, 'machine_ended');
  });

  it('a desktop that is open in another window, which goes on', async () => {
    const desk = await site.desk();
    const first = await site.client(desk.uuid);
    const main = await first.openMain();
    const second = await site.client(desk.uuid, {}, first.vv);
    await openScreen(second);
    await expectPicture(await second.open('display'), second, 'in_use');
    expect((await first.open('display')).linked).toBe(true);
    expect(main.closeReason).toBeNull();
  });
});

describe('who is shown nothing', () => {
  it('strangers, and clients whose console has its screens off', async () => {
    const [off = ''] = await site.consoles({ insecure_port: 1, message_screen: 'off' });
    const client = await site.client(off);
    expect((await client.link('main', 0, { connectionId: 0 })).outcome).toMatchObject({ type: 'closed' });
    const { uuid } = await deadDesk();
    const stranger = await site.client(uuid, { password: 'x'.repeat(48) });
    expect((await stranger.link('main', 0, { connectionId: 0 })).outcome).toEqual({
      type: 'result',
      code: 7,
    });
  });

  it('the holder of another ticket, on the channels of a screen', async () => {
    const { uuid } = await deadDesk();
    const client = await site.client(uuid);
    await openScreen(client);
    const other = await site.vv(uuid);
    const display = await client.link('display', 0, { password: other.password });
    expect(display.outcome).toEqual({ type: 'result', code: 8 });
    expect((await client.link('cursor', 0)).outcome).toEqual({ type: 'result', code: 8 });
  });

  it('clients beyond the limit of their worker', async () => {
    const { uuid } = await deadDesk();
    const outcomes: string[] = [];
    // Two workers with room for 12 channels each.
    for (let opened = 0; opened < 25; opened += 1) {
      const client = await site.client(uuid);
      outcomes.push((await client.link('main', 0, { connectionId: 0 })).outcome.type);
    }
    expect(outcomes.filter((type) => type === 'closed').length).toBeGreaterThan(0);
    expect(outcomes.filter((type) => type === 'linked').length).toBeLessThanOrEqual(24);
  });
});

describe('a screen and the process', () => {
  it('what a client floods it with ends its channel and no other', async () => {
    const { uuid } = await deadDesk();
    const client = await site.client(uuid);
    const main = await openScreen(client);
    const display = await client.open('display');
    display.send(CLIENT_MESSAGE.common.PONG, Buffer.alloc(1024 * 1024 + 1));
    await display.closed;
    expect(main.closeReason).toBeNull();
    main.send(CLIENT_MESSAGE.main.AGENT_DATA, Buffer.alloc(2049));
    await main.closed;
    await waitFor('the end of the screen in the log', () =>
      site.log().includes('how="client broke the protocol"'),
    );
  });
});
