// SPDX-License-Identifier: Apache-2.0
// VNC over a WebSocket, from a test client to a server that speaks RFB as it is told, through kerbside-html5proxy and
// kerbside-proxy: only a whole handshake opens anything, and what fails has its reason in the audit.
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { WebSocket } from 'ws';
import { linkOf, openConsole } from '../../fixtures/browser-link.js';
import { Html5Proxy } from '../../fixtures/html5proxy.js';
import { Site, SOURCE } from '../../fixtures/kerbside.js';
import { waitFor } from '../../fixtures/program.js';
import { RfbServerFake, SERVER_INIT } from '../../fixtures/rfb-server.js';

let site: Site;
let html5: Html5Proxy;
const servers: RfbServerFake[] = [];
const sockets: WebSocket[] = [];

beforeAll(async () => {
  const options = {
    OS_PROXY__PROXY_PROTOCOL_FROM: '127.0.0.1',
    OS_HTML5PROXY__PUBLIC_URL: 'http://console.example.org',
    OS_CONSOLE__MESSAGE_SCREEN: 'off',
  };
  site = await Site.start(options);
  html5 = await Html5Proxy.start(site, options);
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  await Promise.all(servers.splice(0).map((server) => server.close()));
});
afterAll(async () => {
  await html5.stop();
  await site.stop();
});

/** A VNC console whose server says these things, and a token for it. */
async function vncConsole(
  script: ConstructorParameters<typeof RfbServerFake>[0],
  ticket = '',
): Promise<{ uuid: string; server: RfbServerFake; session: string; token: string }> {
  const server = new RfbServerFake(script);
  servers.push(server);
  const [uuid = ''] = await site.consoles({ insecure_port: await server.listen(), ticket, protocol: 'vnc' });
  const opened = await openConsole(site.kerbside, SOURCE, uuid);
  const { pathname, search } = new URL(linkOf(opened, 'console_browser'));
  const { body } = await html5.get(`${pathname}${search}`);
  const [, data = '{}'] = /id="kerbside-session">(.*?)<\/script>/.exec(body) ?? [];
  const { password } = JSON.parse(data) as { password: string };
  return { uuid, server, session: opened.session_id, token: password };
}

/** A client after its handshake, with all that it was sent. */
async function connect(token: string): Promise<{ socket: WebSocket; received: () => Buffer }> {
  const chunks: Buffer[] = [];
  const hear = (data: Buffer): unknown => chunks.push(data);
  const socket = await html5.open({ protocols: ['binary', `kerbside.token.${token}`], hear });
  sockets.push(socket);
  socket.on('error', () => undefined);
  const received = (): Buffer => Buffer.concat(chunks);
  const heard = (bytes: number): Promise<unknown> =>
    waitFor(`${bytes} bytes`, () => received().length >= bytes);
  await heard(12);
  socket.send('RFB 003.008\n');
  await heard(14);
  socket.send(Buffer.from([1]));
  await heard(18);
  socket.send(Buffer.from([1]));
  return { socket, received };
}

const GREETING = 'RFB 003.008\n\u0001\u0001\0\0\0\0';

