// SPDX-License-Identifier: Apache-2.0
// Whoever asks for a console that another session has is told so at once, by every way to ask for it, or takes its place where
// the policy lets them.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { openApiDocument } from '../../../src/api/openapi.js';
import { Consoles } from '../../../src/objects/console.js';
import { Sources } from '../../../src/objects/source.js';
import { aConsole, anApiSite, type Answer } from '../../fixtures/api-site.js';
import { scratchFolder } from '../../fixtures/scratch.js';
import { sessionNouns, type SessionNouns } from '../../fixtures/session-nouns.js';
import { FakeShakenFist } from '../../fixtures/shaken-fist.js';
import { aV1Site, type V1Site } from '../../fixtures/v1-site.js';
import { parseVvFile } from '../../fixtures/vv-file.js';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

const SINCE = { 'OpenStack-API-Version': 'console 1.5' };
const FILE = 'application/x-virt-viewer';
const errorOf = ({ status, json }: Answer): unknown[] => [
  status,
  (json as { errors: { detail: string }[] }).errors[0]?.detail,
];

interface Scene {
  readonly v1: V1Site;
  readonly nouns: SessionNouns;
  readonly uuid: string;
  /** A user who has the console, in the project of the cloud. */
  readonly member: string;
  readonly post: (token: string, more?: object, headers?: Record<string, string>) => Promise<Answer>;
}

/** A console that a member has open. */
async function aBusyConsole(env: Readonly<Record<string, string>> = {}): Promise<Scene> {
  const v1 = await aV1Site({}, env);
  open.push(v1);
  const nouns = sessionNouns(v1.site.db, { concurrentSessions: 'auto' });
  const uuid = v1.cloud.server().id;
  const member = v1.cloud.user();
  const post: Scene['post'] = (token, more = {}, headers = SINCE) =>
    v1.ask(token, 'POST', '/v1/consoles', { body: { instance_uuid: uuid, ...more }, accept: FILE, headers });
  const file = await post(member);
  expect(await begin(nouns, file)).toBe('holds');
  return { v1, nouns, uuid, member, post };
}

/** What the session of a file is to its console, or why it is refused. */
async function begin(nouns: SessionNouns, file: Answer): Promise<string> {
  const main = await nouns.admission.authorize({
    ...{ ticket: parseVvFile(file.text).password, connectionId: 0, channelType: 1, channelId: 0 },
    ...{ clientIp: '2001:db8::1', clientPort: 40000, node: 'node1', pid: 42 },
  });
  return main.kind === 'denied' ? main.reason : main.hold;
}

describe('POST /v1/consoles for a console that another session has', () => {
  it('is refused to a member, in every version', async () => {
    const { post, member } = await aBusyConsole();
    expect(errorOf(await post(member))).toEqual([409, 'console in use']);
    expect(errorOf(await post(member, {}, {}))).toEqual([409, 'console in use']);
    expect(errorOf(await post(member, { replace: false }))).toEqual([409, 'console in use']);
  });

  it('takes its place when a member asks for that, or when an administrator comes', async () => {
    const { post, member, v1, nouns } = await aBusyConsole();
    const asked = await post(member, { replace: true });
    expect(asked.status).toBe(201);
    expect(await begin(nouns, asked)).toBe('takes');
    const admin = await post(v1.cloud.user(['admin']));
    expect(await begin(nouns, admin)).toBe('takes');
  });

  it('is refused to administrators too where the option says so, unless they ask', async () => {
    const { post, v1 } = await aBusyConsole({ OS_CONSOLE__CONCURRENT_SESSIONS: 'refuse' });
    const admin = v1.cloud.user(['admin']);
    expect(errorOf(await post(admin))).toEqual([409, 'console in use']);
    expect((await post(admin, { replace: true })).status).toBe(201);
  });

  it('is open to everybody where sessions replace each other, or are shared', async () => {
    for (const setting of ['replace', 'share']) {
      const { post, member } = await aBusyConsole({ OS_CONSOLE__CONCURRENT_SESSIONS: setting });
      expect((await post(member)).status).toBe(201);
    }
  });

  it('takes no place where the policy does not allow it', async () => {
    const file = join(scratchFolder('policy-'), 'policy.yaml');
    writeFileSync(file, '"kerbside:consoles:replace": "rule:context_is_admin"\n');
    const { post, member } = await aBusyConsole({ OS_OSLO_POLICY__POLICY_FILE: file });
    const answer = await post(member, { replace: true });
    expect(errorOf(answer)).toEqual([403, 'the policy does not allow kerbside:consoles:replace to you']);
    expect(errorOf(await post(member))).toEqual([409, 'console in use']);
  });

  it('knows "replace" since 1.5, as true or false', async () => {
    const { post, member } = await aBusyConsole();
    expect(errorOf(await post(member, { replace: true }, {}))).toEqual([
      400,
      "bad request: unknown field 'replace'",
    ]);
    for (const replace of ['yes', 1])
      expect(errorOf(await post(member, { replace }))).toEqual([
        400,
        'bad request: replace must be true or false',
      ]);
  });
});

