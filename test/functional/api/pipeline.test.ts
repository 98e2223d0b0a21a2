// SPDX-License-Identifier: Apache-2.0
// What happens to every request, whatever it is for: refusals, headers, bodies, limits, log, health.
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isVersioned } from '../../../src/api/microversion.js';
import { ROUTES } from '../../../src/api/routes.js';
import { loadConf } from '../../../src/conf/index.js';
import { StartupError } from '../../../src/exception.js';
import { mintToken } from '../../../src/identity/jwt.js';
import { configureLogging } from '../../../src/log.js';
import { anApiSite, SEED, send, startApi, type ApiSite } from '../../fixtures/api-site.js';
import { handmadeToken, sevenClaims } from '../../fixtures/handmade-jwt.js';

let site: ApiSite;
beforeAll(async () => {
  site = await anApiSite();
});
afterAll(() => site.close());

const refusal = (status: number, error: string) => ({ status, json: { error, status } });
const confWith = (env: Record<string, string>) =>
  loadConf(
    { configFiles: [], configDirs: [] },
    {
      OS_API__ADDRESS: '127.0.0.1',
      OS_API__PORT: '0',
      OS_API__AUTH_SECRET_SEED: SEED,
      OS_SPICE__CACERT_PATH: '',
      ...env,
    },
  ).conf;
const pathOf = (template: string): string => template.replace(/:([a-z]+)/g, 'no-$1');

describe('every route', () => {
  // Those of /v1 answer in other words: v1.test.ts.
  const original = ROUTES.filter(({ path }) => !isVersioned(path));
  const closed = original
    .filter(({ access }) => access === 'user')
    .map((route) => ({
      ...route,
      url: pathOf(route.path),
    }));

  it.each(closed)('$method $path refuses a stranger', async ({ method, url }) => {
    const answer = await site.call(method, url);
    expect(answer).toMatchObject(refusal(401, 'Missing JWT in headers or cookies'));
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="kerbside"');
  });

  it.each(closed)('$method $path refuses tokens that are not good', async ({ method, url }) => {
    const now = Math.floor(Date.now() / 1000);
    const bad = [
      'garbage',
      handmadeToken(sevenClaims('demo'), 'another seed'),
      handmadeToken({ ...sevenClaims('demo'), exp: now - 1 }, SEED),
      handmadeToken({ ...sevenClaims('demo'), nbf: now + 600 }, SEED),
      handmadeToken({ ...sevenClaims('demo'), type: 'refresh' }, SEED),
      handmadeToken(sevenClaims('demo'), SEED, { alg: 'HS512', hash: 'sha512' }),
    ];
    for (const token of bad) {
      expect((await site.call(method, url, { token })).status).toBe(401);
      const cookie = { Cookie: `access_token_cookie=${token}` };
      expect((await site.call(method, url, { headers: cookie })).status).toBe(401);
    }
  });

  // A stream does not end: ui.test.ts reads it.
  it.each(closed.filter(({ path }) => path !== '/ui/events'))(
    '$method $path lets a user pass, or tells who may',
    async ({ method, url, refusal: why }) => {
      const answer = await site.call(method, url, { token: handmadeToken(sevenClaims('demo'), SEED) });
      if (why !== undefined) expect(answer).toMatchObject(refusal(403, why));
      else expect([200, 404]).toContain(answer.status);
      expect([200, 404]).toContain((await site.call(method, url, { token: site.admin })).status);
    },
  );

  it.each(closed.filter(({ method }) => method !== 'GET'))(
    '$method $path demands the double submit value with a cookie',
    async ({ method, url }) => {
      const options = { seed: SEED, issuer: 'k', ttl: 60, forCookie: true };
      const { token, csrf } = await mintToken({ user: 'demo', admin: false }, options);
      const cookie = `access_token_cookie=${token}; csrf_access_token=${csrf!}`;
      const call = (headers: Record<string, string>) =>
        site.call(method, url, { headers: { Cookie: cookie, ...headers } });
      expect(await call({})).toMatchObject(refusal(401, 'Missing CSRF token'));
      expect(await call({ 'X-CSRF-TOKEN': 'guess' })).toMatchObject(
        refusal(401, 'CSRF double submit tokens do not match'),
      );
      expect([200, 404]).toContain((await call({ 'X-CSRF-TOKEN': csrf! })).status);
    },
  );

  it('never takes a cookie without a double submit value for a change', async () => {
    const token = handmadeToken(sevenClaims('demo'), SEED);
    const headers = { Cookie: `access_token_cookie=${token}; csrf_access_token=x`, 'X-CSRF-TOKEN': 'x' };
    const answer = await site.call('POST', '/session/s/terminate', { headers });
    expect(answer).toMatchObject(refusal(401, 'CSRF double submit tokens do not match'));
  });

  it.each(original.map(({ path }) => path))('%s answers other methods with 405 and Allow', async (path) => {
    const methods = ROUTES.filter((route) => route.path === path).map(({ method }) => method as string);
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter(
      (m) => !methods.includes(m),
    )) {
      const answer = await site.call(method, pathOf(path), { token: site.admin });
      expect(answer).toMatchObject(refusal(405, 'method not allowed'));
      expect(answer.headers.allow!.split(', ').filter((m) => m !== 'HEAD')).toEqual([...methods].sort());
    }
  });

  it.each([
    '/nothing',
    '/console/',
    '/CONSOLE',
    '/static/../console',
    '//console',
    '/console//u',
    '/console/s/u/audit/',
    '/console/proxy/s/u/console_vv',
  ])('%s is 404', async (path) => {
    expect(await site.call('GET', path)).toMatchObject(refusal(404, 'not found'));
  });

  it.each(['/source/%', '/source/%zz', '/source/%ff'])('%s is malformed', async (path) => {
    expect(await site.call('GET', path)).toMatchObject(refusal(400, 'bad request: malformed path'));
  });

  it('takes parts of a path decoded', async () => {
    const answer = await site.call('GET', '/source/my%20lab%2Fb', { token: site.admin });
    expect(answer).toMatchObject(refusal(404, 'source not found'));
  });

  it('refuses HEAD where GET makes a token, to everyone', async () => {
    for (const path of ['/console/proxy/s/u/console.vv', '/console/direct/s/u/console.vv', '/nova']) {
      const answer = await site.call('HEAD', path);
      expect([answer.status, answer.headers.allow]).toEqual([405, 'GET']);
    }
  });

  it.each(['/console', '/auth', '/'])(
    '%s refuses a method that nobody knows without reading the body',
    async (path) => {
      const answer = await site.call('PROPFIND', path, { raw: '{' });
      expect(answer).toMatchObject(refusal(405, 'method not allowed'));
    },
  );
});

