// SPDX-License-Identifier: Apache-2.0
// What is relayed: every byte of every channel, both ways, in order; what the main channel must not carry; back
// pressure in both directions; idle channels.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { CHANNEL, type ChannelName } from '../../../src/console/spice/constants.js';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../../../src/console/spice/message-types.js';
import { Site } from '../../fixtures/kerbside.js';
import { placeBody } from '../../fixtures/migration-bodies.js';
import { waitFor } from '../../fixtures/program.js';
import { mainInitBody, notifyBody } from '../../fixtures/spice-bodies.js';
import { encodeMessage, type Mailbox } from '../../fixtures/spice-messages.js';
import type { SpiceServerOptions } from '../../fixtures/spice-server-options.js';

const MAIN = SERVER_MESSAGE.main;
const MIB = 1024 * 1024;
const NAMES = Object.keys(CHANNEL).filter((name) => name !== 'main') as ChannelName[];

let site: Site;

beforeAll(async () => {
  site = await Site.start({ OS_PROXY__IDLE_TIMEOUT: 'smartcard:1' });
});
afterEach(() => site.tidy());
afterAll(() => site.stop());

/** A backend with TLS only, of the known authority. */
function tlsOnly(): SpiceServerOptions {
  return { plain: false, tls: site.certificates.hypervisor };
}

const ROW = { hypervisor: 'localhost' };

describe('the whole way', () => {
  it('carries all eleven channel types, and tells of each', async () => {
    const desk = await site.desk({ channels: NAMES.map((name) => [name, 0] as const) });
    const client = await site.client(desk.uuid);
    await client.openMain();
    for (const name of NAMES) {
      const channel = await client.open(name);
      const server = await desk.server.channel(name);
      server.send(SERVER_MESSAGE.common.PING, Buffer.alloc(12, 7));
      await channel.waitFor(SERVER_MESSAGE.common.PING);
      await server.waitFor(CLIENT_MESSAGE.common.PONG);
    }
    const view = (await site.kerbside.sessions())[client.session];
    expect(view?.channels.map(({ channel_type }) => channel_type).sort()).toEqual([...NAMES, 'main'].sort());
    await client.close();
    await waitFor('an empty /session', async () => (await site.sessionIds()).length === 0);
    await waitFor('the last audit message', async () => {
      const closed = (await desk.audit()).filter((message) => message.startsWith('Channel closed: '));
      return closed.length === 11;
    });
    const audit = await desk.audit();
    expect(audit.slice(0, 2)).toEqual([
      'Discovered new console',
      'Created authentication token for session.',
    ]);
    expect(audit.filter((message) => message === 'Channel created')).toHaveLength(11);
    expect(audit.filter((message) => message === 'Hypervisor connection successful')).toHaveLength(11);
    expect(audit.at(-1)).toMatch(/^Channel closed: .* after [\d.]+ s, \d+ bytes up, \d+ bytes down$/);
    expect(await site.logged('hypervisor connection successful; handing off to relay')).not.toHaveLength(0);
  });

  it('shows the backend its own ticket and session id, and the capabilities of the client', async () => {
    const desk = await site.desk({ sessionIds: [0x1234] });
    const client = await site.client(desk.uuid);
    await client.openMain({ channelCaps: [0x5] });
    await client.open('display', 0, { channelCaps: [0x3bf] });
    const main = await desk.server.channel('main');
    expect(main.facts.ticket).toBe('s3cret');
    expect(main.facts.mess).toMatchObject({ connectionId: 0, channelCaps: [0x5] });
    const display = await desk.server.channel('display');
    expect(display.facts.mess).toMatchObject({ connectionId: 0x1234, channelCaps: [0x3bf] });
    expect(client.sessionId).not.toBe(0x1234);
    expect(client.sessionId).not.toBe(0);
  });

  it('keeps two sessions apart whose backends hand out the same session id', async () => {
    const desks = [await site.desk({ sessionIds: [77] }), await site.desk({ sessionIds: [77] })];
    const clients = await Promise.all(desks.map(async ({ uuid }) => site.client(uuid)));
    await Promise.all(clients.map(async (client) => client.openMain()));
    expect(clients[0]?.sessionId).not.toBe(clients[1]?.sessionId);
    for (const [index, client] of clients.entries()) {
      await client.open('display');
      const display = await desks[index]?.server.channel('display');
      expect(display?.facts.mess.connectionId).toBe(77);
    }
  });

  it('carries full headers for a client without mini headers', async () => {
    const desk = await site.desk();
    const client = await site.client(desk.uuid, { commonCaps: [0x1] });
    const main = await client.openMain();
    expect(main.miniHeader).toBe(false);
    const server = await desk.server.channel('main');
    expect(server.facts.miniHeader).toBe(false);
    main.send(CLIENT_MESSAGE.main.ATTACH_CHANNELS);
    await main.waitFor(MAIN.CHANNELS_LIST);
    expect(main.messages.map(({ serial }) => serial)).toEqual([1n, 2n]);
  });
});

