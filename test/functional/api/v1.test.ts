// SPDX-License-Identifier: Apache-2.0
// The OpenStack API: versions, refusals, paging, and who sees what.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isVersioned } from '../../../src/api/microversion.js';
import { ROUTES } from '../../../src/api/routes.js';
import { sessionNouns } from '../../fixtures/session-nouns.js';
import { ConsoleTokens } from '../../../src/objects/console-token.js';
import { Consoles } from '../../../src/objects/console.js';
import { Services } from '../../../src/objects/service.js';
import { Sources } from '../../../src/objects/source.js';
import { aConsole } from '../../fixtures/api-site.js';
import { aV1Site, type V1Site } from '../../fixtures/v1-site.js';

let v1: V1Site;
let member: string;
let reader: string;
let stranger: string;
let admin: string;

const uuidOf = (n: number): string => `00000000-0000-4000-8000-00000000000${n}`;

beforeAll(async () => {
  v1 = await aV1Site({}, { OS_API__TRUSTED_PROXIES: '127.0.0.1' });
  const { cloud, site } = v1;
  const other = cloud.keystone.directory.addProject('other');
  member = cloud.user(['member', 'reader']);
  reader = cloud.user(['reader']);
  stranger = cloud.user(['member', 'reader'], other);
  admin = cloud.user(['admin'], other);
  await new Sources(site.db).upsert({ name: 'lab', type: 'static', password: 'never shown' });
  const projectId = cloud.project.id;
  await new Consoles(site.db).reconcile('lab', [
    aConsole({ uuid: uuidOf(1), projectId, instanceHost: 'compute-1' }),
    aConsole({ uuid: uuidOf(2), projectId }),
    aConsole({ uuid: uuidOf(3), projectId: other.id }),
  ]);
});
afterAll(() => v1.close());

async function aSession(uuid: string): Promise<string> {
  const { db } = v1.site;
  const minted = await new ConsoleTokens(db, { tokenTtl: 600 }).mint({
    source: 'lab',
    uuid,
    issuedTo: 'demo',
  });
  const nouns = sessionNouns(db);
  const grant = await nouns.admission.authorize({
    ...{ ticket: minted.token, connectionId: 0, channelType: 1, channelId: 0 },
    ...{ clientIp: '2001:db8::1', clientPort: 40000, node: 'node1', pid: 42 },
  });
  if (grant.kind !== 'granted') throw new Error(grant.reason);
  await nouns.channels.linked(grant.connectionRef);
  await nouns.channels.establish(grant.sessionId, grant.generation, 7);
  return minted.sessionId;
}

const errorOf = (json: unknown): Record<string, unknown> =>
  (json as { errors: Record<string, unknown>[] }).errors[0]!;
const listed = (json: unknown, name: string): Record<string, unknown>[] =>
  (json as Record<string, Record<string, unknown>[]>)[name]!;
const LATEST = { 'OpenStack-API-Version': 'console latest' };
const pathOf = (template: string): string => template.replace(/:([a-z]+)/g, 'no-$1');

