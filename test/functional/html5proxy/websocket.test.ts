// SPDX-License-Identifier: Apache-2.0
// SPICE over WebSockets, from a test client to a fake hypervisor through kerbside-html5proxy and kerbside-proxy: the same
// tokens, limits and audit as native clients have, and the browser's own address in all of them.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../../../src/console/spice/message-types.js';
import { Html5Proxy } from '../../fixtures/html5proxy.js';
import { Site, residentBytes, type Desk, type Guest } from '../../fixtures/kerbside.js';
import { delay, waitFor } from '../../fixtures/program.js';

const BROWSER = '127.0.0.9';
const MIB = 1024 * 1024;
const OPTIONS = {
  OS_PROXY__PROXY_PROTOCOL_FROM: '127.0.0.1',
  OS_HTML5PROXY__ALLOWED_ORIGINS: 'dashboard.example.org, 2001:db8::5',
  OS_HTML5PROXY__TRUSTED_PROXIES: '127.0.0.40/31',
  OS_HTML5PROXY__MAX_CONNECTIONS_PER_ADDRESS: '12',
};

let site: Site;
let html5: Html5Proxy;
let desk: Desk;

beforeAll(async () => {
  site = await Site.start({ OS_PROXY__PROXY_PROTOCOL_FROM: '127.0.0.1' });
  html5 = await Html5Proxy.start(site, OPTIONS);
});
afterEach(async () => {
  await html5.tidy();
  await site.tidy();
  await waitFor('the end of all WebSockets', async () => (await html5.metric(ACTIVE)) === 0);
});
afterAll(async () => {
  await html5.stop();
  await site.stop();
});

const ACTIVE = 'kerbside_html5proxy_active_websockets';

/** A client that speaks SPICE through the tunnel, with the capabilities of the browser's client. */
async function browser(
  headers: Record<string, string> = {},
  localAddress = BROWSER,
  through = html5,
): Promise<Guest> {
  desk = await site.desk();
  const tunnel = await through.tunnel({ headers, localAddress });
  const vv = await site.vv(desk.uuid);
  const plain = { host: '127.0.0.1', port: tunnel.port, tls: undefined };
  return site.client(desk.uuid, { ...plain, commonCaps: [0x9], channelCaps: [0x4] } as never, vv);
}

/** Waits until half a second has passed in which nothing more was taken. */
async function comesToRest(bytesWritten: () => number): Promise<void> {
  await waitFor('rest', async () => {
    const before = bytesWritten();
    await delay(500);
    return bytesWritten() === before;
  });
}

async function clientsOf(session: string): Promise<string[]> {
  const { body } = await site.kerbside.api('GET', '/session');
  const sessions = JSON.parse(body) as Record<string, { channels: { client_ip: string }[] }>;
  return (sessions[session]?.channels ?? []).map(({ client_ip }) => client_ip);
}

