// SPDX-License-Identifier: Apache-2.0
// The ways to a hypervisor beside its own port: through an HTTP proxy, and by a unix socket. TLS, pins, deadlines and the
// recorded words are the same as on the usual way; and what a proxy does wrong ends in time, with a word of its own.
import { createServer, connect, type Server } from 'node:net';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ConnectProxy, type ConnectBehaviour } from '../../fixtures/connect-proxy.js';
import { Site, type Desk } from '../../fixtures/kerbside.js';
import { freePort, waitFor } from '../../fixtures/program.js';
import type { ConsoleEntry } from '../../fixtures/sources-file.js';
import type { SpiceServerOptions } from '../../fixtures/spice-server-options.js';

const BACKEND_TIMEOUT = 2000;
/** A host that nothing here resolves: only the proxy is told of it. */
const HOST = 'hv-3.inside.example';

let site: Site;
let proxy: ConnectProxy;

beforeAll(async () => {
  site = await Site.start();
});
beforeEach(async () => {
  proxy = await ConnectProxy.start();
});
afterEach(async () => {
  await site.tidy();
  await proxy.close();
});
afterAll(async () => {
  const log = site.log();
  await site.stop();
  expect(log).not.toMatch(/ ERROR /);
});

/** Opens main, which gets no result word; gives how long that took in milliseconds. */
async function fails(uuid: string, failure: { audit: string; closed: string }): Promise<number> {
  const client = await site.client(uuid);
  const startedAt = performance.now();
  const main = await client.link('main', 0, { connectionId: 0 });
  const took = performance.now() - startedAt;
  expect(main.outcome).toMatchObject({ type: 'closed', stage: 'result' });
  await site.audited(uuid, `Hypervisor connection failed: ${failure.audit}`);
  await site.audited(uuid, `Channel closed: ${failure.closed} after`);
  return took;
}

const BACKEND_FAILED = { closed: 'backend failed' };

