// SPDX-License-Identifier: Apache-2.0
// What kerbside-html5proxy answers by HTTP: the files of the client and nothing else, under a strict policy, and the
// exchange of console tokens with a cloud behind it.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Ended } from '../../../src/html5proxy/ended.js';
import { Cloud, SERVICE_PASSWORD } from '../../fixtures/cloud.js';
import { Html5Proxy, PAGE_TEXT, type RawRequest } from '../../fixtures/html5proxy.js';
import { Site } from '../../fixtures/kerbside.js';
import { waitFor } from '../../fixtures/program.js';
import { linkChannel } from '../../fixtures/spice-client.js';

const CLOUD = 'cloud';
const PAGE = '/spice_auto.html';
/** The page as it is served: with our script before the client's own. */
const SERVED = PAGE_TEXT.replace(
  '<!doctype html>',
  '<!doctype html><script src="kerbside-ended.js"></script>',
);

let site: Site;
let cloud: Cloud;
let html5: Html5Proxy;

beforeAll(async () => {
  cloud = await Cloud.start();
  site = await Site.start({ OS_NOVA__REQUEST_TIMEOUT: '1' });
  await site.source({
    ...{ source: CLOUD, type: 'openstack', url: cloud.keystone.url, username: 'kerbside' },
    ...{ password: SERVICE_PASSWORD, project_name: 'service' },
  });
  html5 = await Html5Proxy.start(site, {
    OS_NOVA__FAILED_EXCHANGES_PER_ADDRESS: '20',
    OS_HTML5PROXY__ALLOWED_ORIGINS: 'dashboard.example.org',
  });
});
beforeEach(() => cloud.nova.server.heal());
afterAll(async () => {
  await html5.stop();
  await site.stop();
  await cloud.close();
});

const get = (path: string, request: RawRequest = {}): ReturnType<Html5Proxy['get']> =>
  html5.get(path, request);

/** A console token that Nova has made for a fresh instance, and the instance. */
function novaToken(): { token: string; id: string } {
  const server = cloud.server({ host: '127.0.0.1', port: 5911, tlsPort: null });
  return { token: cloud.nova.issue(server, 'spice-html5').token, id: server.id };
}

/** The query that the browser is sent on with. */
async function redirected(path: string): Promise<URLSearchParams> {
  const answer = await get(path);
  expect(answer.status).toBe(302);
  expect(answer.headers['cache-control']).toBe('no-store');
  expect(answer.headers['referrer-policy']).toBe('no-referrer');
  const location = answer.headers.location ?? '';
  expect(location).toMatch(/^spice_auto\.html\?/);
  return new URL(location, 'http://localhost/').searchParams;
}