describe('every route of /v1', () => {
  const closed = ROUTES.filter(({ path, access }) => isVersioned(path) && access === 'user').map((route) => ({
    ...route,
    url: pathOf(route.path),
  }));

  it.each(closed)('$method $path refuses those who are not logged in', async ({ method, url }) => {
    const answer = await v1.site.call(method, url, { headers: LATEST });
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toContain(`Keystone uri="${v1.cloud.keystone.url}"`);
    expect(errorOf(answer.json)).toEqual({
      request_id: answer.headers['x-openstack-request-id'],
      code: 'kerbside.unauthorized',
      status: 401,
      title: 'Unauthorized',
      detail: 'Missing JWT in headers or cookies',
      links: [],
    });
    for (const garbage of [{ 'X-Auth-Token': 'garbage' }, { Authorization: 'Bearer garbage' }]) {
      const headers = { ...LATEST, ...garbage };
      const bad = await v1.site.call(method, url, { headers, accept: 'text/html' });
      expect(bad.status).toBe(401);
      expect(errorOf(bad.json)).toMatchObject({ status: 401 });
    }
  });

  it.each(closed)('$method $path refuses those who have no role', async ({ method, url }) => {
    const nobody = v1.cloud.user(['guest']);
    const answer = await v1.ask(nobody, method, url, {
      headers: LATEST,
      body: method === 'POST' ? { instance_uuid: uuidOf(1) } : {},
    });
    expect(answer.status).toBe(403);
    expect(errorOf(answer.json)).toMatchObject({ code: 'kerbside.forbidden', status: 403 });
  });

  it.each(closed)('$method $path lets an administrator pass', async ({ method, url }) => {
    const body = method === 'POST' ? { instance_uuid: uuidOf(9) } : {};
    expect([200, 404]).toContain((await v1.ask(admin, method, url, { body, headers: LATEST })).status);
  });

  it('answers what is not there, and other methods, like all the rest', async () => {
    const absent = await v1.site.call('GET', '/v1/nothing');
    expect(absent.status).toBe(404);
    expect(errorOf(absent.json)).toMatchObject({ code: 'kerbside.not_found', title: 'Not Found' });
    const wrong = await v1.site.call('PUT', '/v1/consoles');
    expect(wrong.headers.allow).toBe('GET, HEAD, POST');
    expect(errorOf(wrong.json)).toMatchObject({ code: 'kerbside.method_not_allowed' });
  });
});

describe('versions', () => {
  it('are told at /v1 and /v1/ to everybody', async () => {
    const base = `http://127.0.0.1:${v1.site.server.port}`;
    const versions = [
      {
        id: 'v1.0',
        status: 'CURRENT',
        min_version: '1.0',
        max_version: '1.8',
        links: [
          { rel: 'self', href: `${base}/v1/` },
          { rel: 'collection', href: `${base}/` },
        ],
      },
    ];
    const headers = { Host: `127.0.0.1:${v1.site.server.port}` };
    for (const path of ['/v1', '/v1/']) {
      expect((await v1.site.call('GET', path, { headers })).json).toMatchObject({ versions });
    }
    const odd = { ...headers, 'OpenStack-API-Version': 'console 7.7' };
    expect((await v1.site.call('GET', '/v1/', { headers: odd })).status).toBe(200);
  });

  it.each([
    [undefined, '1.0'],
    ['console 1.0', '1.0'],
    ['console 1.1', '1.1'],
    ['console 1.3', '1.3'],
    ['console 1.7', '1.7'],
    ['console 1.8', '1.8'],
    ['console latest', '1.8'],
    ['compute 2.99, console 1.0', '1.0'],
    ['compute 2.99', '1.0'],
  ])('takes %s and says what it is', async (asked, version) => {
    const headers: Record<string, string> = asked === undefined ? {} : { 'OpenStack-API-Version': asked };
    const answer = await v1.ask(member, 'GET', '/v1/consoles', { headers });
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      'openstack-api-version': `console ${version}`,
      'openstack-api-minimum-version': 'console 1.0',
      'openstack-api-maximum-version': 'console 1.8',
      vary: 'Accept, OpenStack-API-Version',
    });
  });

  it('refuses one that there is not, and names those that there are', async () => {
    const headers = { 'OpenStack-API-Version': 'console 1.999' };
    const answer = await v1.ask(member, 'GET', '/v1/consoles', { headers });
    expect(answer.status).toBe(406);
    expect(errorOf(answer.json)).toMatchObject({
      code: 'kerbside.not_acceptable',
      min_version: '1.0',
      max_version: '1.8',
      detail: 'version 1.999 is not supported: the minimum is 1.0 and the maximum is 1.8',
    });
    expect(answer.headers['openstack-api-maximum-version']).toBe('console 1.8');
  });

  it('refuses what is no version', async () => {
    const headers = { 'OpenStack-API-Version': 'console banana' };
    const answer = await v1.ask(member, 'GET', '/v1/consoles', { headers });
    expect([answer.status, errorOf(answer.json)['code']]).toEqual([400, 'kerbside.bad_request']);
  });
});