describe('a console behind an HTTP proxy', () => {
  const behind = (options: SpiceServerOptions = {}, row: Partial<ConsoleEntry> = {}): Promise<Desk> =>
    site.desk(options, { hypervisor_ip: HOST, connect_proxy: proxy.url, ...row });

  it('is reached by CONNECT, every channel by one of its own', async () => {
    const desk = await behind();
    const client = await site.client(desk.uuid);
    const main = await client.openMain();
    await client.open('display');
    await client.open('inputs');
    const { plainPort } = desk.server;
    expect(proxy.requests).toHaveLength(3);
    const [line, ...headers] = proxy.requests[0]?.split('\r\n') ?? [];
    expect(line).toBe(`CONNECT ${HOST}:${plainPort} HTTP/1.1`);
    expect(headers).toContain(`Host: ${HOST}:${plainPort}`);
    expect((await desk.server.channel('main')).facts.secured).toBe(false);
    await client.close();
    await main.closed;
    await waitFor('no connection to the proxy', () => proxy.open === 0);
  });

  it.each([
    ['HTTP/1.0 without headers', 'HTTP/1.0 200 OK\r\n\r\n'],
    ['bare line ends', 'HTTP/1.1 200 OK\nX-A: b\n\n'],
    ['another success, and headers', 'HTTP/1.1 204 Fine\r\nX-A: b\r\nContent-Length: 0\r\n\r\n'],
  ])('takes a head of %s', async (_what, answer) => {
    proxy.behaviour = { act: 'connect', answer };
    const desk = await behind();
    await (await site.client(desk.uuid)).openMain();
  });

  it('speaks TLS inside, and judges the certificate as on every way', async () => {
    const tls = site.certificates.hypervisor;
    const pinned = await behind({ tls, plain: false }, { host_subject: 'O=Lab,CN=hypervisor' });
    const client = await site.client(pinned.uuid);
    await client.openMain();
    await client.open('display');
    expect((await pinned.server.channel('main')).facts.secured).toBe(true);

    const named = site.certificates.authority.issue({ subject: 'O=Lab,CN=hv', names: [`DNS:${HOST}`] });
    const byName = await behind({ tls: named, plain: false });
    await (await site.client(byName.uuid)).openMain();

    const strange = await behind({ tls: site.certificates.wrongCa }, { host_subject: 'O=Lab,CN=hypervisor' });
    await fails(strange.uuid, { audit: 'certificate is not signed by the CA', ...BACKEND_FAILED });
    const other = await behind({ tls }, { host_subject: 'O=Lab,CN=somebody' });
    await fails(other.uuid, { audit: 'certificate does not match the pinned', ...BACKEND_FAILED });
    const unnamed = await behind({ tls });
    await fails(unnamed.uuid, { audit: 'certificate does not name the hypervisor', ...BACKEND_FAILED });
    for (const { server } of [strange, other, unnamed])
      expect(server.attempts.every(({ secured }) => secured)).toBe(true);
  });

  it('is dialled again over TLS when its server wants TLS', async () => {
    const desk = await behind(
      { tls: site.certificates.hypervisor, needSecured: true },
      { host_subject: 'O=Lab,CN=hypervisor', secure_port: undefined as unknown as number },
    );
    await fails(desk.uuid, { audit: 'the hypervisor answered link error 5', ...BACKEND_FAILED });
    await site.change(desk.uuid, { secure_port: desk.server.tlsPort });
    await (await site.client(desk.uuid)).openMain();
  });

  it('carries what a server sends at once behind the head', async () => {
    const desk = await behind({ joinResult: true });
    const client = await site.client(desk.uuid);
    await client.openMain();
    const display = await client.open('display');
    expect(display.closeReason).toBeNull();
  });

  it.each([
    [
      '401',
      'HTTP/1.0 401 invalid ticket\r\nConnection: close\r\nContent-Length: 14\r\n\r\ninvalid ticket',
      401,
    ],
    ['401 that ends with its words', 'HTTP/1.0 401 invalid ticket', 401],
    ['407', 'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n', 407],
    ['500', 'HTTP/1.1 500 Internal Server Error\r\n\r\n<html>', 500],
    ['a redirect', 'HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example:3128/\r\n\r\n', 302],
    ['an interim answer', 'HTTP/1.1 100 Continue\r\n\r\n', 100],
  ])('is not reached by an answer of %s', async (_what, bytes, status) => {
    const name = 'kerbside_proxy_backend_failures_total{reason="proxy_refused"}';
    const before = await site.metric(name);
    for (const then of ['close', 'stay'] as const) {
      // Without an end of line only the close tells that the status is whole.
      if (then === 'stay' && !bytes.includes('\n')) continue;
      proxy.behaviour = { act: 'say', bytes, then };
      const desk = await behind();
      const words = `connect proxy refused (${status})`;
      expect(await fails(desk.uuid, { audit: words, closed: words })).toBeLessThan(BACKEND_TIMEOUT);
      expect(desk.server.attempts).toHaveLength(0);
    }
    expect(await site.metric(name)).toBeGreaterThan(before);
    expect(await site.metric('kerbside_proxy_closed_total{reason="connect proxy refused"}')).toBeGreaterThan(
      0,
    );
    await waitFor('no connection to the proxy', () => proxy.open === 0);
  });

  it.each([301, 302, 303, 307, 308])('is not looked for where a redirect (%i) leads', async (status) => {
    const elsewhere = await ConnectProxy.start();
    try {
      const bytes = `HTTP/1.1 ${status} Elsewhere\r\nLocation: ${elsewhere.url}\r\nContent-Length: 0\r\n\r\n`;
      proxy.behaviour = { act: 'say', bytes, then: 'close' };
      const desk = await behind();
      const words = `connect proxy refused (${status})`;
      await fails(desk.uuid, { audit: words, closed: words });
      expect([proxy.requests.length, elsewhere.accepted, desk.server.attempts]).toEqual([1, 0, []]);
    } finally {
      await elsewhere.close();
    }
  });

  it.each<[string, ConnectBehaviour, string]>([
    ['nonsense', { act: 'say', bytes: 'SSH-2.0-OpenSSH\r\n', then: 'stay' }, 'did not answer with HTTP'],
    [
      'HTTP of another age',
      { act: 'say', bytes: 'HTTP/2 200\r\n\r\n', then: 'stay' },
      'did not answer with HTTP',
    ],
    [
      'bytes of TLS',
      { act: 'say', bytes: '\x15\x03\x03\x00\x02\x022', then: 'stay' },
      'did not answer with HTTP',
    ],
    [
      'a status line without end',
      { act: 'say', bytes: `HTTP/1.1 200 ${'x'.repeat(40_000)}`, then: 'stay' },
      'more than 16384 bytes',
    ],
    ['endless headers', { act: 'endless' }, 'more than 16384 bytes of headers'],
    ['a close', { act: 'silence', then: 'close' }, 'closed the connection without an answer'],
    [
      'half an answer',
      { act: 'say', bytes: 'HTTP/1.1 200 OK\r\nX-A', then: 'close' },
      'closed the connection within its answer',
    ],
  ])('is not reached by %s', async (_what, behaviour, audit) => {
    proxy.behaviour = behaviour;
    const desk = await behind();
    await fails(desk.uuid, {
      audit: `the connect proxy ${/^(did|closed)/.test(audit) ? audit : `sent ${audit}`}`,
      ...BACKEND_FAILED,
    });
    await waitFor('no connection to the proxy', () => proxy.open === 0);
  });

  it('waits for a silent proxy as long as for a silent hypervisor, and for one that stops in its answer', async () => {
    const wanted: ConnectBehaviour[] = [
      { act: 'silence', then: 'stay' },
      { act: 'say', bytes: 'HTTP/1.1 200 OK\r\nX-A: b\r\n', then: 'stay' },
    ];
    for (const behaviour of wanted) {
      proxy.behaviour = behaviour;
      const desk = await behind();
      const failure = { audit: 'the connect proxy did not answer in time', ...BACKEND_FAILED };
      expect(await fails(desk.uuid, failure)).toBeGreaterThan(BACKEND_TIMEOUT - 200);
    }
    const desk = await behind({ behaviour: { at: 'accept', act: 'hang' } });
    proxy.behaviour = { act: 'connect' };
    expect(await fails(desk.uuid, { audit: 'no answer in time', ...BACKEND_FAILED })).toBeGreaterThan(
      BACKEND_TIMEOUT - 200,
    );
  });

  it('never falls back to the plain port: a proxy cannot say that the TLS port is not in use', async () => {
    proxy.behaviour = { act: 'say', bytes: 'HTTP/1.1 503 Refused\r\n\r\n', then: 'close' };
    const desk = await behind({}, { secure_port: await freePort() });
    const words = 'connect proxy refused (503)';
    await fails(desk.uuid, { audit: words, closed: words });
    expect(proxy.requests).toHaveLength(1);

    const away = await behind({}, { connect_proxy: `http://127.0.0.1:${await freePort()}` });
    await fails(away.uuid, { audit: 'connect proxy: connection refused', ...BACKEND_FAILED });
    const nameless = await behind({}, { connect_proxy: 'http://proxy.invalid:3128' });
    await fails(nameless.uuid, { audit: 'connect proxy: ', ...BACKEND_FAILED });
    const [line = ''] = await site.logged('hypervisor connection failed: connect proxy refused (503)');
    expect(line).toContain(`connect_proxy=127.0.0.1:${proxy.port}`);
  });

  it('has a direct file that names the proxy', async () => {
    const desk = await behind();
    const { status, body } = await site.kerbside.api('GET', `/console/direct/lab/${desk.uuid}/console.vv`);
    expect(status).toBe(200);
    expect(body).toContain(`\nproxy=${proxy.url}\n`);
  });
});