/** What the upgrade is answered with, raw. */
async function upgrade(headers: Record<string, string>, path = '/websockify'): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: html5.port, localAddress: BROWSER });
  const lines = Object.entries({
    Host: `127.0.0.1:${html5.port}`,
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
  const text = await firstBytes(socket);
  socket.destroy();
  return text;
}

async function firstBytes(socket: Socket): Promise<string> {
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  return bytes.toString('latin1');
}

describe('a browser', () => {
  it('opens a session with its channels, and is known by its own address', async () => {
    const client = await browser();
    const main = await client.openMain();
    await client.open('display');
    await client.open('inputs');
    (await desk.server.channel('main')).send(SERVER_MESSAGE.main.MULTI_MEDIA_TIME, Buffer.alloc(4));
    await main.waitFor(SERVER_MESSAGE.main.MULTI_MEDIA_TIME);
    expect(await clientsOf(client.session)).toEqual([BROWSER, BROWSER, BROWSER]);
    expect(await html5.metric(ACTIVE)).toBe(3);
    await client.close();
    await waitFor('the end of the session', async () => (await site.sessionIds()).length === 0);
  });

  it('gets and sends bulk intact', async () => {
    const client = await browser();
    await client.openMain();
    const near = await client.open('usbredir');
    const far = await desk.server.channel('usbredir');
    const down = Buffer.alloc(8 * MIB, 'down and down');
    const up = Buffer.alloc(8 * MIB, 'up and up');
    far.send(SERVER_MESSAGE.usbredir.DATA, down);
    near.send(CLIENT_MESSAGE.usbredir.DATA, up);
    expect((await near.waitFor(SERVER_MESSAGE.usbredir.DATA, 1, 15_000)).body.equals(down)).toBe(true);
    expect((await far.waitFor(CLIENT_MESSAGE.usbredir.DATA, 1, 15_000)).body.equals(up)).toBe(true);
  });

  it('hears in SPICE that its token is wrong', async () => {
    const client = await browser();
    const main = await client.link('main', 0, { password: 'x'.repeat(48) });
    expect(main.outcome).toEqual({ type: 'result', code: 7 });
  });

  it('loses all its WebSockets at once when the session is terminated', async () => {
    const client = await browser();
    const main = await client.openMain();
    const display = await client.open('display');
    await site.kerbside.terminate(client.session);
    await Promise.all([main.closed, display.closed]);
    expect(await site.auditOf(desk.uuid)).toContain('Session terminated by request');
  });

  it('that loses one of its WebSockets loses the session, and not when it closes one', async () => {
    const client = await browser();
    const main = await client.openMain();
    const [, cursor, display] = await Promise.all([
      client.open('inputs'),
      client.open('cursor'),
      client.open('display'),
    ]);
    const [, , closed, lost] = html5.webSockets;
    closed?.close();
    await waitFor('the end of one', async () => (await html5.metric(ACTIVE)) === 3);
    (await desk.server.channel('main')).send(SERVER_MESSAGE.main.MULTI_MEDIA_TIME, Buffer.alloc(4));
    await main.waitFor(SERVER_MESSAGE.main.MULTI_MEDIA_TIME);
    lost?.terminate();
    await Promise.all([main.closed, cursor.closed, display.closed]);
    await site.audited(desk.uuid, 'channel was lost (client connection lost)');
  });

  it('behind a trusted proxy is known by the address that this one forwards', async () => {
    const forwarded = { 'X-Forwarded-For': '198.51.100.9, 203.0.113.77, 127.0.0.41' };
    const client = await browser(forwarded, '127.0.0.40');
    await client.openMain();
    expect(await clientsOf(client.session)).toEqual(['203.0.113.77']);
  });

  it('that is no trusted proxy cannot claim an address', async () => {
    const client = await browser({ 'X-Forwarded-For': '203.0.113.77' });
    await client.openMain();
    expect(await clientsOf(client.session)).toEqual([BROWSER]);
  });

  it('that does not read stops the hypervisor, in bounded memory, and the session ends by the deadline', async () => {
    const client = await browser();
    await client.openMain();
    const display = await client.open('display');
    const far = await desk.server.channel('display');
    const before = residentBytes(html5.program.pid);
    display.pause();
    void far.flood(SERVER_MESSAGE.display.DRAW_COPY, 60_000, 512 * MIB);
    await comesToRest(() => far.socket.bytesWritten);
    expect(far.socket.destroyed).toBe(false);
    expect(residentBytes(html5.program.pid) - before).toBeLessThan(64 * MIB);
    await site.audited(desk.uuid, 'Channel closed: client stopped reading');
  });

  it('whose hypervisor does not read is stopped, in bounded memory', async () => {
    const client = await browser();
    await client.openMain();
    const usb = await client.open('usbredir');
    (await desk.server.channel('usbredir')).pause();
    const before = residentBytes(html5.program.pid);
    const message = usb.frame(CLIENT_MESSAGE.usbredir.DATA, Buffer.alloc(60_000));
    const pump = setInterval(() => {
      while (usb.socket !== null && usb.socket.writableLength < MIB && usb.write(message));
    }, 1);
    try {
      await comesToRest(() => usb.socket?.bytesWritten ?? 0);
      expect(usb.closeReason).toBeNull();
      expect(residentBytes(html5.program.pid) - before).toBeLessThan(64 * MIB);
    } finally {
      clearInterval(pump);
    }
  });
});

describe('a WebSocket', () => {
  it.each([
    ['of no page', {}, 101],
    ['of a page of this host', { Origin: 'http://127.0.0.1' }, 101],
    ['of a page of this host on another port', { Origin: 'https://127.0.0.1:8443' }, 101],
    ['of a page of an allowed site', { Origin: 'https://dashboard.example.org' }, 101],
    ['of a page of an allowed address', { Origin: 'https://[2001:db8::5]' }, 101],
    ['of a page of another site', { Origin: 'https://evil.example.org' }, 403],
    ['of a page whose site ends like an allowed one', { Origin: 'https://xdashboard.example.org' }, 403],
    ['of a sandboxed page', { Origin: 'null' }, 403],
    ['of a broken Origin', { Origin: 'https://' }, 403],
    ['for a broken Host', { Origin: 'https://127.0.0.1', Host: 'a b' }, 403],
    ['that offers binary', { 'Sec-WebSocket-Protocol': 'binary' }, 101],
    ['that offers binary among others', { 'Sec-WebSocket-Protocol': 'base64, binary' }, 101],
    ['that offers base64 only', { 'Sec-WebSocket-Protocol': 'base64' }, 400],
    ['of another version', { 'Sec-WebSocket-Version': '7' }, 400],
    ['without a key', { 'Sec-WebSocket-Key': '' }, 400],
    ['that is none', { Upgrade: 'h2c' }, 400],
  ] as [string, Record<string, string>, number][])('%s', async (_what, headers, status) => {
    const answer = await upgrade(headers);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    const offered = headers['Sec-WebSocket-Protocol']?.includes('binary') === true;
    expect(/sec-websocket-protocol: binary\r/i.test(answer)).toBe(status === 101 && offered);
    expect(answer).not.toMatch(/sec-websocket-extensions/i);
  });

  it('is to be had at one path only', async () => {
    expect(await upgrade({}, '/websockify?other=x')).toMatch(/^HTTP\/1\.1 101 /);
    // A token there is one of VNC, which nobody gave out.
    expect(await upgrade({}, '/websockify?token=x')).toMatch(/^HTTP\/1\.1 404 /);
    expect(await upgrade({}, '/')).toMatch(/^HTTP\/1\.1 404 /);
    expect(await upgrade({}, '//websockify')).toMatch(/^HTTP\/1\.1 404 /);
  });

  it('is checked against the scheme that a trusted proxy names', async () => {
    const through = (proto: string, origin: string): Promise<unknown> =>
      html5.open({ localAddress: '127.0.0.40', headers: { 'X-Forwarded-Proto': proto, Origin: origin } });
    const good = (await through('https', 'https://127.0.0.1')) as { terminate(): void };
    good.terminate();
    await expect(through('https', 'http://127.0.0.1')).rejects.toThrow('403');
  });

  it('too many from one address are refused, and those of others are not', async () => {
    const sockets = await Promise.all(
      Array.from({ length: 12 }, () => html5.open({ localAddress: '127.0.0.10' })),
    );
    await expect(html5.open({ localAddress: '127.0.0.10' })).rejects.toThrow('429');
    const other = await html5.open({ localAddress: '127.0.0.11' });
    expect(await html5.metric('kerbside_html5proxy_refused_total{reason="limit_address"}')).toBe(1);
    for (const socket of [...sockets, other]) socket.terminate();
    await waitFor('room again', async () => (await html5.metric(ACTIVE)) === 0);
    (await html5.open({ localAddress: '127.0.0.10' })).terminate();
  });

  it('with a message that is too long is closed', async () => {
    const socket = await html5.open();
    socket.on('error', () => undefined);
    socket.send(Buffer.alloc(2 * MIB));
    const [code] = (await once(socket, 'close')) as [number];
    expect([1006, 1009]).toContain(code);
  });

  it('whose browser says nothing is closed by the link deadline of the proxy', async () => {
    const socket = await html5.open();
    await once(socket, 'close');
  });
});

describe('the program', () => {
  it('has neither tokens nor errors in its log', async () => {
    const client = await browser();
    await client.openMain();
    const log = html5.program.output();
    expect(log).not.toContain(client.vv.password);
    expect(log).not.toMatch(/ ERROR /);
    expect(log).toContain('WebSocket opened address=127.0.0.9');
  });

  it('lets sessions go on after SIGTERM, refuses new ones, and ends when they have ended', async () => {
    const own = await Html5Proxy.start(site, { ...OPTIONS, OS_PROXY__DRAIN_TIMEOUT: '86400' });
    const { program } = own;
    try {
      const client = await browser({}, BROWSER, own);
      const main = await client.openMain();
      program.child.kill('SIGTERM');
      await waitFor('the drain', () => program.output().includes('draining: no new connections'));
      await expect(own.open()).rejects.toThrow();
      (await desk.server.channel('main')).send(SERVER_MESSAGE.main.MULTI_MEDIA_TIME, Buffer.alloc(4));
      await main.waitFor(SERVER_MESSAGE.main.MULTI_MEDIA_TIME);
      expect(program.ended()).toBeNull();
      await client.close();
      await waitFor('its end', () => program.ended() !== null);
      expect(program.ended()).toBe(0);
    } finally {
      await own.stop();
    }
  });
});
