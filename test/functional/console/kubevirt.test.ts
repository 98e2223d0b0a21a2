// SPDX-License-Identifier: Apache-2.0
// VNC desktops of a cluster with KubeVirt through Kerbside: from a WebSocket like a browser's to the one of the Kubernetes API, with
// the token that holds now. What the API answers in place of a console ends in time, with its reason in the audit.
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { WebSocket } from 'ws';
import { linkOf, openConsole } from '../../fixtures/browser-link.js';
import { Html5Proxy } from '../../fixtures/html5proxy.js';
import { Site } from '../../fixtures/kerbside.js';
import { FakeKubeVirt, type FakeMachine, type KubeFault } from '../../fixtures/kubevirt.js';
import { waitFor } from '../../fixtures/program.js';
import { RfbServerFake, SERVER_INIT } from '../../fixtures/rfb-server.js';

const SOURCE = 'k8s';
const TOKENS = [
  'first-token-of-the-account',
  'second-token-of-the-account',
  'a-token-that-nobody-knows',
] as const;
const GREETING = 'RFB 003.008\n\u0001\u0001\0\0\0\0';
const ALL = { list: true, vnc: true };

let site: Site;
let html5: Html5Proxy;
let k8s: FakeKubeVirt;
let tokenFile: string;
const servers: RfbServerFake[] = [];
const sockets: WebSocket[] = [];
let machine: FakeMachine;
let server: RfbServerFake;

beforeAll(async () => {
  const options = {
    OS_PROXY__PROXY_PROTOCOL_FROM: '127.0.0.1',
    OS_HTML5PROXY__PUBLIC_URL: 'http://console.example.org',
    OS_CONSOLE__MESSAGE_SCREEN: 'off',
    OS_CONSOLE__CONCURRENT_SESSIONS: 'share',
    // The way is encrypted: nothing less will do.
    OS_PROXY__BACKEND_TRANSPORT: 'require_tls',
    OS_VNC__AUTH_SCHEMES: 'vencrypt,none',
  };
  site = await Site.start(options);
  html5 = await Html5Proxy.start(site, options);
  k8s = await FakeKubeVirt.start(site.certificates.hypervisor);
  k8s.tokens.set(TOKENS[0], ALL);
  server = new RfbServerFake({});
  servers.push(server);
  machine = k8s.add({ vnc: { host: '127.0.0.1', port: await server.listen() } });
  tokenFile = join(site.folder, 'token');
  writeFileSync(tokenFile, TOKENS[0]);
  await site.source({
    ...{ source: SOURCE, type: 'kubevirt', url: k8s.url, token_file: tokenFile },
    ca_cert: site.certificates.authority.ca,
  } as { source: string });
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.terminate();
});
afterAll(async () => {
  const said = site.log() + html5.program.output();
  const db = await site.database();
  const rows = JSON.stringify([
    await db.query('SELECT * FROM consoles'),
    await db.query('SELECT * FROM sources'),
    await db.query('SELECT * FROM audit_events'),
  ]);
  await db.close();
  await html5.stop();
  await site.stop();
  await k8s.close();
  await Promise.all(servers.map((one) => one.close()));
  for (const token of TOKENS) {
    expect(said).not.toContain(token);
    expect(rows).not.toContain(token);
  }
});

/** A token that opens the machine's desktop, and its session. */
async function open(uuid = machine.uid): Promise<{ session: string; token: string }> {
  const opened = await openConsole(site.kerbside, SOURCE, uuid);
  const { pathname, search } = new URL(linkOf(opened, 'console_browser'));
  const { body } = await html5.get(`${pathname}${search}`);
  const [, data = '{}'] = /id="kerbside-session">(.*?)<\/script>/.exec(body) ?? [];
  return { session: opened.session_id, token: (JSON.parse(data) as { password: string }).password };
}

/** A client that has ServerInit, with all that it was sent. */
async function connect(token: string): Promise<{ socket: WebSocket; received: () => Buffer }> {
  const chunks: Buffer[] = [];
  const hear = (data: Buffer): unknown => chunks.push(data);
  const socket = await html5.open({ protocols: ['binary', `kerbside.token.${token}`], hear });
  sockets.push(socket);
  socket.on('error', () => undefined);
  const received = (): Buffer => Buffer.concat(chunks);
  const heard = (bytes: number): Promise<unknown> =>
    waitFor(`${bytes} bytes`, () => received().length >= bytes);
  for (const [bytes, words] of [
    [12, Buffer.from('RFB 003.008\n')],
    [14, Buffer.from([1])],
    [18, Buffer.from([1])],
  ] as const) {
    await heard(bytes);
    socket.send(words);
  }
  await heard(GREETING.length + SERVER_INIT.length);
  return { socket, received };
}

const audit = (): Promise<string[]> => site.kerbside.audit(SOURCE, machine.uid);
const audited = (text: string): Promise<string> =>
  waitFor(`audit message with "${text}"`, async () =>
    (await audit()).filter((message) => message.includes(text)).at(-1),
  );

