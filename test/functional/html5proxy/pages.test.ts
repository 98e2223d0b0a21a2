// SPDX-License-Identifier: Apache-2.0
// What kerbside-html5proxy answers by HTTP: the files of the client and nothing else, under a strict policy, and the
// exchange of console tokens with a cloud behind it.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Ended } from '../../../src/html5proxy/ended.js';
import { Cloud, SERVICE_PASSWORD } from '../../fixtures/cloud.js';
import type { ViewerSession } from '../../../src/html5proxy/viewer-page.js';
import { Html5Proxy, type RawRequest } from '../../fixtures/html5proxy.js';
import { Site } from '../../fixtures/kerbside.js';
import { waitFor } from '../../fixtures/program.js';
import { linkChannel } from '../../fixtures/spice-client.js';

const CLOUD = 'cloud';
const PAGE = '/spice_auto.html';
/** A token of Kerbside, by its looks. */
const OWN = 'A1'.repeat(24);

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

/** What the page of a link is told, in its body. */
async function sessionOf(path: string): Promise<ViewerSession> {
  const answer = await get(path);
  expect(answer.status).toBe(200);
  expect(answer.headers['cache-control']).toBe('no-store');
  expect(answer.headers['referrer-policy']).toBe('no-referrer');
  return sessionIn(answer.body);
}

function sessionIn(body: string): ViewerSession {
  const [, data = ''] = /id="kerbside-session">(.*?)<\/script>/.exec(body) ?? [];
  return JSON.parse(data) as ViewerSession;
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

  it('have a page that runs the scripts and styles of its service, and no others', async () => {
    const { status, body, headers } = await get(`${PAGE}?password=${OWN}`);
    expect(status).toBe(200);
    for (const [, path = ''] of body.matchAll(/(?:src|href)="([^"]+)"/g))
      expect([path, (await get(`/${path}`)).status]).toEqual([path, 200]);
    expect(headers['cache-control']).toBe('no-store');
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("; script-src 'self'; style-src 'self'; ");
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
      const { headers, status } = await get(`${PAGE}?password=${OWN}`, { headers: { Host: host } });
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
      const session = await sessionOf(
        `${PAGE}?token=${token}&title=desk(${id})&host=evil.example.org&port=1&path=x`,
      );
      expect(session).toMatchObject({ protocol: 'spice', title: `desk(${id})` });
      expect(session.password).toMatch(/^[A-Za-z0-9]{48}$/);
      passwords.add(session.password ?? '');
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
    cloud.nova.server.forget();
    expect((await sessionOf(`${PAGE}?token=${OWN}`)).password).toBe(OWN);
    expect(cloud.nova.server.requests).toHaveLength(0);
  });

  it.each([
    ['vnc_auto.html', (token: string) => `token=${token}`],
    ['vnc_auto.html', (token: string) => `path=${encodeURIComponent(`?token=${token}`)}`],
    ['vnc_lite.html', (token: string) => `path=${encodeURIComponent(`?token=${token}`)}&title=x`],
    ['vnc_lite.html', (token: string) => `path=${encodeURIComponent(`websockify?token=${token}`)}`],
    ['vnc.html', (token: string) => `autoconnect=true&path=${encodeURIComponent(`?token=${token}`)}`],
  ])('to noVNC opens a VNC console: %s, form %#', async (page, query) => {
    const server = cloud.server({ host: '127.0.0.1', port: 5911, tlsPort: null });
    const { token } = cloud.nova.issue(server, 'novnc');
    const session = await sessionOf(`/${page}?${query(token)}`);
    expect(session).toMatchObject({ protocol: 'vnc', native: null });
    expect(session.password).toMatch(/^[A-Za-z0-9]{48}$/);
    const { body } = await site.kerbside.api('GET', `/console/${CLOUD}/${server.id}`);
    expect(JSON.parse(body)).toMatchObject({ protocol: 'vnc', insecure_port: 5911 });
  });

  it('has its title as data, whatever stands in it', async () => {
    const title = '</script><script>alert(1)</script>';
    const answer = await get(`${PAGE}?token=${OWN}&title=${encodeURIComponent(title)}`);
    expect(sessionIn(answer.body).title).toBe(title);
    expect(answer.body.match(/<script/g)).toHaveLength(2);
  });

  it('without a token is explained, whatever else it asks for', async () => {
    const answer = await get(`${PAGE}?host=evil.example.org&port=1`);
    expect(answer.status).toBe(401);
    // The page may have been loaded again: it looks for what its tab has kept before it says so.
    expect(sessionIn(answer.body)).toMatchObject({
      password: null,
      absent: { title: 'This link has no console token' },
    });
  });

  it.each([
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
    await sessionOf(`${PAGE}?token=${token}`);
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
    expect((await get(`${PAGE}?token=${token}`, { localAddress: '127.0.0.51' })).status).toBe(200);
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
    const password = (await sessionOf(`${PAGE}?token=${token}`)).password ?? '';
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
    const { password } = await sessionOf(`${PAGE}?token=${token}`);
    const line = / INFO kerbside\.html5proxy\.request \[-\] "?GET \/spice_auto\.html"? .*status=200/;
    // It is written when the answer has gone out.
    await waitFor('the line of the request', () => line.test(html5.program.output()));
    const log = html5.program.output();
    expect(log).not.toContain(token);
    expect(log).not.toContain(password ?? 'none');
    expect(log).not.toMatch(/token=|password=/);
    const errors = log.split('\n').filter((line) => line.includes(' ERROR '));
    expect(errors.filter((line) => !line.includes('has no main.js'))).toEqual([]);
  });

  it('counts what it exchanged and answered', async () => {
    const opened = 'kerbside_html5proxy_exchanges_total{outcome="opened"}';
    const shown = 'kerbside_html5proxy_requests_total{status="200"}';
    const before = [await html5.metric(opened), await html5.metric(shown)];
    for (let time = 0; time < 5; time += 1) await sessionOf(`${PAGE}?token=${novaToken().token}`);
    const after = [await html5.metric(opened), await html5.metric(shown)];
    expect(after).toEqual(before.map((count) => count + 5));
  });

  it('keeps the old files in use while the folder is broken', async () => {
    const client = join(site.folder, 'web', 'main.js');
    rmSync(client);
    html5.program.child.kill('SIGHUP');
    await waitFor('the fault', () => html5.program.output().includes('has no main.js'));
    expect((await get('/main.js')).status).toBe(200);
    writeFileSync(client, 'export const main = 1;\n');
  });
});