describe('a VNC console', () => {
  it('carries bytes both ways behind ServerInit, as they are', async () => {
    const { server, token, session, uuid } = await vncConsole({});
    const { socket, received } = await connect(token);
    await waitFor('ServerInit', () => received().length >= GREETING.length + SERVER_INIT.length);
    expect(received().subarray(GREETING.length)).toEqual(SERVER_INIT);
    const up = Buffer.alloc(300_000, 'up');
    socket.send(up);
    await waitFor('bytes up', () => server.received().length >= up.length);
    expect(server.received().equals(up)).toBe(true);
    const down = Buffer.alloc(3_000_000, 'down');
    server.send(down);
    await waitFor('bytes down', () => received().length >= 18 + SERVER_INIT.length + down.length);
    expect(await site.sessionIds()).toContain(session);
    const over = once(socket, 'close');
    expect((await site.kerbside.terminate(session)).status).toBe(200);
    await over;
    await site.audited(uuid, 'Channel closed: terminated by request');
    expect((await site.auditOf(uuid)).join('\n')).toMatch(/300000 bytes up, 30000\d\d bytes down/);
  });

  it('with a ticket is opened by VNC authentication', async () => {
    const { token, server } = await vncConsole({ types: [2], password: 'sesame42' }, 'sesame42');
    const { received } = await connect(token);
    await waitFor('ServerInit', () => received().length > 18);
    expect(server.authenticated).toBe(true);
  });

  it.each([
    [
      'does not speak RFB',
      { version: 'SSH-2.0-x\r\n\r\n' },
      'not a VNC server: it does not begin with "RFB"',
    ],
    ['is too old', { version: 'RFB 003.003\n' }, 'the server speaks RFB 3.3; 3.8 is needed'],
    ['offers no type', { types: [], reason: 'go away' }, 'the VNC server refuses: go away'],
    ['offers other types', { types: [2, 30] }, 'offers security types 2, 30; permitted are vencrypt, none'],
    ['refuses in the end', { result: 1, reason: 'no\u0007pe' }, 'the VNC server refuses: no?pe'],
    ['has no screen', { init: Buffer.alloc(24) }, 'ServerInit: the screen has no size'],
    ['lies about its name', { nameLength: 0xffffffff }, 'ServerInit: a name of 4294967295 bytes'],
    ['closes at once', { close: true }, 'the VNC server closed the connection in the handshake'],
    ['never answers', { version: '' }, 'no answer in time'],
  ] as const)('whose server %s is not opened, and the audit says why', async (_what, script, sentence) => {
    const { token, uuid } = await vncConsole(script);
    await expect(html5.open({ protocols: ['binary', `kerbside.token.${token}`] })).rejects.toThrow('502');
    await site.audited(uuid, sentence);
    const answer = await html5.get('/kerbside-ended', { headers: { Authorization: `Bearer ${token}` } });
    expect(JSON.parse(answer.body)).toMatchObject({ about: 'unreachable' });
  });

  it.each([
    ['clipboard', { clipboard: 'to-guest' }],
    ['view_only', { view_only: true }],
  ])('is refused where a guest policy could not be kept: %s', async (key, guest_policy) => {
    const { token, uuid } = await vncConsole({});
    site.say({}, { [uuid]: { guest_policy } });
    await waitFor('the policy', async () => {
      const { body } = await site.kerbside.api('GET', `/console/${SOURCE}/${uuid}`);
      return (
        (JSON.parse(body) as { guest_policy: Record<string, { from: string }> }).guest_policy[key]?.from ===
        'console'
      );
    });
    await expect(html5.open({ protocols: ['binary', `kerbside.token.${token}`] })).rejects.toThrow('502');
    await site.audited(uuid, `guest_policy_${key}`);
  });

  it('is opened by its token alone: not by none, by another, or by one that is none', async () => {
    const { token } = await vncConsole({});
    for (const wrong of ['x'.repeat(48), `${token.slice(0, -1)}-`, '0'])
      await expect(html5.open({ protocols: ['binary', `kerbside.token.${wrong}`] })).rejects.toThrow(
        /403|404/,
      );
    await expect(html5.open({ path: `/?token=${'x'.repeat(48)}` })).rejects.toThrow('403');
    await expect(html5.open({ path: '/' })).rejects.toThrow('404');
    const { received } = await connect(token);
    await waitFor('ServerInit', () => received().length > 18);
    expect(html5.program.output()).not.toContain(token);
  });

  it('closes on a client that does not speak RFB', async () => {
    const { token, uuid } = await vncConsole({});
    const socket = await html5.open({ protocols: ['binary', `kerbside.token.${token}`] });
    sockets.push(socket);
    const over = once(socket, 'close');
    socket.send('GET / HTTP/1.1\r\n\r\n');
    expect((await over)[0]).toBe(1002);
    await site.audited(uuid, 'Channel closed: client');
  });
});
