// SPDX-License-Identifier: Apache-2.0
// What the service does for the admin UI: its page and files, who may ask for what, cookies, and the stream of changes.
import { request, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuditEvents } from '../../../src/objects/audit-event.js';
import { ConsoleTokens } from '../../../src/objects/console-token.js';
import { Consoles } from '../../../src/objects/console.js';
import { Sources } from '../../../src/objects/source.js';
import { Users } from '../../../src/objects/user.js';
import { aConsole, anApiSite, type ApiSite } from '../../fixtures/api-site.js';
import { waitFor } from '../../fixtures/program.js';

const HTML = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const BEHIND = {
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Host': 'cloud.example.org',
  'X-Forwarded-Prefix': '/desk',
};
const UUID = aConsole().uuid;
let site: ApiSite;

beforeAll(async () => {
  site = await anApiSite({
    OS_API__TRUSTED_PROXIES: '127.0.0.1',
    OS_HTML5PROXY__PUBLIC_URL: 'https://cloud.example.org:6082/',
  });
  await new Users(site.db).create('alice', 'the right password', { admin: true });
  await new Sources(site.db).upsert({ name: 'lab', type: 'static' });
  await new Consoles(site.db).reconcile('lab', [aConsole()]);
});
afterAll(() => site.close());

describe('the page', () => {
  it('runs its own files only, and is asked for each time', async () => {
    const { status, headers, text } = await site.call('GET', '/ui/', HTML);
    expect([status, headers['content-type'], headers['cache-control']]).toEqual([
      ...[200, 'text/html; charset=utf-8', 'no-store'],
    ]);
    const policy = String(headers['content-security-policy']);
    for (const part of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "frame-ancestors 'none'",
    ])
      expect(policy.split('; ')).toContain(part);
    expect(policy).not.toMatch(/unsafe|\*|https?:|data:/);
    expect(text).not.toMatch(/<script(?![^>]* src=)|<style| style=| on[a-z]+=|https?:\/\//);
  });

  it('leads to files that are there, small, and good for ever', async () => {
    const { text } = await site.call('GET', '/ui/', HTML);
    const files = [...text.matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g)].map(([, path]) => path);
    expect(files).toHaveLength(3);
    let size = 0;
    for (const path of files) {
      const headers = { 'Accept-Encoding': 'gzip' };
      const answer = await site.call('GET', `/ui/${path}`, { accept: '*/*', headers });
      expect([answer.status, answer.headers['content-encoding']]).toEqual([200, 'gzip']);
      expect(answer.headers['cache-control']).toBe('public, max-age=31536000, immutable');
      expect(answer.headers.vary).toBe('Accept, Accept-Encoding');
      size += Number(answer.headers['content-length']);
    }
    expect(size).toBeLessThanOrEqual(150_000);
    expect((await site.call('GET', `/ui/${files[0]}`)).headers['content-encoding']).toBeUndefined();
  });

  it.each([
    '/ui/assets/nothing.js',
    '/ui/assets/..%2f..%2fcmd%2fapi.js',
    '/ui/assets/%2e%2e%2findex.html',
    '/ui/x',
  ])('%s is not there', async (path) => {
    expect((await site.call('GET', path, HTML)).status).toBe(404);
  });

  it('is where browsers are sent, below the prefix of a proxy too; nobody else is', async () => {
    const to = async (path: string, headers = {}): Promise<unknown> => {
      const answer = await site.call('GET', path, { ...HTML, headers });
      return [answer.status, answer.headers.location];
    };
    expect(await to('/')).toEqual([302, '/ui/']);
    expect(await to('/ui')).toEqual([302, '/ui/']);
    expect(await to('/', BEHIND)).toEqual([302, '/desk/ui/']);
    expect(await to('/session', BEHIND)).toEqual([302, '/desk/ui/#/sessions']);
    expect(await to(`/console/lab/${UUID}/audit`)).toEqual([302, `/ui/#/consoles/lab/${UUID}`]);
    for (const accept of ['*/*', 'application/json', null])
      expect(await site.call('GET', '/', { accept })).toMatchObject({ status: 200, json: { result: 'ok' } });
  });
});

