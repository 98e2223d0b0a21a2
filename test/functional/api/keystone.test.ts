// SPDX-License-Identifier: Apache-2.0
// The service with a Keystone: whose consoles a project's users see, open and end; logins by group; a Keystone that is
// away, and that none of it gets into a log.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { configureLogging } from '../../../src/log.js';
import { sessionNouns } from '../../fixtures/session-nouns.js';
import { ConsoleTokens } from '../../../src/objects/console-token.js';
import { Consoles } from '../../../src/objects/console.js';
import { Sources } from '../../../src/objects/source.js';
import { Users } from '../../../src/objects/user.js';
import { aConsole, anApiSite, type Answer, type ApiSite } from '../../fixtures/api-site.js';
import { waitFor } from '../../fixtures/program.js';
import { FakeKeystone, type Project, type User } from '../../fixtures/keystone.js';

const PASSWORD = 'the password of alice';
const SERVICE_PASSWORD = 'the password of the service';
const OURS = '00000000-0000-4000-8000-000000000001';
const THEIRS = '00000000-0000-4000-8000-000000000002';
const NOBODYS = '00000000-0000-4000-8000-000000000003';
const AWAY = 'The Keystone service is temporarily unavailable.';

let keystone: FakeKeystone;
let site: ApiSite;
let demo: Project;
let alice: User;
const tokens: Record<string, string> = {};

beforeAll(async () => {
  keystone = await FakeKeystone.start();
  const { directory } = keystone;
  keystone.addAccount('kerbside', SERVICE_PASSWORD, directory.addProject('service'), 'service', 'admin');
  demo = directory.addProject('demo');
  const other = directory.addProject('other');
  alice = keystone.addAccount('alice', PASSWORD, demo, 'member', 'reader');
  directory.addGroup('kerbside', [alice]);
  directory.addGroup('wheel', [alice]);
  const reader = keystone.addAccount('ruth', 'x', demo, 'reader');
  const admin = keystone.addAccount('root', 'x', demo, 'admin', 'member', 'reader');
  const stranger = keystone.addAccount('bob', 'x', other, 'member', 'reader');
  tokens['member'] = directory.issue(alice, demo).value;
  tokens['reader'] = directory.issue(reader, demo).value;
  tokens['admin'] = directory.issue(admin, demo).value;
  tokens['other'] = directory.issue(stranger, other).value;
  tokens['unscoped'] = directory.issue(alice, 'none').value;

  site = await anApiSite({
    OS_KEYSTONE_AUTHTOKEN__AUTH_URL: keystone.url,
    OS_KEYSTONE_AUTHTOKEN__WWW_AUTHENTICATE_URI: 'https://keystone.example.org',
    OS_KEYSTONE_AUTHTOKEN__USERNAME: 'kerbside',
    OS_KEYSTONE_AUTHTOKEN__PASSWORD: SERVICE_PASSWORD,
    OS_KEYSTONE_AUTHTOKEN__PROJECT_NAME: 'service',
    OS_KEYSTONE_AUTHTOKEN__HTTP_CONNECT_TIMEOUT: '3',
    OS_KEYSTONE_AUTHTOKEN__HTTP_REQUEST_MAX_RETRIES: '0',
    OS_KEYSTONE_AUTHTOKEN__TOKEN_CACHE_TIME: '-1',
    OS_KEYSTONE__ADMIN_GROUP: 'wheel',
  });
  configureLogging({ debug: true, useJson: false, file: join(site.folder, 'api.log') });
  await new Users(site.db).create('local', 'the password of local', { admin: false });
  const source = {
    name: 'cloud',
    type: 'openstack',
    caCert: null,
    url: null,
    username: null,
    password: null,
  };
  const scope = { projectName: null, userDomainId: null, projectDomainId: null };
  await new Sources(site.db).upsert({ ...source, ...scope });
});
afterAll(async () => {
  configureLogging({ debug: false, useJson: false, file: '' });
  await site.close();
  await keystone.close();
});
beforeEach(async () => {
  await new Consoles(site.db).reconcile('cloud', [
    aConsole({ uuid: OURS, name: 'ours', projectId: demo.id }),
    aConsole({ uuid: THEIRS, name: 'theirs', projectId: 'another' }),
    aConsole({ uuid: NOBODYS, name: 'nobodys', projectId: null }),
  ]);
});
afterEach(async () => {
  keystone.server.heal();
  await keystone.server.resume();
});

function as(
  who: string,
  method: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return site.call(method, path, { headers: { 'X-Auth-Token': tokens[who] ?? who, ...headers } });
}

const names = (answer: Answer): string[] => (answer.json as { name: string }[]).map(({ name }) => name);

