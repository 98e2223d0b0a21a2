// SPDX-License-Identifier: Apache-2.0
// What a client behind proxies sees of the service, and what a page of another site may do: over real HTTP.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loadConf } from '../../../src/conf/index.js';
import { anApiSite, SEED, startApi, type ApiSite } from '../../fixtures/api-site.js';

const BEHIND = {
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Host': 'cloud.example.org',
  'X-Forwarded-Prefix': '/console',
};
const hrefOf = (answer: { readonly json: unknown }): string =>
  (answer.json as { versions: { links: { href: string }[] }[] }).versions[0]!.links[0]!.href;

describe('behind a trusted proxy', () => {
  let site: ApiSite;
  beforeAll(async () => {
    site = await anApiSite({ OS_API__TRUSTED_PROXIES: '127.0.0.1' });
  });
  afterAll(() => site.close());

  it('links are those that the client can follow', async () => {
    expect(hrefOf(await site.call('GET', '/v1', { headers: BEHIND }))).toBe(
      'https://cloud.example.org/console/v1/',
    );
    const forwarded = { Forwarded: 'for=203.0.113.9;proto=https;host="cloud.example.org:444"' };
    expect(hrefOf(await site.call('GET', '/v1', { headers: forwarded }))).toBe(
      'https://cloud.example.org:444/v1/',
    );
  });

  it('redirects stay under the prefix', async () => {
    const call = (path: string, headers: Record<string, string>, token?: string) =>
      site.call('GET', path, { accept: 'text/html', headers, ...(token === undefined ? {} : { token }) });
    expect((await call('/', BEHIND, site.operator)).headers.location).toBe('/console/ui/');
    const hostile = { ...BEHIND, 'X-Forwarded-Prefix': '//evil.example' };
    expect((await call('/', hostile, site.operator)).headers.location).toBe('/ui/');
  });

  it('cookies are for the prefix, and for TLS', async () => {
    const answer = await site.call('DELETE', '/auth', { headers: BEHIND });
    const cookies = answer.headers['set-cookie'] ?? [];
    expect(cookies).toHaveLength(2);
    for (const cookie of cookies) {
      expect(cookie).toContain('Path=/console/;');
      expect(cookie).toContain('Secure');
    }
  });
});

describe('without a trusted proxy', () => {
  let site: ApiSite;
  beforeAll(async () => {
    site = await anApiSite();
  });
  afterAll(() => site.close());

  it('nobody is asked what the service is called but the client', async () => {
    const headers = { ...BEHIND, Forwarded: 'host=evil.example', Host: 'own.example:13002' };
    expect(hrefOf(await site.call('GET', '/v1', { headers }))).toBe('http://own.example:13002/v1/');
  });

  it('a host that no link could hold is not repeated', async () => {
    const href = hrefOf(await site.call('GET', '/v1', { headers: { Host: 'a"b/c' } }));
    expect(href).toBe(`http://127.0.0.1:${String(site.server.port)}/v1/`);
  });

  it('pages of other sites may nothing', async () => {
    const headers = { Origin: 'https://portal.example', 'Access-Control-Request-Method': 'GET' };
    expect((await site.call('OPTIONS', '/v1/consoles', { headers })).status).toBe(405);
    const answer = await site.call('GET', '/v1', { headers });
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
  });
});

describe('a page of an allowed site', () => {
  const origin = 'https://portal.example:8443';
  let site: ApiSite;
  beforeAll(async () => {
    site = await anApiSite({ OS_CORS__ALLOWED_ORIGIN: `${origin},https://other.example` });
  });
  afterAll(() => site.close());
  const preflight = (path: string, headers: Record<string, string> = {}) =>
    site.call('OPTIONS', path, {
      headers: { Origin: origin, 'Access-Control-Request-Method': 'POST', ...headers },
    });

  it.each(['/v1/consoles', '/nothing'])('is told before all else what it may do: %s', async (path) => {
    const answer = await preflight(path);
    expect(answer.status).toBe(204);
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET,HEAD,POST,DELETE',
      'access-control-max-age': '3600',
    });
    expect(answer.headers['access-control-allow-headers']).toContain('X-Auth-Token');
    expect(answer.headers.vary).toContain('Origin');
  });

  it('may read answers, refusals too', async () => {
    const answer = await site.call('GET', '/v1/consoles', { headers: { Origin: origin } });
    expect(answer.status).toBe(401);
    expect(answer.headers['access-control-allow-origin']).toBe(origin);
    expect(answer.headers['access-control-expose-headers']).toContain('X-Openstack-Request-Id');
    expect(answer.headers.vary).toMatch(/Accept.*Origin/);
  });

  it('is no page of yet another site', async () => {
    for (const other of ['https://evil.example', 'https://portal.example', 'null'])
      expect((await preflight('/v1/consoles', { Origin: other })).headers).not.toHaveProperty(
        'access-control-allow-origin',
      );
  });

  it('does not make OPTIONS a method of the service', async () => {
    expect((await site.call('OPTIONS', '/console', { headers: { Origin: origin } })).status).toBe(405);
  });
});

describe('[cors] allowed_origin', () => {
  it('takes any site for *, without its credentials', async () => {
    const site = await anApiSite({ OS_CORS__ALLOWED_ORIGIN: '*' });
    const answer = await site.call('GET', '/v1', { headers: { Origin: 'https://anybody.example' } });
    await site.close();
    expect(answer.headers['access-control-allow-origin']).toBe('*');
    expect(answer.headers).not.toHaveProperty('access-control-allow-credentials');
  });

  it.each(['https://portal.example/', 'portal.example', 'HTTPS://portal.example'])(
    'refuses %s, and says what to give',
    async (origin) => {
      const site = await anApiSite();
      const env = { OS_API__ADDRESS: '127.0.0.1', OS_API__PORT: '0', OS_API__AUTH_SECRET_SEED: SEED };
      const { conf } = loadConf(
        { configFiles: [], configDirs: [] },
        { ...env, OS_SPICE__CACERT_PATH: '', OS_CORS__ALLOWED_ORIGIN: origin },
      );
      await expect(startApi(conf, site.db)).rejects.toThrow(/\[cors\] allowed_origin/);
      await site.close();
    },
  );
});
