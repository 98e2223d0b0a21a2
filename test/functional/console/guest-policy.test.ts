// SPDX-License-Identifier: Apache-2.0
// The guest policy in a real proxy: what a client and a hypervisor hear of each other, which channels open, what is counted and
// recorded, and how all of it changes while sessions live.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { CHANNEL } from '../../../src/console/spice/constants.js';
import {
  agent,
  agentMessages,
  usbDevice,
  usbHello,
  usbInterfaces,
  usbPacket,
  words,
} from '../../fixtures/guest-policy-scene.js';
import { type Guest, Site } from '../../fixtures/kerbside.js';
import { waitForOutput } from '../../fixtures/program.js';
import { scratchFolder } from '../../fixtures/scratch.js';
import type { SpiceMessage } from '../../fixtures/spice-messages.js';

const UP = { start: 106, data: 107 } as const;
const DOWN = { list: 104, data: 109, token: 110, monitors: 317, motionAck: 111 } as const;
const GRAB = agent(7, '0000000001000000');
const REQUEST = agent(8, '0000000001000000');
const TEXT = agent(4, Buffer.from('0000000001000000636f7069656421', 'hex'));
const MARK = agent(5, words(0, 32));
const REPLY = agent(3, words(2, 1));
const SUMMARY = 'Guest policy drops this connection: ';

const folder = scratchFolder('kerbside-guest-policy-');
const confFile = join(folder, 'kerbside.conf');
let site: Site;
let rules = '';
let changes = 0;

/** Writes [guest_policy] and waits until the proxy has taken it up. */
async function policy(...lines: string[]): Promise<void> {
  const text = lines.join('\n');
  if (text === rules) return;
  rules = text;
  writeFileSync(confFile, `[guest_policy]\n${text}\n`);
  changes += 1;
  site.kerbside.program.child.kill('SIGHUP');
  await waitForOutput(site.kerbside.program, 'the guest data policy is another one', changes);
}

/** The relay worker knows what its parent knew before: the answer to its request came behind that. */
async function workerFollows(client: Guest): Promise<void> {
  await client.link('cursor');
}

function typesOf(messages: readonly SpiceMessage[], type: number): number[] {
  return agentMessages(messages.filter((message) => message.type === type).map(({ body }) => body)).map(
    (message) => message.type,
  );
}

function drops(key: string, direction: string): string {
  return `kerbside_proxy_guest_policy_drops_total{key="${key}",direction="${direction}"}`;
}