/** A console with a main channel that runs. */
async function aSession(uuid: string): Promise<string> {
  const minted = await new ConsoleTokens(site.db, { tokenTtl: 600 }).mint({
    source: 'cloud',
    uuid,
    issuedTo: 'x',
  });
  const client = { clientIp: '192.0.2.1', clientPort: 4000, node: 'node1', pid: 1 };
  const channel = { ticket: minted.token, connectionId: 0, channelType: 1, channelId: 0 };
  const nouns = sessionNouns(site.db);
  const grant = await nouns.admission.authorize({ ...channel, ...client });
  if (grant.kind === 'granted') await nouns.channels.establish(minted.sessionId, grant.generation, 1);
  return minted.sessionId;
}

describe('GET /console', () => {
  it("shows a project's users the consoles of their project, without the hypervisor", async () => {
    for (const who of ['member', 'reader']) {
      const answer = await as(who, 'GET', '/console');
      expect(answer.status).toBe(200);
      expect(answer.json).toMatchObject([
        { name: 'ours', hypervisor: '', hypervisor_ip: '', insecure_port: null, secure_port: null },
      ]);
      expect(answer.text).not.toMatch(/192\.0\.2|hv1|[^.\d]5910\b|project/);
    }
    expect((await as('other', 'GET', '/console')).json).toEqual([]);
  });

  it('shows administrators, and those who logged in to Kerbside, all of them', async () => {
    const all = ['ours', 'theirs', 'nobodys'];
    expect(names(await as('admin', 'GET', '/console'))).toEqual(all);
    for (const token of [site.operator, site.admin]) {
      const answer = await site.call('GET', '/console', { token });
      expect(names(answer)).toEqual(all);
      expect(answer.json).toMatchObject([{ hypervisor: 'hv1.example.org' }, {}, {}]);
    }
  });

  it('is 403 for a token without a project', async () => {
    expect((await as('unscoped', 'GET', '/console')).status).toBe(403);
  });
});

describe("a console of one's project", () => {
  it('can be shown and opened by a member, and shown by a reader', async () => {
    const path = `/console/cloud/${OURS}`;
    expect((await as('member', 'GET', path)).json).toMatchObject({ name: 'ours', hypervisor: '' });
    const file = await as('member', 'GET', `/console/proxy/cloud/${OURS}/console.vv`);
    expect(file.status).toBe(200);
    expect(file.text).toContain('host=kerbside.example.org\n');
    expect((await as('reader', 'GET', path)).status).toBe(200);
    expect((await as('reader', 'GET', `/console/proxy/cloud/${OURS}/console.vv`)).status).toBe(403);
    expect((await as('reader', 'POST', `${path}/terminate`)).status).toBe(403);
    expect((await as('member', 'GET', `${path}/audit`)).status).toBe(403);
    expect((await as('member', 'GET', `/console/direct/cloud/${OURS}/console.vv`)).json).toEqual({
      error: 'direct console access requires an administrator',
      status: 403,
    });
    expect((await as('admin', 'GET', `/console/direct/cloud/${OURS}/console.vv`)).text).toContain(
      '\nhost=192.0.2.10\n',
    );
  });

  it('can be ended by a member', async () => {
    const session = await aSession(OURS);
    const listed = await as('member', 'GET', '/session');
    expect(Object.keys(listed.json as object)).toContain(session);
    expect((await as('member', 'POST', `/console/cloud/${OURS}/terminate`)).json).toMatchObject({
      result: 'ok',
    });
    const again = await aSession(OURS);
    expect((await as('reader', 'POST', `/session/${again}/terminate`)).status).toBe(403);
    expect((await as('member', 'POST', `/session/${again}/terminate`)).json).toEqual({ result: 'ok' });
  });
});

describe("a console of another project, or of none, for a project's member", () => {
  it.each([
    ['GET', '/console/cloud/:uuid'],
    ['GET', '/console/proxy/cloud/:uuid/console.vv'],
    ['POST', '/console/cloud/:uuid/terminate'],
  ])('is not there: %s %s', async (method, path) => {
    const absent = await as('member', method, path.replace(':uuid', OURS.replace('1', '9')));
    expect(absent).toMatchObject({ status: 404, json: { error: 'console not found', status: 404 } });
    for (const uuid of [THEIRS, NOBODYS]) {
      const answer = await as('member', method, path.replace(':uuid', uuid));
      expect([answer.status, answer.text]).toEqual([absent.status, absent.text]);
    }
  });

  it('has no sessions, and none that could be ended', async () => {
    const session = await aSession(THEIRS);
    expect(Object.keys((await as('member', 'GET', '/session')).json as object)).not.toContain(session);
    const answer = await as('member', 'POST', `/session/${session}/terminate`);
    expect(answer).toMatchObject({ status: 404, json: { error: 'session not found' } });
    expect(
      Object.keys((await site.call('GET', '/session', { token: site.operator })).json as object),
    ).toContain(session);
    expect((await as('admin', 'POST', `/session/${session}/terminate`)).status).toBe(200);
  });

  it('does not say either which sources there are', async () => {
    const absent = await as('member', 'GET', `/console/proxy/nowhere/${OURS}/console.vv`);
    expect(absent.json).toEqual({ error: 'console not found', status: 404 });
    expect((await as('member', 'GET', '/source')).status).toBe(403);
    expect((await as('admin', 'GET', '/source')).status).toBe(200);
  });
});