describe('a link of the platform to a console that another session has', () => {
  it('of Nova: an error for programs, a page for browsers', async () => {
    const { v1, uuid } = await aBusyConsole();
    const server = v1.cloud.nova.servers.get(uuid)!;
    const { token } = v1.cloud.nova.issue(server);
    const answer = await v1.site.call('GET', `/nova?token=${token}`);
    expect([answer.status, answer.json]).toEqual([409, { error: 'console in use', status: 409 }]);
    const page = await v1.site.call('GET', `/nova?token=${token}`, { accept: 'text/html' });
    expect(page.status).toBe(409);
    expect(page.text).toContain('Somebody else has this desktop open');
  });

  it('of Shaken Fist stays good, and opens the console later', async () => {
    const cluster = await FakeShakenFist.start();
    open.push(cluster);
    cluster.addNode({ spice_server_cert_subject: 'C=US,O=Shaken Fist,CN=sf-1' });
    cluster.rotate();
    const site = await anApiSite({});
    open.push(site);
    await new Sources(site.db).upsert(cluster.definition({ name: 'fist' }));
    const instance = cluster.addInstance({ name: 'desk', namespace: 'blue' });
    await new Consoles(site.db).put('fist', aConsole({ uuid: instance.uuid, name: 'desk', ticket: '' }));
    const nouns = sessionNouns(site.db, { concurrentSessions: 'auto' });
    const exchange = (token: string): Promise<Answer> => site.call('GET', `/sf-console.vv?token=${token}`);
    const first = await exchange(cluster.mint(instance));
    expect(await begin(nouns, first)).toBe('holds');
    const token = cluster.mint(instance);
    const answer = await exchange(token);
    expect([answer.status, answer.json]).toEqual([409, { error: 'console in use', status: 409 }]);
    await nouns.sessions.terminateConsole('fist', instance.uuid, 'enough');
    expect((await exchange(token)).status).toBe(200);
  });
});

describe('the routes that give out a console', () => {
  /** How each of them is asked; that of Shaken Fist has its own test above. */
  const ASKED: Readonly<Record<string, (scene: Scene) => Promise<Answer>>> = {
    'POST /v1/consoles': ({ post, member }) => post(member),
    'GET /console/proxy/{source}/{uuid}/console.vv': ({ v1, uuid, member }) =>
      v1.ask(member, 'GET', `/console/proxy/cloud/${uuid}/console.vv`),
    'GET /nova': (scene) => exchange(scene, 'nova'),
    'GET /nova-console.vv': (scene) => exchange(scene, 'nova-console.vv'),
  };

  function exchange({ v1, uuid }: Scene, path: string): Promise<Answer> {
    const { token } = v1.cloud.nova.issue(v1.cloud.nova.servers.get(uuid)!);
    return v1.site.call('GET', `/${path}?token=${token}`);
  }

  it('are those of which OpenAPI says so', () => {
    const { paths } = openApiDocument() as {
      paths: Record<string, Record<string, { responses: Record<string, { description: string }> }>>;
    };
    const documented = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([, { responses }]) => responses['409']?.description.includes('console in use') === true)
        .map(([method]) => `${method.toUpperCase()} ${path}`),
    );
    expect(documented.sort()).toEqual([...Object.keys(ASKED), 'GET /sf-console.vv'].sort());
  });

  it.each(Object.keys(ASKED))('answer 409 while another session has it: %s', async (route) => {
    const answer = await ASKED[route]!(await aBusyConsole());
    expect(answer.status).toBe(409);
    expect(answer.text).toContain('console in use');
  });
});