beforeAll(async () => {
  writeFileSync(confFile, '[guest_policy]\n');
  site = await Site.start({ OS_SPICE__WORKERS: '1' }, confFile);
});
afterEach(async () => {
  await site.tidy();
  await policy();
});
afterAll(async () => {
  await site.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function session() {
  const desk = await site.desk();
  const client = await site.client(desk.uuid);
  const main = await client.openMain();
  const server = await desk.server.channel('main');
  main.send(UP.start, words(0xffffffff));
  await server.waitFor(UP.start);
  return { desk, client, main, server };
}

describe('the clipboard', () => {
  it.each([
    ['none', [], []],
    ['to-guest', [7, 4], [8]],
    ['from-guest', [8], [7, 4]],
    ['both', [7, 8, 4], [7, 8, 4]],
  ] as const)('goes where "%s" says', async (clipboard, up, down) => {
    await policy(...(clipboard === 'both' ? [] : [`clipboard = ${clipboard}`]));
    const { client, main, server } = await session();
    for (const message of [GRAB, REQUEST, TEXT, MARK]) main.send(UP.data, message);
    for (const message of [GRAB, REQUEST, TEXT, REPLY]) server.send(DOWN.data, message);
    await server.waitFor(UP.data, up.length + 1);
    await main.waitFor(DOWN.data, down.length + 1);
    await workerFollows(client);
    const empty = (types: readonly number[], asked: boolean): number[] =>
      asked ? [...types] : [...types, 4];
    // Who asked for what is forbidden has an empty answer; it may come before or behind the rest.
    const sorted = (types: readonly number[]): number[] => [...types].sort((one, other) => one - other);
    expect(sorted(typesOf(server.messages, UP.data))).toEqual(
      sorted([...empty(up, (down as readonly number[]).includes(8)), 5]),
    );
    expect(sorted(typesOf(main.messages, DOWN.data))).toEqual(
      sorted([...empty(down, (up as readonly number[]).includes(8)), 3]),
    );
  });

  it('that is kept back costs the client no token, and is counted and recorded', async () => {
    await policy('clipboard = none');
    const counted = drops('clipboard', 'client_to_server');
    const before = await site.metric(counted);
    const { desk, client, main, server } = await session();
    for (let sent = 1; sent <= 30; sent += 1) {
      main.send(UP.data, GRAB);
      await main.waitFor(DOWN.token, sent);
    }
    main.send(UP.data, MARK);
    await server.waitFor(UP.data);
    expect(typesOf(server.messages, UP.data)).toEqual([5]);
    await site.metricAtLeast(counted, before + 30);
    await client.close();
    await site.audited(desk.uuid, `${SUMMARY}clipboard (client_to_server=30)`);
  });

  it('follows a policy that changes, both ways', async () => {
    const { client, main, server } = await session();
    main.send(UP.data, GRAB);
    await server.waitFor(UP.data);
    await policy('clipboard = none');
    await workerFollows(client);
    main.send(UP.data, GRAB);
    server.send(DOWN.data, GRAB);
    await main.waitFor(DOWN.token);
    server.send(DOWN.data, REPLY);
    await main.waitFor(DOWN.data);
    await policy();
    await workerFollows(client);
    main.send(UP.data, TEXT);
    server.send(DOWN.data, TEXT);
    await server.waitFor(UP.data, 2);
    await main.waitFor(DOWN.data, 2);
    expect(typesOf(server.messages, UP.data)).toEqual([7, 4]);
    expect(typesOf(main.messages, DOWN.data)).toEqual([3, 4]);
  });
});

describe('a client that sends to the agent without tokens', () => {
  it('is ended by a rule of the firewall', async () => {
    const { desk, main, server } = await session();
    for (let sent = 0; sent < 11; sent += 1) main.send(UP.data, MARK);
    await main.closed;
    await site.audited(desk.uuid, 'agent_tokens (enforced=1, observed=0)');
    expect(server.bodies(UP.data).length).toBeLessThanOrEqual(10);
  });
});

describe('a file', () => {
  it('is refused in a way that the client understands', async () => {
    await policy('file_transfer = none');
    const { main, server } = await session();
    main.send(UP.data, agent(10, words(7)));
    await main.waitFor(DOWN.data);
    main.send(UP.data, MARK);
    await server.waitFor(UP.data);
    expect(main.bodies(DOWN.data)).toEqual([agent(11, words(7, 7))]);
    expect(typesOf(server.messages, UP.data)).toEqual([5]);
  });
});

const CHANNELS = [
  ['webdav', 'folder_sharing = false', 'folder_sharing'],
  ['smartcard', 'smartcard = false', 'smartcard'],
  ['usbredir', 'usb = none', 'usb'],
  ['playback', 'audio_playback = false', 'audio_playback'],
  ['record', 'audio_record = false', 'audio_record'],
] as const;

describe.each(CHANNELS)('the %s channel under "%s"', (name, line, key) => {
  it('is not listed and not opened, and ends when it was open before', async () => {
    const desk = await site.desk({
      channels: [
        ['inputs', 0],
        [name, 0],
      ],
    });
    const client = await site.client(desk.uuid);
    const main = await client.openMain();
    const open = await client.open(name);
    await policy(line);
    await open.closed;
    await site.audited(desk.uuid, `Channel closed: channel forbidden: guest_policy_${key}`);
    expect((await client.link(name)).linked).toBe(false);
    await site.audited(desk.uuid, `Channel not permitted by guest policy: guest_policy_${key}`);
    const listed = Buffer.concat([words(1), Buffer.from([CHANNEL.inputs, 0])]);
    (await desk.server.channel('main')).send(
      DOWN.list,
      Buffer.concat([words(2), Buffer.from([CHANNEL[name], 0, CHANNEL.inputs, 0])]),
    );
    const before = main.bodies(DOWN.list).length;
    await main.waitFor(DOWN.list, before + 1);
    expect(main.bodies(DOWN.list).at(-1)).toEqual(listed);
    await policy();
    await main.waitFor(DOWN.list, before + 2);
    expect((await client.link(name)).linked).toBe(true);
  });
});

describe('a device that is not on the list', () => {
  it('does not reach the guest, and its client hears that it was rejected', async () => {
    await policy('usb = class:08');
    const desk = await site.desk({ channels: [['usbredir', 0]] });
    const client = await site.client(desk.uuid);
    await client.openMain();
    const usb = await client.open('usbredir');
    const server = await desk.server.channel('usbredir');
    server.send(101, usbHello(0xff));
    await usb.waitFor(101);
    usb.send(101, usbHello(0xff));
    usb.send(101, Buffer.concat([usbInterfaces([3], 8), usbDevice({}, 8)]));
    await usb.waitFor(101, 2);
    expect(usb.bodies(101).at(-1)).toEqual(usbPacket(22, Buffer.alloc(0), 8));
    const good = Buffer.concat([usbInterfaces([8], 8), usbDevice({}, 8)]);
    usb.send(101, good);
    await server.waitFor(101, 3);
    expect(server.bodies(101)).toEqual([usbHello(0xff), usbInterfaces([3], 8), good]);
  });
});

describe('a session that only looks', () => {
  it('types nothing and moves nothing, and its client never waits', async () => {
    const { desk, client } = await session();
    const inputs = await client.open('inputs');
    const server = await desk.server.channel('inputs');
    inputs.send(101, words(30));
    await server.waitFor(101);
    await policy('view_only = true');
    await workerFollows(client);
    for (let sent = 0; sent < 8; sent += 1) inputs.send(111, Buffer.alloc(10));
    inputs.send(101, words(31));
    inputs.send(103, Buffer.alloc(2));
    await inputs.waitFor(DOWN.motionAck, 2);
    await policy();
    await workerFollows(client);
    inputs.send(102, words(30));
    await server.waitFor(102);
    expect(server.messages.map(({ type }) => type).filter((type) => type > 100)).toEqual([101, 102]);
    await site.metricAtLeast(drops('view_only', 'client_to_server'), 10);
  });
});

describe('a desktop with fewer monitors than its guest has', () => {
  it('has no display channel beyond them, and no head on the first', async () => {
    await policy('max_monitors = 1');
    const { desk, client } = await session();
    expect((await client.link('display', 1)).linked).toBe(false);
    await site.audited(desk.uuid, 'Channel not permitted by guest policy: guest_policy_max_monitors');
    const display = await client.open('display');
    const heads = (count: number) =>
      Buffer.concat([Buffer.from([count, 0, count, 0]), Buffer.alloc(28 * count)]);
    (await desk.server.channel('display')).send(DOWN.monitors, heads(2));
    await display.waitFor(DOWN.monitors);
    expect(display.bodies(DOWN.monitors)).toEqual([heads(1)]);
  });
});