describe('a token that does not count', () => {
  it.each([
    ['unknown', 'unknown'],
    ['malformed', '"; DROP'],
    ['long', 'x'.repeat(9000)],
  ])('(%s) is 401, and says where to get one', async (_what, token) => {
    const answer = await as(token, 'GET', '/console');
    expect(answer).toMatchObject({ status: 401, headers: { 'x-openstack-request-id': expect.any(String) } });
    expect(answer.json).toEqual({
      error: 'The request you have made requires authentication.',
      status: 401,
    });
    expect(answer.headers['www-authenticate']).toBe('Keystone uri="https://keystone.example.org"');
  });

  it('of 10 MB is refused by its size, before anything', async () => {
    keystone.server.forget();
    const answer = await as('x'.repeat(10 * 1024 * 1024), 'GET', '/console').catch(() => ({ status: 431 }));
    expect(answer.status).toBe(431);
    expect(keystone.server.requests).toEqual([]);
  });

  it('expired or revoked is 401', async () => {
    const expired = keystone.directory.issue(alice, demo, -10).value;
    const revoked = keystone.directory.issue(alice, demo).value;
    expect((await as(revoked, 'GET', '/console')).status).toBe(200);
    keystone.directory.revoke(revoked);
    for (const token of [expired, revoked]) expect((await as(token, 'GET', '/console')).status).toBe(401);
  });

  it('is no obstacle where none is needed', async () => {
    expect((await as('unknown', 'GET', '/')).status).toBe(200);
    expect((await as('unknown', 'GET', '/healthcheck')).status).toBe(200);
  });

  it('absent altogether is 401 with both ways in', async () => {
    const answer = await site.call('GET', '/console');
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe(
      'Keystone uri="https://keystone.example.org", Bearer realm="kerbside"',
    );
  });
});

describe('a Keystone that is away', () => {
  it('is 503 for its own tokens, within the deadline, and nothing for all others', async () => {
    await keystone.server.pause();
    expect(await as('member', 'GET', '/console')).toMatchObject({ status: 503, json: { error: AWAY } });
    expect((await as('member', 'GET', '/')).status).toBe(200);
    expect((await site.call('GET', '/console', { token: site.operator })).status).toBe(200);
    expect((await site.call('GET', '/healthcheck')).status).toBe(200);
    const local = { username: 'local', password: 'the password of local' };
    expect((await site.call('POST', '/auth', { body: local })).status).toBe(200);
    const theirs = { username: 'alice', password: PASSWORD };
    expect(await site.call('POST', '/auth', { body: theirs })).toMatchObject({
      status: 503,
      json: { error: AWAY },
    });
    await keystone.server.resume();
    expect((await as('member', 'GET', '/console')).status).toBe(200);
  });

  it('or hangs costs its users no more than the deadline, and others nothing', async () => {
    keystone.server.fault(/./, { kind: 'hang' });
    const waiting = as('member', 'GET', '/console');
    expect((await site.call('GET', '/console', { token: site.operator })).status).toBe(200);
    expect((await waiting).status).toBe(503);
  });

  it('or answers HTML or a redirect is 503, and tells the client nothing about it', async () => {
    for (const fault of [
      { kind: 'html', status: 200 },
      { kind: 'redirect', location: 'http://127.0.0.1:1/secret' },
      { kind: 'status', status: 500 },
    ] as const) {
      keystone.server.heal();
      keystone.server.fault(/^GET \/v3\/auth\/tokens/, fault);
      const answer = await as('member', 'GET', '/console');
      expect(answer.json).toEqual({ error: AWAY, status: 503 });
      expect(answer.text).not.toContain('127.0.0.1');
    }
  });
});