describe('an expired token', () => {
  const expired = () =>
    handmadeToken({ ...sevenClaims('demo'), exp: Math.floor(Date.now() / 1000) - 1 }, SEED);

  it('sends a browser to the front door', async () => {
    for (const accept of ['text/html', null]) {
      const answer = await site.call('GET', '/console/a/b', { token: expired(), accept });
      expect([answer.status, answer.headers.location]).toEqual([302, '/']);
    }
  });

  it('is 401 for an API client', async () => {
    const answer = await site.call('GET', '/console', { token: expired(), accept: '*/*' });
    expect(answer).toMatchObject(refusal(401, 'Signature has expired'));
  });
});

describe('GET /', () => {
  const capabilities = { capabilities: [], result: 'ok' };

  it('tells an API client what the service can do, logged in or not', async () => {
    expect((await site.call('GET', '/')).json).toEqual(capabilities);
    expect((await site.call('GET', '/', { token: site.operator })).json).toEqual(capabilities);
  });

  it('sends browsers to the admin UI, which asks for a login where it takes one', async () => {
    for (const token of [site.operator, 'garbage']) {
      const headers = { Cookie: `access_token_cookie=${token}` };
      const answer = await site.call('GET', '/', { accept: 'text/html', headers });
      expect([answer.status, answer.headers.location]).toEqual([302, '/ui/']);
    }
  });
});

describe('every answer', () => {
  it.each([
    ['GET', '/'],
    ['GET', '/nothing'],
    ['GET', '/console'],
    ['POST', '/auth'],
  ])('%s %s has a request id and the security headers', async (method, path) => {
    const { headers } = await site.call(method, path);
    expect(headers['x-openstack-request-id']).toMatch(/^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'referrer-policy': 'no-referrer',
      vary: 'Accept',
      'content-type': 'application/json; charset=utf-8',
    });
    expect(headers).not.toHaveProperty('x-powered-by');
    expect(headers).not.toHaveProperty('etag');
  });

  it('to HEAD has no body', async () => {
    const answer = await site.call('HEAD', '/healthcheck');
    expect([answer.status, answer.text]).toEqual([200, '']);
  });
});

describe('a body', () => {
  const terminate = (raw: string | Buffer, headers = {}) =>
    site.call('POST', '/session/s/terminate', { token: site.operator, raw, headers });

  it.each([
    ['{', 'bad request: the body is not valid JSON'],
    ['nonsense', 'bad request: the body is not valid JSON'],
    ['[]', 'bad request: the body must be a JSON object'],
    ['{"verbose": true}', "bad request: unknown field 'verbose'"],
    ['{"__proto__": {"admin": true}}', "bad request: unknown field '__proto__'"],
  ])('%s is refused', async (raw, error) => {
    expect(await terminate(raw)).toMatchObject(refusal(400, error));
  });

  it('that is an empty object is as good as none, whatever its media type', async () => {
    expect((await terminate('{}', { 'Content-Type': 'text/plain' })).status).toBe(404);
    expect((await terminate('')).status).toBe(404);
  });

  it('over 64 KiB is refused', async () => {
    const answer = await terminate(JSON.stringify({ x: 'y'.repeat(70_000) }));
    expect(answer).toMatchObject(refusal(413, 'the request body is too large'));
  });

  it('that is compressed is refused', async () => {
    expect((await terminate(Buffer.from('xx'), { 'Content-Encoding': 'gzip' })).status).toBe(415);
  });

  it('of a stranger is not read', async () => {
    expect((await site.call('POST', '/session/s/terminate', { raw: '{' })).status).toBe(401);
  });
});