/** Signs in as a browser does: the cookies, and the value that changes must repeat. */
async function signIn(
  headers: Record<string, string> = {},
): Promise<{ cookie: string; csrf: string; lines: string[] }> {
  const body = { username: 'alice', password: 'the right password', as_cookie: true };
  const lines = (await site.call('POST', '/auth', { body, headers })).headers['set-cookie'] ?? [];
  const cookie = lines.map((line) => line.split(';')[0]).join('; ');
  return { cookie, csrf: /csrf_access_token=([^;]+)/.exec(cookie)?.[1] ?? '', lines };
}

describe('a login by cookie', () => {
  it('is for this service, by TLS, and not for scripts', async () => {
    const { lines } = await signIn(BEHIND);
    const access = lines.find((line) => line.startsWith('access_token_cookie=')) ?? '';
    for (const part of ['HttpOnly', 'Secure', 'SameSite=Lax', 'Path=/desk/'])
      expect(access.split('; ')).toContain(part);
  });

  it('reads without the CSRF value, and changes nothing without it', async () => {
    const { cookie, csrf } = await signIn();
    const whoami = await site.call('GET', '/ui/whoami', { headers: { Cookie: cookie } });
    expect(whoami.json).toEqual({
      ...{ user: 'alice', admin: true, groups: [], keystone: false, version: expect.any(String) },
      browser_url: 'https://cloud.example.org:6082',
    });
    const { sessionId } = await new ConsoleTokens(site.db, { tokenTtl: 600 }).mint({
      ...{ source: 'lab', uuid: UUID, issuedTo: 'bob' },
    });
    const end = (headers: Record<string, string>): Promise<{ status: number }> =>
      site.call('DELETE', `/v1/sessions/${sessionId}`, { headers: { Cookie: cookie, ...headers } });
    expect((await end({})).status).toBe(401);
    expect((await end({ 'X-CSRF-TOKEN': 'x'.repeat(csrf.length) })).status).toBe(401);
    expect((await end({ 'X-CSRF-TOKEN': csrf })).status).toBe(204);
  });
});

describe('strangers', () => {
  it('learn how to sign in and nothing else', async () => {
    const expected = {
      ...{ user: null, admin: false, groups: [], keystone: false },
      ...{ version: null, browser_url: null },
    };
    expect((await site.call('GET', '/ui/whoami')).json).toEqual(expected);
    const headers = { Cookie: 'access_token_cookie=garbage' };
    expect((await site.call('GET', '/ui/whoami', { headers })).json).toEqual(expected);
  });
});

describe('the overview', () => {
  it('counts what there is', async () => {
    const events = new AuditEvents(site.db);
    for (let n = 0; n < 2; n += 1)
      await events.record({ source: 'lab', uuid: UUID, message: 'Channel refused: the token has expired' });
    const { json } = await site.call('GET', '/ui/overview', { token: site.admin });
    expect(json).toMatchObject({
      consoles: 1,
      sessions: { active: 0, closing: 1 },
      sources: [{ name: 'lab', consoles: 1, active: 0 }],
      refusals: [{ message: 'Channel refused: the token has expired', count: 2 }],
    });
    const { hours } = json as { hours: { begin_at: string; refusals: number }[] };
    expect(hours).toHaveLength(24);
    expect(Date.parse(hours.at(-1)!.begin_at)).toBeLessThanOrEqual(Date.now());
    expect(hours.reduce((all, { refusals }) => all + refusals, 0)).toBe(2);
  });
});

describe('the stream of changes', () => {
  it('says what has changed, for those who may ask, and ends with the service', async () => {
    const own = await anApiSite();
    const stream = await open(own, own.operator);
    expect(stream.response.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    await waitFor('the greeting', () => stream.text().includes('event: hello'));
    // The first look has nothing to compare with.
    await waitFor('a change', async () => {
      await new AuditEvents(own.db).record({ source: '', uuid: '', message: 'Login' });
      return stream.text().includes('event: change\ndata: ["audit"]');
    });
    expect((await own.call('HEAD', '/ui/events', { token: own.operator })).status).toBe(405);
    const ended = new Promise((resolve) => stream.response.once('end', resolve));
    await own.close();
    await ended;
  });
});

async function open(of: ApiSite, token: string): Promise<{ response: IncomingMessage; text(): string }> {
  const headers = { Authorization: `Bearer ${token}`, Accept: 'text/event-stream' };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ host: '127.0.0.1', port: of.server.port, path: '/ui/events', headers })
      .once('response', resolve)
      .once('error', reject)
      .end();
  });
  let text = '';
  response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return { response, text: () => text };
}