describe('a console on a unix socket', () => {
  const sockets: Server[] = [];
  let number = 0;
  afterEach(() => sockets.splice(0).forEach((server) => server.close()));

  /** A unix socket that leads to a port of a fake. */
  async function socketTo(port: number): Promise<string> {
    const path = join(site.folder, `spice-${++number}.sock`);
    const server = createServer((client) => {
      const backend = connect(port, '127.0.0.1');
      for (const socket of [client, backend]) socket.on('error', () => undefined);
      client.once('close', () => backend.destroy());
      backend.once('close', () => client.destroy());
      client.pipe(backend).pipe(client);
    });
    sockets.push(server);
    await new Promise<void>((resolve) => server.listen(path, resolve));
    return path;
  }

  const onSocket = async (path: string, row: object = {}): Promise<string> => {
    const [uuid = ''] = await site.consoles({ hypervisor_ip: '', unix_socket: path, ...row });
    return uuid;
  };

  it('is reached without a port', async () => {
    const server = await site.hypervisor();
    const client = await site.client(await onSocket(await socketTo(server.plainPort)));
    await client.openMain();
    await client.open('display');
    expect(server.attempts.map(({ secured }) => secured)).toEqual([false, false]);
  });

  it('speaks TLS where it is pinned, or where its server wants it', async () => {
    const tls = site.certificates.hypervisor;
    const server = await site.hypervisor({ tls });
    const path = await socketTo(server.tlsPort);
    const pinned = await onSocket(path, { host_subject: 'O=Lab,CN=hypervisor' });
    await (await site.client(pinned)).openMain();
    expect((await server.channel('main')).facts.secured).toBe(true);
    const wrong = await onSocket(path, { host_subject: 'O=Lab,CN=somebody' });
    await fails(wrong, { audit: 'certificate does not match the pinned', ...BACKEND_FAILED });
  });

  it('fails by words of its own', async () => {
    const missing = await onSocket(join(site.folder, 'missing.sock'));
    await fails(missing, { audit: 'the unix socket does not exist', ...BACKEND_FAILED });
    const file = await onSocket(join(site.folder, 'sources.yaml'));
    await fails(file, { audit: 'nobody listens on the unix socket', ...BACKEND_FAILED });
    const silent = await site.hypervisor({ behaviour: { at: 'accept', act: 'hang' } });
    const path = await socketTo(silent.plainPort);
    chmodSync(path, 0o600);
    await fails(await onSocket(path), { audit: 'no answer in time', ...BACKEND_FAILED });
  });

  it('has no direct file: no viewer elsewhere can reach it', async () => {
    const uuid = await onSocket('/run/nobody.sock');
    const { status, body } = await site.kerbside.api('GET', `/console/direct/lab/${uuid}/console.vv`);
    expect([status, body]).toEqual([409, expect.stringContaining('only Kerbside itself can reach')]);
  });
});
