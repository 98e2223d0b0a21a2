// SPDX-License-Identifier: Apache-2.0
// Who may open what: lists of access against local users, their groups, and users of Keystone with theirs, on every route
// that has to do with consoles.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ROUTES } from '../../../src/api/routes.js';
import { AccessReview } from '../../../src/broker/access-review.js';
import { SessionTermination } from '../../../src/broker/session-termination.js';
import type { AccessEntry } from '../../../src/objects/access-list.js';
import { AccessLists } from '../../../src/objects/access.js';
import { AuditEvents } from '../../../src/objects/audit-event.js';
import { ConsoleTokens } from '../../../src/objects/console-token.js';
import { Consoles } from '../../../src/objects/console.js';
import { Sources } from '../../../src/objects/source.js';
import { Users } from '../../../src/objects/user.js';
import { aConsole, anApiSite, SEED, type Answer, type ApiSite, type Call } from '../../fixtures/api-site.js';
import { Cloud } from '../../fixtures/cloud.js';
import { databasesOf, ENGINES } from '../../fixtures/database.js';
import { mintToken } from '../../../src/identity/jwt.js';
import { sessionNouns } from '../../fixtures/session-nouns.js';

const LATEST = { 'OpenStack-API-Version': 'console latest' };
const uuidOf = (n: number): string => `00000000-0000-4000-8000-00000000000${n}`;
/** The console that lists keep from most, and one without any list. */
const [LISTED, FREE, TAGGED] = [uuidOf(1), uuidOf(2), uuidOf(3)];
const SECRET = 'listed-desktop';

const ACCESS: readonly AccessEntry[] = [
  { role: 'view', users: ['vera'] },
  { role: 'open', users: ['otto'], projects: ['project-x'] },
  { role: 'operate', groups: ['helpdesk'] },
];

/** Each route that names one console or session, and what those get who may do it. */
const BY_ROLE: Readonly<Record<string, readonly [view: number, open: number, operate: number]>> = {
  'GET /console/:source/:uuid': [200, 200, 200],
  'GET /console/:source/:uuid/audit': [403, 403, 200],
  'POST /console/:source/:uuid/terminate': [403, 403, 200],
  'GET /console/proxy/:source/:uuid/console.vv': [403, 200, 200],
  'GET /console/direct/:source/:uuid/console.vv': [403, 403, 403],
  'POST /session/:session/terminate': [403, 403, 200],
  'GET /v1/consoles/:source/:uuid': [200, 200, 200],
  'DELETE /v1/consoles/:source/:uuid': [403, 403, 204],
  'POST /v1/consoles': [403, 201, 201],
  'GET /v1/sessions/:id': [200, 200, 200],
  'DELETE /v1/sessions/:id': [403, 403, 204],
};
const LISTINGS = [
  '/console',
  '/session',
  '/v1/consoles',
  '/v1/consoles?sort=name',
  '/v1/consoles?name~=listed',
  `/v1/consoles?instance_uuid=${LISTED}`,
  '/v1/consoles?source=lab',
  '/v1/sessions',
  '/v1/sessions?sort=created_at:desc',
  `/v1/sessions?instance_uuid=${LISTED}`,
  '/v1/connections',
  '/v1/audit-events',
  '/v1/audit-events?since=2020-01-01T00:00:00Z',
  '/v1/audit-events?user=somebody',
  `/v1/audit-events?source=lab&instance_uuid=${LISTED}`,
  '/ui/overview',
  '/ui/whoami',
  '/v1/sources',
  '/source',
];