describe('messages that come with the link result', () => {
  const hello = Buffer.concat([
    encodeMessage(SERVER_MESSAGE.common.SET_ACK, Buffer.alloc(8), { miniHeader: true }),
    encodeMessage(SERVER_MESSAGE.display.MARK, Buffer.alloc(0), { miniHeader: true }),
  ]);

  it.each([
    ['plain', () => ({}), {}],
    ['TLS', tlsOnly, ROW],
  ] as const)('are relayed from a %s backend, and reading goes on', async (_transport, options, row) => {
    const desk = await site.desk({ ...options(), joinResult: true, greeting: { display: hello } }, row);
    const client = await site.client(desk.uuid);
    const main = await client.openMain();
    const display = await client.open('display');
    await display.waitFor(SERVER_MESSAGE.display.MARK);
    (await desk.server.channel('display')).send(SERVER_MESSAGE.display.RESET);
    await display.waitFor(SERVER_MESSAGE.display.RESET);
    (await desk.server.channel('main')).send(MAIN.MULTI_MEDIA_TIME, Buffer.alloc(4));
    await main.waitFor(MAIN.MULTI_MEDIA_TIME);
  });

  it('are relayed to the backend when the client did not wait for the result', async () => {
    const desk = await site.desk();
    const client = await site.client(desk.uuid);
    await client.openMain();
    const inputs = await client.open('inputs');
    inputs.send(CLIENT_MESSAGE.inputs.KEY_DOWN, Buffer.from([0x1e, 0, 0, 0]));
    await (await desk.server.channel('inputs')).waitFor(CLIENT_MESSAGE.inputs.KEY_DOWN);
  });
});

describe('the main channel', () => {
  it.each([
    ['plain', () => ({}), {}],
    ['TLS', tlsOnly, ROW],
  ] as const)('takes MAIN_INIT of a %s backend in any pieces', async (_transport, options, row) => {
    const desk = await site.desk({ ...options(), autoMain: false }, row);
    for (const cut of [1, 5, 6, 7, 20, 37]) {
      const client = await site.client(desk.uuid);
      const linked = client.openMain();
      const server = await desk.server.channel('main');
      const init = server.frame(MAIN.INIT, mainInitBody(99));
      await server.writePieces([init.subarray(0, cut), init.subarray(cut)], 20);
      await linked;
      await client.close();
      await server.closed;
    }
  });

  it('drops the notice that the keyboard is insecure, which is not true over TLS, and reads on', async () => {
    const desk = await site.desk();
    const client = await site.client(desk.uuid);
    const main = await client.openMain();
    await client.open('inputs');
    const server = await desk.server.channel('main');
    for (let round = 0; round < 3; round += 1) {
      server.send(SERVER_MESSAGE.common.NOTIFY, notifyBody('keyboard channel is insecure'));
      // Whoever serves another channel meanwhile has read so far.
      await (await client.open('cursor')).close();
    }
    server.send(SERVER_MESSAGE.common.NOTIFY, notifyBody('the guest is on fire'));
    const notice = await main.waitFor(SERVER_MESSAGE.common.NOTIFY);
    expect(notice.body.toString('latin1')).toContain('the guest is on fire');
    expect(main.bodies(SERVER_MESSAGE.common.NOTIFY)).toHaveLength(1);
  });

  it('ends when the backend nests messages, which could hide one that is withheld', async () => {
    const desk = await site.desk();
    const client = await site.client(desk.uuid);
    const main = await client.openMain();
    (await desk.server.channel('main')).send(SERVER_MESSAGE.common.LIST, Buffer.alloc(8));
    await main.closed;
    await site.audited(desk.uuid, 'Channel closed: backend broke the protocol');
  });
});

describe('the channel policy', () => {
  it('ends a channel whose client sends what no client may, before the backend sees it', async () => {
    const desk = await site.desk();
    const client = await site.client(desk.uuid);
    await client.openMain();
    const inputs = await client.open('inputs');
    const server = await desk.server.channel('inputs');
    inputs.send(200, Buffer.alloc(4));
    await inputs.closed;
    expect(server.messages).toHaveLength(0);
    await site.audited(
      desk.uuid,
      'Firewall verdicts this connection: disallowed_type (enforced=1, observed=0)',
    );
    expect(
      await site.metric(
        'kerbside_proxy_firewall_verdicts_total{channel="inputs",direction="client_to_server",rule="disallowed_type",action="enforced"}',
      ),
    ).toBe(1);
  });

  it('ends a channel whose backend claims an absurd length', async () => {
    const desk = await site.desk();
    const client = await site.client(desk.uuid);
    await client.openMain();
    const display = await client.open('display');
    const header = Buffer.from([0x30, 0x01, 0xff, 0xff, 0xff, 0xff]);
    (await desk.server.channel('display')).write(header);
    await display.closed;
    await site.audited(desk.uuid, 'size_cap (enforced=1, observed=0)');
  });
});