describe('POST /auth with a user of Keystone', () => {
  const login = (body: object): Promise<Answer> => site.call('POST', '/auth', { body });
  const consolesSeen = async (answer: Answer): Promise<string[]> => {
    const { access_token: token } = answer.json as { access_token: string };
    return names(await site.call('GET', '/console', { token }));
  };

  it('gives the view of an operator', async () => {
    const answer = await login({ username: 'alice', password: PASSWORD });
    expect(answer.status).toBe(200);
    expect(await consolesSeen(answer)).toEqual(['ours', 'theirs', 'nobodys']);
    const { access_token: token } = answer.json as { access_token: string };
    expect(token).not.toContain(tokens['member']);
    const direct = await site.call('GET', `/console/direct/cloud/${OURS}/console.vv`, { token });
    expect(direct.status).toBe(200);
  });

  it('takes a domain, a project, and application credentials', async () => {
    const password = { username: 'alice', password: PASSWORD };
    expect((await login({ ...password, user_domain_name: 'Default', project_name: 'demo' })).status).toBe(
      200,
    );
    expect((await login({ ...password, project_name: 'other' })).status).toBe(401);
    const { id, secret } = keystone.directory.addApplicationCredential(alice, demo);
    const credential = { application_credential_id: id, application_credential_secret: secret };
    expect((await login(credential)).status).toBe(200);
    const cookies = await login({ ...credential, as_cookie: true });
    expect(cookies.headers['set-cookie']).toHaveLength(2);
    expect((await login({ ...credential, application_credential_secret: 'wrong' })).status).toBe(401);
  });

  it.each([
    {},
    { username: 'alice' },
    { password: 'x' },
    { application_credential_id: 'x' },
    { application_credential_secret: 'x' },
    { application_credential_name: 'x', application_credential_secret: 'x' },
    { username: 'alice', password: 'x', application_credential_id: 7 },
    { username: 'alice', password: 'x', user_domain_id: '' },
    { username: 'alice', password: 'x', scope: 'all' },
  ])('is 400 for %j', async (body) => {
    expect((await login(body)).status).toBe(400);
  });

  it('is 401 for who is not in the group, in the same words as for a wrong password', async () => {
    const outside = await login({ username: 'bob', password: 'x' });
    const wrong = await login({ username: 'alice', password: 'wrong' });
    expect(outside.json).toEqual({ error: 'unauthorized', status: 401 });
    expect(wrong.json).toEqual(outside.json);
  });

  it.each([
    [/^GET \/v3\/groups/, { kind: 'status', status: 403 }, 500, 'Keystone setup failure'],
    [/^GET \/v3\/groups/, { kind: 'json', body: { groups: [] } }, 500, 'service group not found'],
    [/^POST/, { kind: 'html', status: 502 }, 503, AWAY],
  ] as const)('tells a fault of the set-up apart: %s %j', async (pattern, fault, status, error) => {
    keystone.server.fault(pattern, fault);
    expect((await login({ username: 'alice', password: PASSWORD })).json).toEqual({ error, status });
  });
});

describe('the policy of the operator', () => {
  it('is taken up while the service runs', async () => {
    const file = join(site.folder, 'policy.yaml');
    const strict = await anApiSite({
      OS_KEYSTONE_AUTHTOKEN__AUTH_URL: keystone.url,
      OS_KEYSTONE_AUTHTOKEN__USERNAME: 'kerbside',
      OS_KEYSTONE_AUTHTOKEN__PASSWORD: SERVICE_PASSWORD,
      OS_KEYSTONE_AUTHTOKEN__PROJECT_NAME: 'service',
      OS_OSLO_POLICY__POLICY_FILE: file,
    });
    const list = (): Promise<Answer> =>
      strict.call('GET', '/console', { headers: { 'X-Auth-Token': tokens['member']! } });
    expect((await list()).status).toBe(200);
    await writeFile(file, '"kerbside:consoles:list": "role:admin"\n');
    await waitFor('refusal by the new policy', async () => (await list()).status === 403);
    await strict.close();
  });
});

describe('the log', () => {
  it('of all this holds no token and no password', async () => {
    await keystone.server.pause();
    await as('member', 'GET', '/console');
    await site.call('POST', '/auth', { body: { username: 'alice', password: PASSWORD } });
    const log = await readFile(join(site.folder, 'api.log'), 'utf8');
    expect(log).toContain('a token cannot be validated');
    expect(log).toContain('nobody can log in by Keystone');
    const known = [...keystone.directory.tokens.keys(), PASSWORD, SERVICE_PASSWORD, 'the password of local'];
    const secrets = [...keystone.directory.credentials.values()].map(({ secret }) => secret);
    for (const secret of [...known, ...secrets]) expect(log).not.toContain(secret);
  });
});
