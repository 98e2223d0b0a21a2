// SPDX-License-Identifier: Apache-2.0
// Sources over HTTP.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Sources } from '../../../src/objects/source.js';
import { anApiSite, type ApiSite } from '../../fixtures/api-site.js';

const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
/** As an older release may have stored it. */
const COMBINED = `${CERTIFICATE}-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n`;

let site: ApiSite;
beforeAll(async () => {
  site = await anApiSite({ OS_API__MAX_LIMIT: '3' });
  const sources = new Sources(site.db);
  await sources.upsert({ name: 'lab one', type: 'static', password: 'never shown', caCert: COMBINED });
  await sources.markSeen('lab one', 'node1');
  for (const name of ['b', 'c', 'd', 'e', 'gone']) await sources.upsert({ name, type: 'static' });
  await sources.markDeleted('gone');
  await sources.setError('c', 'sources.yaml line 3, column 5: not a list');
});
afterAll(() => site.close());

const names = (json: unknown): string[] => (json as { name: string }[]).map(({ name }) => name);

describe('GET /source/<name>', () => {
  it('shows a source, and no password', async () => {
    const answer = await site.call('GET', '/source/lab%20one', { token: site.operator });
    expect(answer).toMatchObject({
      status: 200,
      json: {
        name: 'lab one',
        type: 'static',
        last_seen: expect.any(Number),
        seen_by: 'node1',
        errored: false,
        error: null,
        url: null,
        ca_cert: CERTIFICATE,
        username: null,
        project_name: null,
        user_domain_id: null,
        project_domain_id: null,
        deleted: false,
      },
    });
    expect(Object.keys(answer.json as object)).toHaveLength(13);
    expect(answer.text).not.toContain('never shown');
    expect(answer.text).not.toContain('PRIVATE KEY');
  });

  it('shows why a source is errored', async () => {
    expect((await site.call('GET', '/source/c', { token: site.operator })).json).toMatchObject({
      errored: true,
      error: 'sources.yaml line 3, column 5: not a list',
    });
  });

  it('shows a source that is no longer configured', async () => {
    expect((await site.call('GET', '/source/gone', { token: site.operator })).json).toMatchObject({
      deleted: true,
    });
  });

  it('is 404 for a source that never was', async () => {
    const answer = await site.call('GET', '/source/never', { token: site.operator });
    expect(answer.text).toBe('{\n    "error": "source not found",\n    "status": 404\n}');
  });
});

describe('GET /source', () => {
  it('lists page by page through the Link header, without the deleted', async () => {
    const first = await site.call('GET', '/source', { token: site.operator });
    expect(names(first.json)).toEqual(['b', 'c', 'd']);
    const link = /^<(.*)>; rel="next"$/.exec(first.headers['link'] as string)?.[1];
    const second = await site.call('GET', link!, { token: site.operator });
    expect(names(second.json)).toEqual(['e', 'lab one']);
    expect(second.headers).not.toHaveProperty('link');
  });

  it('takes limit and marker, and ignores what it does not know', async () => {
    const answer = await site.call('GET', '/source?limit=1&utm=x', { token: site.operator });
    expect(names(answer.json)).toEqual(['b']);
    expect(answer.headers['link']).toMatch(/^<\/source\?limit=1&marker=[^>]+>; rel="next"$/);
    expect(names((await site.call('GET', '/source?limit=99', { token: site.operator })).json)).toHaveLength(
      3,
    );
  });

  it.each(['limit=0', 'limit=-1', 'limit=x', 'limit=1.5', 'limit=', 'limit=1&limit=2', 'marker=a&marker=b'])(
    'refuses ?%s and names the parameter',
    async (query) => {
      const answer = await site.call('GET', `/source?${query}`, { token: site.operator });
      expect(answer.status).toBe(400);
      expect((answer.json as { error: string }).error).toMatch(/^bad request/);
    },
  );
});