describe('services', () => {
  const run = { host: 'node-a', binary: 'kerbside-proxy', runId: 'a run', pid: 7, version: '1.0.0' };

  beforeAll(async () => {
    const services = new Services(v1.site.db);
    await services.register({ ...run, reportInterval: 5 }, { channels: 3 });
    await services.register({ ...run, host: 'node-b', reportInterval: 5 }, {});
    await services.stop({ ...run, host: 'node-b', reportInterval: 5 });
  });

  it('are told since 1.1, with what they say of themselves', async () => {
    expect((await v1.ask(admin, 'GET', '/v1/services')).status).toBe(404);
    const answer = await v1.ask(admin, 'GET', '/v1/services', { headers: LATEST });
    expect(listed(answer.json, 'services')).toMatchObject([
      {
        ...{ host: 'node-a', binary: 'kerbside-proxy', pid: 7, version: '1.0.0', state: 'up' },
        ...{ status: 'running', down_at: null, report: { channels: 3 } },
      },
      { host: 'node-b', state: 'down', status: 'stopped', report: {} },
    ]);
    expect(answer.text).not.toContain('a run');
  });

  it('are paged and narrowed', async () => {
    const first = await v1.ask(admin, 'GET', '/v1/services?limit=1', { headers: LATEST });
    expect(listed(first.json, 'services')).toHaveLength(1);
    const { href } = listed(first.json, 'services_links')[0] as { href: string };
    const next = await v1.ask(admin, 'GET', href.slice(href.indexOf('/v1')), { headers: LATEST });
    expect(listed(next.json, 'services')).toMatchObject([{ host: 'node-b' }]);
    const of = await v1.ask(admin, 'GET', '/v1/services?host=node-b&binary=kerbside-proxy', {
      headers: LATEST,
    });
    expect(listed(of.json, 'services')).toMatchObject([{ host: 'node-b' }]);
    const none = await v1.ask(admin, 'GET', '/v1/services?binary=nova-compute', { headers: LATEST });
    expect(listed(none.json, 'services')).toEqual([]);
    const bad = await v1.ask(admin, 'GET', '/v1/services?marker=banana', { headers: LATEST });
    expect(bad.status).toBe(400);
  });
});