describe('bulk', () => {
  it('arrives intact in both directions on many channels at once', async () => {
    const desks = [await site.desk(), await site.desk(tlsOnly(), ROW)];
    const ends: (readonly [End, End])[] = [];
    for (const desk of desks) {
      const client = await site.client(desk.uuid);
      await client.openMain();
      for (const name of ['usbredir', 'webdav'] as const) {
        const near = await client.open(name);
        const far = await desk.server.channel(name);
        ends.push([near, far], [far, near]);
      }
    }
    // All linked before: this process is client and server of all, and busy from now on.
    await Promise.all(ends.map(([from, to]) => carries(from, to, 6 * MIB)));
  });
});

describe('back pressure', () => {
  it('stops the backend of a client that never reads, in bounded memory, and closes it in the end', async () => {
    const desk = await site.desk();
    const other = await site.desk();
    const [client, bystander] = [await site.client(desk.uuid), await site.client(other.uuid)];
    await client.openMain();
    const untouched = await bystander.openMain();
    const display = await client.open('display');
    const server = await desk.server.channel('display');
    const before = site.workerMemory();
    display.pause();
    void server.flood(SERVER_MESSAGE.display.DRAW_COPY, 60_000, 1024 * MIB);
    await waitFor('a backend that has to wait', () => server.socket.writableNeedDrain);
    (await other.server.channel('main')).send(MAIN.MULTI_MEDIA_TIME, Buffer.alloc(4));
    await untouched.waitFor(MAIN.MULTI_MEDIA_TIME);
    let most = 0;
    await waitFor('end of the channel', () => {
      most = Math.max(most, site.workerMemory());
      return server.socket.destroyed;
    });
    // What the kernels of both legs hold, and little more.
    expect(server.socket.bytesWritten).toBeLessThan(64 * MIB);
    expect(most - before).toBeLessThan(48 * MIB);
    await site.audited(desk.uuid, 'Channel closed: client stopped reading');
  });

  it('stops a client whose backend never reads, and closes it in the end', async () => {
    const desk = await site.desk();
    const client = await site.client(desk.uuid);
    await client.openMain();
    const usb = await client.open('usbredir');
    const server = await desk.server.channel('usbredir');
    server.pause();
    const before = site.workerMemory();
    const message = usb.frame(CLIENT_MESSAGE.usbredir.DATA, Buffer.alloc(60_000));
    const pump = setInterval(() => {
      while (usb.socket !== null && usb.socket.writableLength < MIB && usb.write(message));
    }, 1);
    try {
      await usb.closed;
    } finally {
      clearInterval(pump);
    }
    expect(site.workerMemory() - before).toBeLessThan(48 * MIB);
    await site.audited(desk.uuid, 'Channel closed: backend stopped reading');
  });

  it('closes an idle channel of a type that has an idle time, and no other', async () => {
    const desk = await site.desk();
    const client = await site.client(desk.uuid);
    await client.openMain();
    const smartcard = await client.open('smartcard');
    const cursor = await client.open('cursor');
    await smartcard.closed;
    await site.audited(desk.uuid, 'Channel closed: idle');
    expect(cursor.closeReason).toBeNull();
  });
});

describe('what a client is told', () => {
  it('names neither the hypervisor nor its address', async () => {
    const desk = await site.desk({ host: '127.0.0.77' });
    const client = await site.client(desk.uuid, { keepRaw: true });
    const main = await client.openMain();
    main.send(CLIENT_MESSAGE.main.ATTACH_CHANNELS);
    await main.waitFor(MAIN.CHANNELS_LIST);
    // Where the guest really goes is for migration.test.ts.
    const place = { host: '127.0.0.77', port: 5900, tlsPort: 65535, subject: 'CN=hv-17.secret.example' };
    const source = await desk.server.channel('main');
    source.send(MAIN.MIGRATE_BEGIN, placeBody(place));
    source.send(MAIN.MIGRATE_BEGIN_SEAMLESS, placeBody(place, 1));
    await client.open('display');
    (await desk.server.channel('main')).send(MAIN.MULTI_MEDIA_TIME, Buffer.alloc(4));
    await main.waitFor(MAIN.MULTI_MEDIA_TIME);
    const heard = [client.vv.text, ...client.channels.map(({ raw }) => raw.toString('latin1'))].join('\n');
    expect(heard).not.toContain('127.0.0.77');
    expect(heard).not.toContain('secret.example');
    expect(heard).not.toContain(String(desk.server.plainPort));
    expect(site.log()).not.toContain(client.vv.password);
    expect(site.log()).not.toContain('s3cret');
  });
});

interface End extends Mailbox {
  readonly socket: Socket | null;
  frame(type: number, body?: Uint8Array): Buffer;
}

/** Sends random messages from one end to the other and compares. */
async function carries(from: End, to: End, total: number): Promise<void> {
  const type = 101;
  const sent = createHash('sha256');
  let count = 0;
  for (let left = total; left > 0; count += 1) {
    const body = randomBytes(Math.min(left, 1 + (randomBytes(3).readUIntLE(0, 3) % 200_000)));
    left -= body.length;
    sent.update(body);
    if (from.socket?.write(from.frame(type, body)) === false) await once(from.socket, 'drain');
  }
  await to.waitFor(type, count, 25_000);
  const received = createHash('sha256');
  to.bodies(type).forEach((body) => received.update(body));
  expect(received.digest('hex')).toBe(sent.digest('hex'));
}
