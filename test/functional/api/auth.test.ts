// SPDX-License-Identifier: Apache-2.0
// Logging in and out: bodies, cookies, limits, audit.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuditEvents } from '../../../src/objects/audit-event.js';
import { Users } from '../../../src/objects/user.js';
import { anApiSite, type Answer, type ApiSite, type Call } from '../../fixtures/api-site.js';

const refusal = (status: number, error: string) => ({ status, json: { error, status } });

function login(site: ApiSite, body: unknown, call: Call = {}): Promise<Answer> {
  return site.call('POST', '/auth', { body, ...call });
}

function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>;
}

function cookiesOf(answer: Answer): Record<string, { value: string; attributes: string[] }> {
  const entries = (answer.headers['set-cookie'] ?? []).map((line) => {
    const [pair = '', ...attributes] = line.split('; ');
    const at = pair.indexOf('=');
    return [pair.slice(0, at), { value: pair.slice(at + 1), attributes }] as const;
  });
  return Object.fromEntries(entries);
}

describe('POST /auth without a local user', () => {
  it('is 503', async () => {
    const site = await anApiSite();
    const answer = await login(site, { username: 'alice', password: 'x' });
    expect(answer).toMatchObject(refusal(503, 'no login method is configured'));
    await site.close();
  });
});

describe('POST /auth', () => {
  let site: ApiSite;
  beforeAll(async () => {
    site = await anApiSite({ OS_API__TOKEN_TTL: '120', OS_API__TRUSTED_PROXIES: '127.0.0.1' });
    await new Users(site.db).create('alice', 'the right password', { admin: true });
    await new Users(site.db).create('bob', 'another password', { admin: false });
  });
  afterAll(() => site.close());

  it('gives a token that works', async () => {
    const answer = await login(site, { username: 'alice', password: 'the right password' });
    const body = answer.json as { access_token: string };
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({ access_token: expect.any(String), expires_in: 120, token_type: 'Bearer' });
    expect(claimsOf(body.access_token)).toMatchObject({
      sub: 'alice',
      iss: 'kerbside.example.org',
      type: 'access',
      fresh: false,
      kerbside_admin: true,
    });
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect((await site.call('GET', '/console', { token: body.access_token })).status).toBe(200);
  });

  it('gives two cookies instead when asked', async () => {
    const answer = await login(site, { username: 'bob', password: 'another password', as_cookie: true });
    expect(answer).toMatchObject({ status: 200, json: { expires_in: 120 } });
    expect(answer.text).not.toContain('access_token');
    const { access_token_cookie: access, csrf_access_token: csrf } = cookiesOf(answer);
    expect(access!.attributes).toEqual(['Path=/', 'HttpOnly', 'SameSite=Lax']);
    expect(csrf!.attributes).toEqual(['Path=/', 'SameSite=Lax']);
    expect(claimsOf(access!.value)).toMatchObject({ sub: 'bob', kerbside_admin: false, csrf: csrf!.value });

    const headers = { Cookie: `access_token_cookie=${access!.value}` };
    expect((await site.call('GET', '/console', { headers })).status).toBe(200);
  });

  it('marks the cookies Secure when a trusted proxy says that the request came by https', async () => {
    const answer = await login(
      site,
      { username: 'bob', password: 'another password', as_cookie: true },
      { headers: { 'X-Forwarded-Proto': 'https' } },
    );
    for (const { attributes } of Object.values(cookiesOf(answer))) expect(attributes).toContain('Secure');
  });

  it('takes JSON whatever its media type, but no login from the page of another site', async () => {
    const body = JSON.stringify({ username: 'bob', password: 'another password', as_cookie: true });
    const plain = { 'Content-Type': 'text/plain' };
    expect((await site.call('POST', '/auth', { raw: body, headers: plain })).status).toBe(200);
    const crossSite = { ...plain, 'Sec-Fetch-Site': 'cross-site' };
    expect((await site.call('POST', '/auth', { raw: body, headers: crossSite })).status).toBe(403);
  });

  it.each([
    ['no body', undefined, 'bad request'],
    ['no password', { username: 'alice' }, 'bad request'],
    ['no username', { password: 'x' }, 'bad request'],
    ['an empty password', { username: 'alice', password: '' }, 'bad request'],
    ['null', { username: null, password: 'x' }, 'bad request'],
    ['a numeric username', { username: 1, password: 'x' }, 'bad request: username must be a string'],
    [
      'an object as password',
      { username: 'a', password: { $ne: 1 } },
      'bad request: password must be a string',
    ],
    [
      'text as as_cookie',
      { username: 'a', password: 'b', as_cookie: 'yes' },
      'bad request: as_cookie must be a boolean value',
    ],
    ['an unknown member', { username: 'a', password: 'b', otp: 1 }, "bad request: unknown field 'otp'"],
    [
      'an endless name',
      { username: 'a'.repeat(256), password: 'b' },
      expect.stringContaining('bad request: username'),
    ],
  ])('refuses %s with 400', async (_title, body, error) => {
    expect(await login(site, body)).toMatchObject({ status: 400, json: { error, status: 400 } });
  });

  it('refuses a wrong password and an unknown user in the same words', async () => {
    const wrong = await login(site, { username: 'alice', password: 'guess' });
    const unknown = await login(site, { username: 'mallory', password: 'guess' });
    expect(wrong).toMatchObject(refusal(401, 'unauthorized'));
    expect(unknown).toMatchObject(refusal(401, 'unauthorized'));
  });

  it('audits logins and failures with the address that the trusted proxy names, never a password', async () => {
    const headers = { 'X-Forwarded-For': '203.0.113.9' };
    await login(site, { username: 'alice', password: 'the right password' }, { headers });
    await login(site, { username: 'alice', password: 'secret guess' }, { headers });
    const { events } = await new AuditEvents(site.db).list('', '', 2);
    for (const event of events)
      expect(event).toMatchObject({
        ...{ client_ip: '203.0.113.9', service: 'kerbside', requested_by: 'user', request_user: 'alice' },
        ...{ request_id: expect.stringMatching(/^req-/), request_ip: '203.0.113.9' },
      });
    expect(events.map(({ message, node }) => [message, node])).toEqual([
      ['Login of alice from 203.0.113.9', 'node1'],
      ['Failed login of alice from 203.0.113.9', 'node1'],
    ]);
    const all = await new AuditEvents(site.db).list('', '', 1000);
    expect(JSON.stringify(all.events)).not.toMatch(/password|guess/);
  });
});