describe('the files', () => {
  it('are served with their type, and not again when they have not changed', async () => {
    for (const [path, type] of [
      ['/main.js', 'text/javascript; charset=utf-8'],
      ['/spice.css', 'text/css; charset=utf-8'],
      ['/thirdparty/rsa.js', 'text/javascript; charset=utf-8'],
    ] as const) {
      const answer = await get(path);
      expect([answer.status, answer.headers['content-type']]).toEqual([200, type]);
      expect(answer.headers['x-content-type-options']).toBe('nosniff');
      const again = await get(path, { headers: { 'If-None-Match': answer.headers.etag ?? '' } });
      expect([again.status, again.body]).toEqual([304, '']);
      const head = await get(path, { method: 'HEAD' });
      expect([head.status, head.body, head.headers['content-length']]).toEqual([
        200,
        '',
        String(Buffer.byteLength(answer.body)),
      ]);
    }
  });

  it('have a page whose own scripts run, and no other', async () => {
    const { status, body, headers } = await get(`${PAGE}?password=x`);
    expect([status, body]).toEqual([200, SERVED]);
    expect(headers['cache-control']).toBe('no-store');
    const policy = String(headers['content-security-policy']);
    const [scripts = ''] = /script-src [^;]*/.exec(policy) ?? [];
    expect(scripts.match(/'sha256-[^']{44}'/g)).toHaveLength(2);
    expect(scripts).not.toContain('unsafe-inline');
    const here = `127.0.0.1:${html5.port}`;
    expect(policy).toContain(`connect-src 'self' ws://${here} wss://${here};`);
    expect(policy).toContain(
      "frame-ancestors 'self' http://127.0.0.1:* https://127.0.0.1:* " +
        'http://dashboard.example.org:* https://dashboard.example.org:*',
    );
  });

  it.each(['a b', "x'; script-src *", 'x/y', '[::1', 'a;b'])(
    'have a policy that the Host header %j does not widen',
    async (host) => {
      const { headers, status } = await get(`${PAGE}?password=x`, { headers: { Host: host } });
      if (status === 400) return;
      expect(headers['content-security-policy']).toMatch(/connect-src 'self'; object-src 'none'/);
    },
  );

  it.each([
    ['/', 404],
    ['/thirdparty', 404],
    ['/thirdparty/', 404],
    ['/.hidden', 404],
    ['/../../../etc/passwd', 404],
    ['/%2e%2e/%2e%2e/etc/passwd', 404],
    ['/thirdparty/..%2f..%2fmain.js', 404],
    ['/main.js%00', 400],
    ['//evil.example.org/%2e%2e', 400],
    ['//main.js', 400],
    ['/%2Fevil.example.org', 400],
    ['/%5Cevil.example.org', 400],
    ['/%zz', 400],
    ['http://evil.example.org/main.js', 400],
    ['/websockify', 404],
    [`/${'x'.repeat(300)}`, 404],
  ])('are not to be had by %s', async (path, status) => {
    const answer = await get(path);
    expect(answer.status).toBe(status);
    expect(answer.headers.location).toBeUndefined();
    expect(answer.body.length).toBeLessThan(100);
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])('are only read: %s', async (method) => {
    const answer = await get('/main.js', { method });
    expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, HEAD']);
  });

  it('are read anew on SIGHUP', async () => {
    const web = join(site.folder, 'web');
    writeFileSync(join(web, 'new.js'), 'export {};\n');
    expect((await get('/new.js')).status).toBe(404);
    html5.program.child.kill('SIGHUP');
    await waitFor('the new file', async () => (await get('/new.js')).status === 200);
  });
});

describe('/healthcheck', () => {
  it('says that the service is there', async () => {
    for (const path of ['/healthcheck', '/healthcheck/live']) {
      const { status, body } = await get(path);
      expect([status, JSON.parse(body)]).toEqual([200, { result: 'ok' }]);
      const beside = await fetch(`http://127.0.0.1:${html5.metricsPort}${path}`);
      expect([beside.status, await beside.json()]).toEqual([200, { result: 'ok' }]);
    }
  });
});

describe('a link of Nova', () => {
  it('leads to the page with a password that opens a session, time and again', async () => {
    const { token, id } = novaToken();
    const passwords = new Set<string>();
    for (let time = 0; time < 3; time += 1) {
      const query = await redirected(
        `${PAGE}?token=${token}&title=desk(${id})&host=evil.example.org&port=1&path=x`,
      );
      expect([...query.keys()]).toEqual(['password', 'title']);
      expect(query.get('title')).toBe(`desk(${id})`);
      expect(query.get('password')).toMatch(/^[A-Za-z0-9]{48}$/);
      passwords.add(query.get('password') ?? '');
    }
    expect(passwords.size).toBe(3);
    expect(await site.kerbside.audit(CLOUD, id)).toEqual([
      'Discovered new console',
      ...new Array<string>(3).fill('Created authentication token for session.'),
    ]);
    const [password = ''] = passwords;
    const channel = await linkChannel({ ...site.clientOptions(), password });
    // Nobody is at the port that this Nova names, but the token was good.
    expect(channel.outcome).toMatchObject({ type: 'closed', stage: 'result' });
    await site.metricAtLeast('kerbside_proxy_authorized_total', 1);
  });

  it('may carry a token of Kerbside in place of one of Nova', async () => {
    const own = 'A1'.repeat(24);
    cloud.nova.server.forget();
    const query = await redirected(`${PAGE}?token=${own}`);
    expect([...query]).toEqual([['password', own]]);
    expect(cloud.nova.server.requests).toHaveLength(0);
  });

  it('without a token is explained, whatever else it asks for', async () => {
    const answer = await get(`${PAGE}?host=evil.example.org&port=1`);
    expect([answer.status, answer.body]).toEqual([
      401,
      expect.stringContaining('This link has no console token'),
    ]);
  });

  it.each([
    ['no token', '', 401, 'This link has no console token'],
    ['an unknown token', '00000000-0000-4000-8000-000000000000', 404, 'not valid any more'],
    ['a token that is a path', '..%2Fservers', 404, 'not valid any more'],
    ['a token that is a page', '%3Cscript%3Ealert(1)%3C/script%3E', 404, 'not valid any more'],
    ['a token of 8000 characters', 'x'.repeat(8000), 404, 'not valid any more'],
  ])('with %s is explained', async (_what, token, status, sentence) => {
    const answer = await get(`${PAGE}?token=${token}`);
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(answer.headers['content-security-policy']).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'$/,
    );
    expect(answer.body).toContain(sentence);
    expect(answer.body).not.toContain('alert');
  });

  it('of an instance that is stopped is explained', async () => {
    const server = cloud.server({ host: '127.0.0.1', port: 5911 });
    const { token } = cloud.nova.issue(server, 'spice-html5');
    server.status = 'SHUTOFF';
    const answer = await get(`${PAGE}?token=${token}`);
    expect([answer.status, answer.body]).toEqual([
      409,
      expect.stringContaining('The machine is not running'),
    ]);
  });

  it('is explained when the cloud does not answer, and works when it does again', async () => {
    const { token } = novaToken();
    cloud.nova.server.fault(/os-console-auth-tokens/, { kind: 'status', status: 503 });
    const answer = await get(`${PAGE}?token=${token}`);
    expect([answer.status, answer.body]).toEqual([503, expect.stringContaining('The cloud does not answer')]);
    cloud.nova.server.heal();
    await redirected(`${PAGE}?token=${token}`);
  });

  it('cannot be guessed at without end, and others are not shut out by it', async () => {
    let answer = await get(`${PAGE}?token=guess`, { localAddress: '127.0.0.50' });
    for (let guess = 0; guess < 25 && answer.status === 404; guess += 1) {
      answer = await get(`${PAGE}?token=guess-${String(guess)}`, { localAddress: '127.0.0.50' });
    }
    expect([answer.status, answer.body]).toEqual([429, expect.stringContaining('Too many attempts')]);
    expect(await html5.metric('kerbside_html5proxy_exchanges_total{outcome="limited"}')).toBe(1);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    const { token } = novaToken();
    expect((await get(`${PAGE}?token=${token}`, { localAddress: '127.0.0.51' })).status).toBe(302);
  });
});