describe('a client that talks no HTTP', () => {
  const answerTo = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(site.server.port, '127.0.0.1', () => socket.write(text));
      let heard = '';
      socket.on('data', (chunk) => (heard += chunk.toString('latin1')));
      socket.once('error', reject);
      socket.once('close', () => resolve(heard));
    });

  it('gets 400', async () => {
    expect(await answerTo('\x00\x01\x02REDQ\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('gets 431 for headers without end', async () => {
    expect(await answerTo(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431 /,
    );
  });

  it('gets 408 when its headers never end', async () => {
    expect(await answerTo('GET / HTTP/1.1\r\nHost: x\r\n')).toMatch(/^HTTP\/1\.1 408 /);
  });
});

describe('GET /openapi.json', () => {
  it('is the checked-in document', async () => {
    const answer = await site.call('GET', '/openapi.json');
    expect(`${answer.text}\n`).toBe(await readFile('doc/source/openapi.json', 'utf8'));
  });
});

describe('the health check', () => {
  it('is 503 while the service shuts down, and everything else goes on', async () => {
    const other = await anApiSite();
    const ok = '{\n    "result": "ok"\n}';
    expect(await other.call('GET', '/healthcheck')).toMatchObject({
      status: 200,
      json: { result: 'ok', messaging: 'off', notifications: 'off' },
    });
    other.server.setDraining();
    expect(await other.call('GET', '/healthcheck')).toMatchObject(
      refusal(503, 'this service is shutting down'),
    );
    expect(await other.call('GET', '/healthcheck/live')).toMatchObject({ status: 200, text: ok });
    expect((await other.call('GET', '/source', { token: other.operator })).status).toBe(200);
    await other.close();
  });

  it('is 503 when the database has gone, and so is what needs it', async () => {
    const other = await anApiSite();
    await other.db.close();
    expect(await other.call('GET', '/healthcheck')).toMatchObject(
      refusal(503, 'the database does not answer'),
    );
    expect((await other.call('GET', '/healthcheck/live')).status).toBe(200);
    const answer = await other.call('GET', '/console', { token: other.operator });
    expect(answer).toMatchObject(refusal(503, 'the database does not answer'));
    await other.server.close();
  });
});

describe('the log', () => {
  it('has one line for a request, without the query, and the exact fault of a bug, which the client is not told', async () => {
    const broken = new Proxy(site.db, {
      get: (db, name) => {
        if (name === 'query' || name === 'table') throw new TypeError('private detail');
        return Reflect.get(db, name) as unknown;
      },
    });
    const file = join(site.folder, 'api.log');
    configureLogging({ debug: false, useJson: false, file });
    try {
      const server = await startApi(confWith({}), broken);
      const answer = await send(server.port, 'GET', '/source?token=secret', { token: site.operator });
      await server.close();
      const id = answer.headers['x-openstack-request-id'] as string;
      expect(answer).toMatchObject(refusal(500, `server error: the log has the details of request ${id}`));
      const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line.includes(id));
      expect(lines).toHaveLength(2);
      expect(lines[0]).toMatch(
        / ERROR kerbside\.api\.fault \[req-\S+ demo -\] unexpected exception fault="?private detail/,
      );
      expect(lines[1]).toMatch(
        / INFO kerbside\.api\.request \[req-\S+ demo -\] GET \/source status=500 ms=\d+ address=127\.0\.0\.1$/,
      );
      expect(lines.join()).not.toContain('secret');
    } finally {
      configureLogging({ debug: false, useJson: false, file: '' });
    }
  });
});

describe('starting and ending', () => {
  it('fails with one line that names the port when it is taken', async () => {
    const attempt = startApi(confWith({ OS_API__PORT: String(site.server.port) }), site.db);
    await expect(attempt).rejects.toThrow(StartupError);
    await expect(attempt).rejects.toThrow(`port ${site.server.port} (EADDRINUSE)`);
  });

  it('fails with one line that names the CA certificate when it is missing', async () => {
    const attempt = startApi(confWith({ OS_SPICE__CACERT_PATH: '/nowhere/ca.pem' }), site.db);
    await expect(attempt).rejects.toThrow('/nowhere/ca.pem');
  });

  it('fails with one line that names the option when a trusted proxy is no address', async () => {
    const attempt = startApi(confWith({ OS_API__TRUSTED_PROXIES: 'banana' }), site.db);
    await expect(attempt).rejects.toThrow('[api] trusted_proxies: ');
    await expect(attempt).rejects.toThrow('banana');
  });

  it('ends at once when connections are idle', async () => {
    const other = await anApiSite();
    const socket = connect(other.server.port, '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    const ended = other.close().then(() => 'ended');
    expect(await Promise.race([ended, sleep(5000, 'still open')])).toBe('ended');
    socket.destroy();
    await expect(send(other.server.port, 'GET', '/')).rejects.toThrow('ECONNREFUSED');
  });
});