describe('consoles', () => {
  it('say since 1.1 whether their instance is locked', async () => {
    const path = `/v1/consoles/lab/${uuidOf(1)}`;
    const locked = async (headers: Record<string, string>): Promise<unknown> =>
      ((await v1.ask(member, 'GET', path, { headers })).json as { console: { locked?: boolean } }).console
        .locked;
    expect(await locked({})).toBeUndefined();
    expect(await locked(LATEST)).toBeNull();
    await v1.site.db.execute('UPDATE consoles SET instance_locked = 1 WHERE uuid = ?', [uuidOf(1)]);
    expect(await locked(LATEST)).toBe(true);
  });

  it('are those of the own project, without their hypervisors', async () => {
    const { json } = await v1.ask(reader, 'GET', '/v1/consoles');
    const consoles = listed(json, 'consoles');
    expect(consoles.map(({ instance_uuid }) => instance_uuid)).toEqual([uuidOf(1), uuidOf(2)]);
    expect(consoles[0]).toMatchObject({
      id: `lab/${uuidOf(1)}`,
      source: 'lab',
      name: 'desktop',
      project_id: v1.cloud.project.id,
      host: null,
      hypervisor: null,
      hypervisor_ip: null,
      insecure_port: null,
    });
    expect(JSON.stringify(json)).not.toContain('192.0.2.10');
    expect(JSON.stringify(json)).not.toContain('the static ticket');
  });

  it('are all of them for an administrator, with their hypervisors', async () => {
    const { json } = await v1.ask(admin, 'GET', '/v1/consoles');
    expect(listed(json, 'consoles')).toHaveLength(3);
    expect(listed(json, 'consoles')[0]).toMatchObject({ host: 'compute-1', hypervisor_ip: '192.0.2.10' });
    expect((await v1.site.call('GET', '/v1/consoles', { token: v1.site.operator })).json).toEqual(json);
  });

  it('come in pages, each with a link to the next', async () => {
    const first = await v1.ask(admin, 'GET', '/v1/consoles?limit=2&source=lab');
    const { consoles_links: links } = first.json as { consoles_links: { rel: string; href: string }[] };
    expect(links).toEqual([{ rel: 'next', href: expect.stringContaining('source=lab') }]);
    const second = await v1.ask(admin, 'GET', links[0]!.href.replace(/^http:\/\/[^/]+/, ''));
    expect(listed(second.json, 'consoles').map(({ instance_uuid }) => instance_uuid)).toEqual([uuidOf(3)]);
    expect(second.json).not.toHaveProperty('consoles_links');
    for (const query of ['limit=1', `limit=1&project_id=${v1.cloud.project.id}`]) {
      const page = await v1.ask(admin, 'GET', `/v1/consoles?${query}&marker=lab/${uuidOf(1)}`);
      expect(listed(page.json, 'consoles')[0]).toMatchObject({ instance_uuid: uuidOf(2) });
    }
  });

  it.each(['marker=nonsense', 'limit=0', 'limit=x', `instance_uuid=${'x'.repeat(40)}`])(
    'refuse ?%s',
    async (query) => {
      const answer = await v1.ask(admin, 'GET', `/v1/consoles?${query}`);
      expect([answer.status, errorOf(answer.json)['code']]).toEqual([400, 'kerbside.bad_request']);
    },
  );

  it('are found by project, source and instance', async () => {
    const found = async (token: string, query: string): Promise<unknown[]> =>
      listed((await v1.ask(token, 'GET', `/v1/consoles?${query}`)).json, 'consoles').map(
        ({ instance_uuid }) => instance_uuid,
      );
    expect(await found(admin, `project_id=${v1.cloud.project.id}`)).toEqual([uuidOf(1), uuidOf(2)]);
    expect(await found(admin, `instance_uuid=${uuidOf(3)}`)).toEqual([uuidOf(3)]);
    expect(await found(admin, `instance_uuid=${uuidOf(3)}&source=lab`)).toEqual([uuidOf(3)]);
    expect(await found(admin, `instance_uuid=${uuidOf(3)}&source=cloud`)).toEqual([]);
    expect(await found(reader, `instance_uuid=${uuidOf(3)}`)).toEqual([]);
    expect(await found(stranger, `project_id=${v1.cloud.project.id}`)).toEqual([]);
  });

  it('of another project are not there', async () => {
    for (const method of ['GET', 'DELETE']) {
      const answer = await v1.ask(stranger, method, `/v1/consoles/lab/${uuidOf(1)}`);
      expect([answer.status, errorOf(answer.json)['detail']]).toEqual([404, 'console not found']);
    }
    const own = await v1.ask(member, 'GET', `/v1/consoles/lab/${uuidOf(1)}`);
    expect(own.json).toMatchObject({ console: { instance_uuid: uuidOf(1) } });
  });
});

describe('sessions and connections', () => {
  it('are listed and shown to their project only', async () => {
    const id = await aSession(uuidOf(1));
    const { json } = await v1.ask(reader, 'GET', `/v1/sessions/${id}`);
    expect(json).toMatchObject({
      session: { id, source: 'lab', state: 'active', issued_to: 'demo', project_id: v1.cloud.project.id },
    });
    const sessions = listed(
      (await v1.ask(reader, 'GET', `/v1/sessions?instance_uuid=${uuidOf(1)}`)).json,
      'sessions',
    );
    expect(sessions.map((session) => session['id'])).toContain(id);
    expect(listed((await v1.ask(stranger, 'GET', '/v1/sessions')).json, 'sessions')).toEqual([]);
    expect((await v1.ask(stranger, 'GET', `/v1/sessions/${id}`)).status).toBe(404);

    const mine = listed(
      (await v1.ask(reader, 'GET', `/v1/connections?session_id=${id}`)).json,
      'connections',
    );
    expect(mine).toHaveLength(1);
    expect(mine[0]).toMatchObject({
      session_id: id,
      channel: 'main',
      state: 'connected',
      client_ip: '2001:db8::1',
      node: null,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    });
    const all = listed((await v1.ask(admin, 'GET', `/v1/connections?session_id=${id}`)).json, 'connections');
    expect(all[0]).toMatchObject({ node: 'node1', pid: 42 });
    expect(listed((await v1.ask(stranger, 'GET', '/v1/connections')).json, 'connections')).toEqual([]);
  });

  it('come in pages', async () => {
    await aSession(uuidOf(2));
    await aSession(uuidOf(2));
    for (const [name, path] of [
      ['sessions', `/v1/sessions?limit=1&instance_uuid=${uuidOf(2)}`],
      ['connections', `/v1/connections?limit=1&source=lab&instance_uuid=${uuidOf(2)}`],
      ['audit_events', '/v1/audit-events?limit=1'],
    ] as const) {
      const first = await v1.ask(admin, 'GET', path);
      const links = (first.json as Record<string, { href: string }[]>)[`${name}_links`]!;
      const second = await v1.ask(admin, 'GET', links[0]!.href.replace(/^http:\/\/[^/]+/, ''));
      expect(listed(second.json, name)[0]!['id']).not.toBe(listed(first.json, name)[0]!['id']);
    }
    expect((await v1.ask(admin, 'GET', '/v1/connections?marker=x')).status).toBe(400);
  });

  it('are ended by a member of their project, once', async () => {
    const id = await aSession(uuidOf(1));
    expect((await v1.ask(stranger, 'DELETE', `/v1/sessions/${id}`)).status).toBe(404);
    expect((await v1.ask(reader, 'DELETE', `/v1/sessions/${id}`)).status).toBe(403);
    expect(await v1.ask(member, 'DELETE', `/v1/sessions/${id}`)).toMatchObject({ status: 204, text: '' });
    const ended = (await v1.ask(member, 'GET', `/v1/sessions/${id}`)).json as { session: unknown };
    expect(ended.session).toMatchObject({ state: 'closing', reason: 'session terminated by request' });
    const other = await aSession(uuidOf(2));
    expect((await v1.ask(member, 'DELETE', `/v1/consoles/lab/${uuidOf(2)}`)).status).toBe(204);
    expect((await v1.ask(member, 'GET', `/v1/sessions/${other}`)).json).toMatchObject({
      session: { state: 'closing' },
    });
  });
});