describe('the end of a desktop', () => {
  const ended = async (token?: string): Promise<Partial<Ended>> => {
    const headers: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` };
    const answer = await get('/kerbside-ended', { headers });
    expect([answer.status, answer.headers['cache-control']]).toEqual([200, 'no-store']);
    return JSON.parse(answer.body) as Partial<Ended>;
  };

  it('is told by its token: never opened, a dead host, terminated', async () => {
    const { token, id } = novaToken();
    const password = (await redirected(`${PAGE}?token=${token}`)).get('password') ?? '';
    expect(await ended(password)).toMatchObject({ about: 'not_opened', reason: null, ended_at: null });
    const channel = await linkChannel({ ...site.clientOptions(), password });
    expect(channel.outcome).toMatchObject({ type: 'closed', stage: 'result' });
    await waitFor('the record of the end', async () => (await ended(password)).about === 'unreachable');
    const dead = await ended(password);
    expect(dead).toMatchObject({
      title: expect.stringContaining('cannot be reached'),
      reason: 'backend failed',
    });
    expect(dead.ended_at).toEqual(expect.any(Number));
    expect((await site.kerbside.api('POST', `/console/${CLOUD}/${id}/terminate`)).status).toBe(200);
    expect(await ended(password)).toMatchObject({ about: 'terminated' });
  });

  it('is told of no token, of one that is none, and of one that nobody knows', async () => {
    expect(await ended()).toMatchObject({ about: 'absent' });
    expect(await ended("' OR 1=1")).toMatchObject({ about: 'unknown' });
    expect(await ended('x'.repeat(48))).toMatchObject({ about: 'unknown', advice: expect.any(String) });
  });
});

describe('the program', () => {
  it('logs every request, and no token', async () => {
    const { token } = novaToken();
    const query = await redirected(`${PAGE}?token=${token}`);
    const line = / INFO kerbside\.html5proxy\.request \[-\] "?GET \/spice_auto\.html"? .*status=302/;
    // It is written when the answer has gone out.
    await waitFor('the line of the request', () => line.test(html5.program.output()));
    const log = html5.program.output();
    expect(log).not.toContain(token);
    expect(log).not.toContain(query.get('password') ?? '');
    expect(log).not.toMatch(/token=|password=/);
    const errors = log.split('\n').filter((line) => line.includes(' ERROR '));
    expect(errors.filter((line) => !line.includes('has no spice_auto.html'))).toEqual([]);
  });

  it('counts what it exchanged and answered', async () => {
    const opened = 'kerbside_html5proxy_exchanges_total{outcome="opened"}';
    const sentOn = 'kerbside_html5proxy_requests_total{status="302"}';
    const before = [await html5.metric(opened), await html5.metric(sentOn)];
    for (let time = 0; time < 5; time += 1) await redirected(`${PAGE}?token=${novaToken().token}`);
    const after = [await html5.metric(opened), await html5.metric(sentOn)];
    expect(after).toEqual(before.map((count) => count + 5));
  });

  it('keeps the old files in use while the folder is broken', async () => {
    const page = join(site.folder, 'web', 'spice_auto.html');
    rmSync(page);
    html5.program.child.kill('SIGHUP');
    await waitFor('the fault', () => html5.program.output().includes('has no spice_auto.html'));
    expect((await get(`${PAGE}?password=x`)).body).toBe(SERVED);
    writeFileSync(page, PAGE_TEXT);
  });
});