describe('too many failed logins', () => {
  let site: ApiSite;
  beforeAll(async () => {
    site = await anApiSite({
      OS_API__LOGIN_ATTEMPTS_PER_USER: '2',
      OS_API__LOGIN_ATTEMPTS_PER_ADDRESS: '4',
      OS_API__LOGIN_WINDOW: '60',
    });
    await new Users(site.db).create('alice', 'the right password', { admin: false });
  });
  afterAll(() => site.close());

  it('are refused with 429 and Retry-After, by user and then by address, and no header of the client helps', async () => {
    const attempt = (username: string, password: string) =>
      login(
        site,
        { username, password },
        { headers: { 'X-Forwarded-For': `203.0.113.${Math.random() * 200}` } },
      );
    expect((await attempt('alice', 'a')).status).toBe(401);
    expect((await attempt('alice', 'b')).status).toBe(401);
    const limited = await attempt('alice', 'the right password');
    expect(limited).toMatchObject(refusal(429, 'too many login attempts'));
    expect(Number(limited.headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(limited.headers['retry-after'])).toBeLessThanOrEqual(60);
    expect((await attempt('bob', 'x')).status).toBe(401);
    expect((await attempt('carol', 'x')).status).toBe(429);
  });
});

describe('DELETE /auth', () => {
  let site: ApiSite;
  beforeAll(async () => {
    site = await anApiSite();
    await new Users(site.db).create('alice', 'the right password', { admin: false });
  });
  afterAll(() => site.close());

  it('removes the cookies of a browser that proves that the page is ours', async () => {
    const given = cookiesOf(
      await login(site, { username: 'alice', password: 'the right password', as_cookie: true }),
    );
    const headers = {
      Cookie: `access_token_cookie=${given['access_token_cookie']!.value}`,
      'X-CSRF-TOKEN': given['csrf_access_token']!.value,
    };
    const answer = await site.call('DELETE', '/auth', { headers });
    expect(answer).toMatchObject({ status: 200, json: { result: 'ok' } });
    const cleared = cookiesOf(answer);
    expect(Object.keys(cleared)).toEqual(['access_token_cookie', 'csrf_access_token']);
    for (const { value, attributes } of Object.values(cleared)) {
      expect(value).toBe('');
      expect(attributes).toContain('Expires=Thu, 01 Jan 1970 00:00:00 GMT');
    }
  });

  it('is refused when another site makes the browser send it', async () => {
    const given = cookiesOf(
      await login(site, { username: 'alice', password: 'the right password', as_cookie: true }),
    );
    const headers = { Cookie: `access_token_cookie=${given['access_token_cookie']!.value}` };
    expect(await site.call('DELETE', '/auth', { headers })).toMatchObject(refusal(401, 'Missing CSRF token'));
  });

  it('is fine when there is nothing to remove', async () => {
    expect(await site.call('DELETE', '/auth')).toMatchObject({ status: 200, json: { result: 'ok' } });
  });
});