describe.each(ENGINES)('access on %s', (engine) => {
  const databases = databasesOf(engine, { keep: true });
  let cloud: Cloud;
  let site: ApiSite;
  const tokens: Record<string, Record<string, string>> = {};

  beforeAll(async () => {
    cloud = await Cloud.start();
    const conf = await databases.empty();
    site = await anApiSite({
      ...cloud.serviceOptions(),
      OS_DATABASE__CONNECTION: conf.connection,
      OS_DATABASE__ENCRYPTION_KEY_FILE: conf.encryptionKeyFile,
    });
    const { db } = site;
    const users = new Users(db);
    await users.create('anna', 'password of anna', { admin: false, groups: ['helpdesk'] });
    const sources = new Sources(db);
    await sources.upsert({ name: 'lab', type: 'static', settings: { access: ACCESS } });
    await sources.upsert({ name: 'free', type: 'static' });
    await sources.upsert({
      ...{ name: 'pools', type: 'static' },
      settings: { access: [{ role: 'open', tags: ['pool:lab'] }] },
    });
    const consoles = new Consoles(db);
    await consoles.reconcile('lab', [aConsole({ uuid: LISTED, name: SECRET })]);
    await consoles.reconcile('free', [aConsole({ uuid: FREE, name: 'free-desktop' })]);
    await consoles.reconcile('pools', [
      aConsole({ uuid: TAGGED, name: 'in-the-pool', tags: ['pool:lab', 'tag:gpu'] }),
      aConsole({ uuid: uuidOf(4), name: 'listed-for-nobody', tags: ['pool:other'] }),
    ]);
    const { directory } = cloud.keystone;
    const member = directory.addProject('members');
    const kate = cloud.keystone.addAccount('kate', 'x', member, 'member', 'reader');
    directory.addGroup('helpdesk', [kate]);
    const karl = cloud.keystone.addAccount('karl', 'x', member, 'member', 'reader');
    const guest = cloud.keystone.addAccount('gina', 'x', member, 'guest');
    const of = (token: string): Record<string, string> => ({ 'X-Auth-Token': token });
    tokens['kate'] = of(directory.issue(kate, member).value);
    tokens['karl'] = of(directory.issue(karl, member).value);
    tokens['gina'] = of(directory.issue(guest, member).value);
    for (const user of ['vera', 'otto', 'demo', 'root']) {
      const subject = { user, admin: user === 'root' };
      const minted = await mintToken(subject, { seed: SEED, issuer: 'i', ttl: 3600 });
      tokens[user] = { Authorization: `Bearer ${minted.token}` };
    }
    const login = await site.call('POST', '/auth', {
      body: { username: 'anna', password: 'password of anna' },
    });
    tokens['anna'] = { Authorization: `Bearer ${(login.json as { access_token: string }).access_token}` };
  });
  afterAll(async () => {
    await site.close();
    await cloud.close();
  });

  const as = (user: string, method: string, path: string, call: Call = {}): Promise<Answer> =>
    site.call(method, path, { ...call, headers: { ...LATEST, ...tokens[user], ...call.headers } });

  async function aSession(uuid: string, source = 'lab', principals?: string[]): Promise<string> {
    const { db } = site;
    const request = { source, uuid, issuedTo: 'somebody', principals };
    const minted = await new ConsoleTokens(db, { tokenTtl: 600 }).mint(request);
    const nouns = sessionNouns(db);
    const grant = await nouns.admission.authorize({
      ...{ ticket: minted.token, connectionId: 0, channelType: 1, channelId: 0 },
      ...{ clientIp: '2001:db8::1', clientPort: 40000, node: 'node1', pid: 42 },
    });
    if (grant.kind !== 'granted') throw new Error(grant.reason);
    await nouns.channels.linked(grant.connectionRef);
    const by = {
      kind: 'user',
      name: 'somebody',
      userId: null,
      projectId: null,
      requestId: null,
      address: null,
    } as const;
    await new AuditEvents(db).record({
      ...{ source, uuid, session_id: minted.sessionId, node: 'node1', pid: 42, message: `about ${SECRET}` },
      ...{ issued_to: 'somebody', client_ip: '2001:db8::1', by },
    });
    return minted.sessionId;
  }

  async function answerOf(user: string, route: string): Promise<Answer> {
    const [method = '', template = ''] = route.split(' ');
    const session = template.includes(':session') || template.includes(':id') ? await aSession(LISTED) : '';
    const path = template
      .replace(':source', 'lab')
      .replace(':uuid', LISTED)
      .replace(/:(session|id)/, session);
    const body = route === 'POST /v1/consoles' ? { instance_uuid: LISTED, source: 'lab' } : undefined;
    return as(user, method, path, body === undefined ? {} : { body });
  }

  it('covers every route that names one console or session', () => {
    const named = ROUTES.filter(({ path, access }) => access === 'user' && /:(uuid|session|id)/.test(path));
    const routes = named.map(({ method, path }) => `${method} ${path}`);
    expect(Object.keys(BY_ROLE).sort()).toEqual([...routes, 'POST /v1/consoles'].sort());
  });

  describe.each(Object.entries(BY_ROLE))('%s', (route, [view, open, operate]) => {
    it.each([
      ['vera', 'may view by name', view],
      ['otto', 'may open by name', open],
      ['anna', 'operates by a local group', operate],
      ['kate', "operates by one of Keystone's groups", operate],
    ])('%s, who %s', async (user, _, status) => {
      expect((await answerOf(user, route)).status).toBe(status);
    });

    it('is 404 for those whom the list does not name, as if there were nothing', async () => {
      const direct = route.includes('/direct/');
      for (const user of ['demo', 'karl']) {
        const answer = await answerOf(user, route);
        expect([user, answer.status]).toEqual([user, direct ? 403 : 404]);
        expect(answer.text).not.toContain(SECRET);
      }
      const absent = await as('demo', 'GET', `/v1/consoles/lab/${uuidOf(9)}`);
      const hidden = await as('demo', 'GET', `/v1/consoles/lab/${LISTED}`);
      const said = ({ json }: Answer): unknown =>
        (json as { errors: { detail: string }[] }).errors[0]?.detail;
      expect(said(hidden)).toBe(said(absent));
    });

    it('is for administrators, whatever the list says', async () => {
      expect((await answerOf('root', route)).status).toBeLessThan(300);
    });
  });

  it.each(LISTINGS)('%s says nothing of it to those whom the list does not name', async (path) => {
    const session = await aSession(LISTED);
    for (const user of ['demo', 'karl', 'gina']) {
      const { text } = await as(user, 'GET', path);
      for (const word of [SECRET, LISTED, session, 'listed-for-nobody']) expect(text).not.toContain(word);
    }
    const all = await as('root', 'GET', path);
    expect(all.status).toBe(200);
  });

  it('lists what a list names somebody for, beside what has no list, page by page', async () => {
    const names = async (user: string, path: string): Promise<string[]> => {
      const found: string[] = [];
      let next: string | undefined = path;
      while (next !== undefined) {
        const { json } = await as(user, 'GET', next);
        const page = json as { consoles: { name: string }[]; consoles_links?: { href: string }[] };
        found.push(...page.consoles.map(({ name }) => name));
        const href = page.consoles_links?.[0]?.href;
        next = href === undefined ? undefined : new URL(href).pathname + new URL(href).search;
      }
      return found;
    };
    for (const path of [
      '/v1/consoles?limit=1',
      '/v1/consoles?limit=1&sort=name',
      '/v1/consoles?limit=1&sort=created_at:desc',
    ]) {
      expect((await names('vera', path)).sort()).toEqual(['free-desktop', 'in-the-pool', SECRET]);
      expect((await names('demo', path)).sort()).toEqual(['free-desktop', 'in-the-pool']);
      expect((await names('kate', path)).sort()).toEqual(['in-the-pool', SECRET]);
      expect((await names('karl', path)).sort()).toEqual(['in-the-pool']);
      expect(await names('root', path)).toHaveLength(4);
    }
    const original = await as('vera', 'GET', '/console');
    expect((original.json as { name: string }[]).map(({ name }) => name).sort()).toEqual(
      ['free-desktop', 'in-the-pool', SECRET].sort(),
    );
  });

  it('lets everybody in by a tag of the console', async () => {
    expect((await as('gina', 'GET', `/console/proxy/pools/${TAGGED}/console.vv`)).status).toBe(200);
    expect((await as('gina', 'GET', `/console/proxy/pools/${uuidOf(4)}/console.vv`)).status).toBe(404);
  });

  it('shows sessions, connections and what happened to those whose role says so', async () => {
    const session = await aSession(LISTED);
    const holds = async (user: string, path: string): Promise<boolean> =>
      (await as(user, 'GET', path)).text.includes(session);
    for (const user of ['vera', 'otto', 'anna', 'kate'])
      for (const path of ['/session', '/v1/sessions', '/v1/sessions?sort=created_at:desc'])
        expect([user, path, await holds(user, path)]).toEqual([user, path, true]);
    for (const path of [
      '/v1/connections',
      '/v1/audit-events',
      '/v1/audit-events?since=2020-01-01T00:00:00Z',
    ]) {
      for (const user of ['anna', 'kate'])
        expect([user, path, await holds(user, path)]).toEqual([user, path, true]);
      for (const user of ['vera', 'otto'])
        expect([user, path, await holds(user, path)]).toEqual([user, path, false]);
    }
  });

  it('tells who may open it to those who operate it, and everybody their own role, since 1.6', async () => {
    const shown = async (user: string, version = 'latest'): Promise<Record<string, unknown>> => {
      const headers = { 'OpenStack-API-Version': `console ${version}` };
      const { json } = await as(user, 'GET', `/v1/consoles/lab/${LISTED}`, { headers });
      return (json as { console: Record<string, unknown> }).console;
    };
    expect(await shown('vera')).toMatchObject({ access_role: 'view', access: null, hypervisor: null });
    expect(await shown('anna')).toMatchObject({ access_role: 'operate', access: expect.arrayContaining([]) });
    expect((await shown('root'))['access']).toEqual([
      { kind: 'group', name: 'helpdesk', role: 'operate' },
      { kind: 'project', name: 'project-x', role: 'open' },
      { kind: 'user', name: 'otto', role: 'open' },
      { kind: 'user', name: 'vera', role: 'view' },
    ]);
    for (const member of ['tags', 'access', 'access_role'])
      expect(await shown('root', '1.5')).not.toHaveProperty(member);
  });

  it('says in the token which groups a local user is in', async () => {
    expect((await as('anna', 'GET', '/ui/whoami')).json).toMatchObject({
      user: 'anna',
      groups: ['helpdesk'],
    });
  });

  it('ends sessions, begun or not, of those whom a new list leaves out, and no others', async () => {
    const { db } = site;
    const uuid = uuidOf(5);
    const [consoles, sources] = [new Consoles(db), new Sources(db)];
    const entry = (users: string[]): AccessEntry[] => [{ role: 'open', users }];
    await sources.upsert({ name: 'moving', type: 'static', settings: { access: entry(['otto', 'demo']) } });
    await consoles.reconcile('moving', [aConsole({ uuid, name: 'moving' })]);
    const live = await aSession(uuid, 'moving', ['*', 'user:demo']);
    const stays = await aSession(uuid, 'moving', ['*', 'user:otto']);
    const administrators = await aSession(uuid, 'moving');
    const link = await as('demo', 'POST', '/v1/consoles', {
      body: { instance_uuid: uuid, source: 'moving' },
    });
    const file = await as('demo', 'GET', `/console/proxy/moving/${uuid}/console.vv`);
    const password = /^password=(.*)$/m.exec(file.text)?.[1] ?? '';
    const hypervisors: string[] = [];
    const termination = new SessionTermination({
      ...{ sessions: sessionNouns(db).sessions, events: new AuditEvents(db), node: 'node1' },
      own: { terminated: ({ reason }) => hypervisors.push(reason) },
    });
    const review = new AccessReview(new AccessLists(db), termination);

    expect(await review.review('moving')).toBe(0);
    await consoles.applyAccess('moving', entry(['otto']));
    expect(await review.review('moving')).toBe(3);

    const stateOf = async (id: string): Promise<unknown> =>
      ((await as('root', 'GET', `/v1/sessions/${id}`)).json as { session: Record<string, unknown> }).session;
    expect(await stateOf(live)).toMatchObject({
      terminated_at: expect.any(String),
      reason: 'access taken away',
    });
    expect(await stateOf(stays)).toMatchObject({ terminated_at: null });
    expect(await stateOf(administrators)).toMatchObject({ terminated_at: null });
    const { links } = (link.json as { console: { links: { rel: string; href: string }[] } }).console;
    for (const { href } of links.filter(({ href: url }) => url.includes('console.vv')))
      expect((await site.call('GET', new URL(href).pathname + new URL(href).search)).status).toBe(404);
    const grant = await sessionNouns(db).admission.authorize({
      ...{ ticket: password, connectionId: 0, channelType: 1, channelId: 0 },
      ...{ clientIp: '2001:db8::1', clientPort: 40000, node: 'node1', pid: 42 },
    });
    expect(grant.kind).toBe('denied');
    expect(hypervisors).toHaveLength(3);
    const { text } = await as('root', 'GET', `/v1/audit-events?session_id=${live}`);
    expect(text).toContain('Session ended: its user may not open the console any more');
    expect((await as('demo', 'GET', `/v1/consoles/moving/${uuid}`)).status).toBe(404);
  });

  it('keeps what is left of a console that is gone from those whom lists concern', async () => {
    const { db } = site;
    const uuid = uuidOf(6);
    await new Consoles(db).reconcile('lab', [
      aConsole({ uuid: LISTED, name: SECRET }),
      aConsole({ uuid, name: 'soon-gone' }),
    ]);
    const session = await aSession(uuid);
    await new Consoles(db).remove('lab', uuid);
    for (const user of ['demo', 'vera', 'anna', 'karl']) {
      expect([user, (await as(user, 'GET', `/v1/sessions/${session}`)).status]).toEqual([user, 404]);
      for (const path of ['/v1/sessions', '/v1/audit-events', '/v1/connections'])
        expect((await as(user, 'GET', path)).text).not.toContain(session);
    }
    expect((await as('root', 'GET', `/v1/sessions/${session}`)).status).toBe(200);
  });
});