describe('sources and audit events', () => {
  it('are for those who run the cloud', async () => {
    const { json } = await v1.ask(admin, 'GET', '/v1/sources');
    expect(listed(json, 'sources').map(({ name }) => name)).toEqual(['cloud', 'lab']);
    expect(JSON.stringify(json)).not.toContain('never shown');
    expect((await v1.ask(admin, 'GET', '/v1/sources/lab')).json).toMatchObject({
      source: { type: 'static' },
    });
    const events = listed(
      (await v1.ask(admin, 'GET', `/v1/audit-events?source=lab&instance_uuid=${uuidOf(3)}`)).json,
      'audit_events',
    );
    expect(events).toMatchObject([{ message: 'Discovered new console', instance_uuid: uuidOf(3) }]);
    for (const path of ['/v1/sources', '/v1/sources/lab', '/v1/audit-events']) {
      expect((await v1.ask(member, 'GET', path)).status).toBe(403);
    }
  });

  it('say who, from where and by whom since 1.2, to those whom a proxy names', async () => {
    const id = await aSession(uuidOf(1));
    const headers = { 'OpenStack-API-Version': 'console 1.2' };
    const ended = await v1.ask(member, 'DELETE', `/v1/sessions/${id}`, {
      headers: { 'X-Forwarded-For': '203.0.113.9' },
    });
    const path = `/v1/audit-events?session_id=${id}`;
    const [event] = listed((await v1.ask(admin, 'GET', path, { headers })).json, 'audit_events');
    expect(event).toMatchObject({
      ...{ session_id: id, message: 'Session terminated by request' },
      ...{ issued_to: 'demo', client_ip: '2001:db8::1', service: 'kerbside', requested_by: 'user' },
      ...{ request_user: expect.any(String), request_user_id: expect.stringMatching(/^[0-9a-f-]{32,36}$/) },
      ...{ request_id: ended.headers['x-openstack-request-id'], request_ip: '203.0.113.9' },
    });
    const user = String(event?.['request_user']);
    const ofUser = `/v1/audit-events?user=${encodeURIComponent(user)}&limit=1`;
    expect(listed((await v1.ask(admin, 'GET', ofUser, { headers })).json, 'audit_events')).toEqual([event]);
    const older = listed((await v1.ask(admin, 'GET', `${path}&user=nobody`)).json, 'audit_events');
    expect(older.length).toBeGreaterThan(1);
    for (const one of older) expect(one).not.toHaveProperty('issued_to');
  });
});