describe('a desktop of KubeVirt', () => {
  it('carries bytes both ways over TLS, and is ended with its session', async () => {
    const { token, session } = await open();
    const { socket, received } = await connect(token);
    const up = Buffer.alloc(300_000, 'up');
    const before = server.received().length;
    socket.send(up);
    await waitFor('bytes up', () => server.received().length >= before + up.length);
    const down = Buffer.alloc(3_000_000, 'down');
    server.send(down);
    await waitFor('bytes down', () => received().length >= 18 + SERVER_INIT.length + down.length);
    expect(received().subarray(-down.length).equals(down)).toBe(true);
    expect(site.log()).toMatch(/hypervisor connection successful.* tls=true/);
    const over = once(socket, 'close');
    expect((await site.kerbside.terminate(session)).status).toBe(200);
    await over;
    await audited('Channel closed: terminated by request');
    await waitFor('the WebSocket of the cluster is closed', () => k8s.sockets.size === 0);
  });

  it('ends with its machine, and the audit says whose end it was', async () => {
    const { socket } = await connect((await open()).token);
    const over = once(socket, 'close');
    k8s.sockets.get(machine.uid)?.terminate();
    await over;
    await audited('Channel closed: backend closed');
  });

  it('is taken over by the next one, as the cluster has one viewer at a time', async () => {
    const first = await connect((await open()).token);
    const over = once(first.socket, 'close');
    await connect((await open()).token);
    await over;
  });

  it('opens with the token that its file holds by then', async () => {
    k8s.tokens.delete(TOKENS[0]);
    k8s.tokens.set(TOKENS[1], ALL);
    await expect(
      html5.open({ protocols: ['binary', `kerbside.token.${(await open()).token}`] }),
    ).rejects.toThrow('502');
    await audited('Hypervisor connection failed: the token is not accepted (HTTP 401): Unauthorized');
    writeFileSync(tokenFile, TOKENS[1]);
    await connect((await open()).token);
  });

  it('does not open while its machine starts, or when it is gone', async () => {
    machine.phase = 'Scheduling';
    await expect(
      html5.open({ protocols: ['binary', `kerbside.token.${(await open()).token}`] }),
    ).rejects.toThrow('502');
    await audited('Channel refused: the instance is not ready yet');
    machine.phase = 'Running';
    const { uid } = machine;
    machine.uid = '99999999-2222-4333-8444-555555555555';
    await expect(
      html5.open({ protocols: ['binary', `kerbside.token.${(await open(uid)).token}`] }),
    ).rejects.toThrow('502');
    machine.uid = uid;
    await audited('Channel refused: the instance is gone');
  });
});

describe('what is no console', () => {
  const html = '<html><script>alert(1)</script>';
  const status = (code: number, message: string): KubeFault => ({
    ...{ kind: 'status', status: code, type: 'application/json' },
    body: JSON.stringify({ kind: 'Status', message, code }),
  });
  it.each([
    [
      'a refusal',
      status(403, 'User "x" cannot get vnc'),
      'the token may not open the console (HTTP 403): User "x" cannot get vnc',
    ],
    ['a machine that is gone', status(404, 'not found'), 'there is no such console (HTTP 404): not found'],
    [
      'a machine that does not run',
      status(400, 'VMI is not\nrunning'),
      'the WebSocket was refused (HTTP 400): VMI is not running',
    ],
    [
      'a page of HTML',
      { kind: 'status', status: 200, body: html },
      'the WebSocket was refused (HTTP 200): a page of HTML',
    ],
    ['a redirect', { kind: 'redirect', to: 'https://127.0.0.1/x' }, 'the WebSocket was refused (HTTP 302)'],
    ['a refusal without end', { kind: 'endless' }, 'the WebSocket was refused (HTTP 500): xxx'],
    ['an end', { kind: 'cut' }, 'connection reset'],
    ['silence', { kind: 'hang' }, 'no way to the hypervisor in time'],
    [
      'another subprotocol',
      { kind: 'subprotocol', name: 'v4.channel.k8s.io' },
      'no WebSocket: Server sent an invalid subprotocol',
    ],
    ['no key', { kind: 'no_accept' }, 'no WebSocket: Invalid Sec-WebSocket-Accept header'],
    ['text', { kind: 'text' }, 'the WebSocket carries text where the console has bytes'],
    ['a huge message', { kind: 'huge' }, 'the WebSocket is broken (WS_ERR_UNSUPPORTED_MESSAGE_LENGTH)'],
  ] as const)('ends in time with its reason: %s', async (_what, fault, sentence) => {
    const end = k8s.fault(/^UPGRADE/, fault);
    await expect(
      html5.open({ protocols: ['binary', `kerbside.token.${(await open()).token}`] }),
    ).rejects.toThrow('502');
    await audited(`Hypervisor connection failed: ${sentence}`);
    end();
  });
});
