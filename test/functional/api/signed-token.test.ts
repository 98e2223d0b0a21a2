// SPDX-License-Identifier: Apache-2.0
// The exchange of signed console tokens over real HTTP: the words of the original for every fault, each token once, and keys
// that rotate, are made up, and cannot be asked for.
import { afterEach, describe, expect, it } from '@jest/globals';
import { AuditEvents } from '../../../src/objects/audit-event.js';
import { Consoles } from '../../../src/objects/console.js';
import { Sources, type SourceDefinition } from '../../../src/objects/source.js';
import { aConsole, anApiSite, type Answer, type ApiSite } from '../../fixtures/api-site.js';
import { FakeShakenFist, NAMESPACE_KEY, signedToken, type FakeInstance } from '../../fixtures/shaken-fist.js';
import { parseVvFile } from '../../fixtures/vv-file.js';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function aCluster(): Promise<FakeShakenFist> {
  const cluster = await FakeShakenFist.start();
  open.push(cluster);
  cluster.addNode({ spice_server_cert_subject: 'C=US,O=Shaken Fist,CN=sf-1' });
  cluster.rotate();
  return cluster;
}

async function aSite(
  clusters: Readonly<Record<string, FakeShakenFist>>,
  env: Readonly<Record<string, string>> = {},
  change: Partial<SourceDefinition> = {},
): Promise<ApiSite> {
  const site = await anApiSite(env);
  open.push(site);
  for (const [name, cluster] of Object.entries(clusters))
    await new Sources(site.db).upsert(cluster.definition({ ...change, name }));
  return site;
}

/** A cluster with an instance that the site knows. */
async function aDesk(env: Readonly<Record<string, string>> = {}) {
  const cluster = await aCluster();
  const site = await aSite({ fist: cluster }, env);
  const instance = cluster.addInstance({ name: 'desk', namespace: 'blue' });
  await new Consoles(site.db).put('fist', aConsole({ uuid: instance.uuid, name: 'desk.blue', ticket: '' }));
  const exchange = (token: string): Promise<Answer> => site.call('GET', `/sf-console.vv?token=${token}`);
  return { cluster, site, instance, exchange };
}

const refusal = ({ status, json }: Answer): unknown[] => [status, (json as { error?: string }).error];
const auditOf = async (site: ApiSite, { uuid }: FakeInstance) =>
  (await new AuditEvents(site.db).list('fist', uuid, 20)).events;

describe('GET /sf-console.vv', () => {
  it('exchanges a token for a .vv file, once', async () => {
    const { cluster, site, instance, exchange } = await aDesk();
    const token = cluster.mint(instance);
    const answer = await exchange(token);
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/x-virt-viewer;charset=UTF-8');
    expect(answer.headers['content-disposition']).toBe('attachment; filename="console.vv"');
    const file = parseVvFile(answer.text);
    expect(file.host).toBe('kerbside.example.org');
    expect(file.values.get('title')).toMatch(/^desk\.blue via proxy session ID [A-Za-z0-9]{12}$/);
    expect(file.password).toMatch(/^[A-Za-z0-9]{48}$/);
    expect(answer.text).not.toContain('192.0.2.');
    expect(refusal(await exchange(token))).toEqual([401, 'token already used']);
    expect((await exchange(cluster.mint(instance))).status).toBe(200);
    const events = await auditOf(site, instance);
    expect(events.map(({ message, issued_to }) => [message, issued_to])).toEqual([
      ['Discovered new console', null],
      ['Shaken Fist console token exchanged', 'blue'],
      ['Created authentication token for session.', 'blue'],
      ['Rejected Shaken Fist console token: token already used', 'blue'],
      ['Shaken Fist console token exchanged', 'blue'],
      ['Created authentication token for session.', 'blue'],
    ]);
    expect(JSON.stringify(events)).not.toContain(token.slice(0, 40));
  });

  it('gives one of many at the same moment', async () => {
    const { cluster, instance, exchange } = await aDesk();
    const token = cluster.mint(instance);
    const answers = await Promise.all(Array.from({ length: 10 }, () => exchange(token)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(9);
  });

  it('refuses in the words of the original', async () => {
    const { cluster, site, instance, exchange } = await aDesk();
    const [signing] = cluster.signingKeys;
    if (signing === undefined) throw new Error('no key');
    const now = Math.floor(Date.now() / 1000);
    const good = cluster.mint(instance);
    const [head = '', body = '', signature = ''] = good.split('.');
    const other = await aCluster();
    other.rotate(signing.kid);
    const claims = { aud: cluster.kerbsideUrl, sub: instance.uuid, exp: now + 300, jti: 'a'.repeat(32) };
    const tokens: [string, string][] = [
      ['', 'token absent'],
      ['x', 'malformed token'],
      ['a.b.c', 'malformed token'],
      ['x'.repeat(9000), 'malformed token'],
      [signedToken(signing, claims, { alg: 'none' }), 'malformed token'],
      [signedToken(signing, claims, { alg: 'HS256' }), 'malformed token'],
      [signedToken(signing, claims, { kid: 7 }), 'malformed token'],
      [signedToken(signing, claims, { kid: undefined }), 'malformed token'],
      [signedToken(signing, claims, { crit: ['b64'], b64: false }), 'malformed token'],
      [signedToken({ ...signing, kid: 'deadbeef' }, claims), 'unknown signing key'],
      [
        `${head}.${body}.${signature.replace(/^./, (c) => (c === 'A' ? 'B' : 'A'))}`,
        'invalid token signature',
      ],
      [`${head}.${body}.`, 'invalid token signature'],
      [other.mint(instance), 'invalid token signature'],
      [cluster.mint(instance, { exp: now - 1 }), 'token expired'],
      [cluster.mint(instance, { exp: now - 1, aud: 'https://other.example.org' }), 'token expired'],
      [cluster.mint(instance, { aud: 'https://other.example.org' }), 'token audience rejected'],
      [cluster.mint(instance, { aud: `${cluster.kerbsideUrl}/` }), 'token audience rejected'],
      [cluster.mint(instance, { aud: undefined }), 'token rejected'],
      [cluster.mint(instance, { jti: undefined }), 'token rejected'],
      [cluster.mint(instance, { jti: '' }), 'token rejected'],
      [cluster.mint(instance, { jti: 7 }), 'token rejected'],
      [cluster.mint(instance, { sub: undefined }), 'token rejected'],
      [cluster.mint(instance, { sub: 'x'.repeat(37) }), 'token rejected'],
      [cluster.mint(instance, { exp: undefined }), 'token rejected'],
      [cluster.mint(instance, { exp: 'soon' }), 'token rejected'],
      [cluster.mint(instance, { nbf: now + 600 }), 'token rejected'],
    ];
    for (const [token, error] of tokens)
      expect([token, refusal(await exchange(token))]).toEqual([token, [401, error]]);
    expect(await auditOf(site, instance)).toHaveLength(1);
    // No refusal has used the good one up.
    expect((await exchange(good)).status).toBe(200);
  });

  it('leaves a token good whose console is not there (yet), and takes one that the last discovery did not see', async () => {
    const { cluster, site, exchange } = await aDesk();
    const instance = cluster.addInstance({ namespace: 'blue', state: 'creating' });
    const token = cluster.mint(instance);
    expect(refusal(await exchange(token))).toEqual([404, 'console not found']);
    const stranger = { uuid: '00000000-0000-4000-8000-00000000000f', namespace: 'blue' };
    expect(refusal(await exchange(cluster.mint(stranger)))).toEqual([404, 'console not found']);
    instance.state = 'created';
    expect((await exchange(token)).status).toBe(200);
    expect(await new Consoles(site.db).find('fist', instance.uuid)).toMatchObject({
      name: `${instance.name}.blue`,
      hypervisorIp: '192.0.2.1',
      securePort: 43197,
    });
    expect((await auditOf(site, instance)).map(({ message }) => message).slice(0, 2)).toEqual([
      'Rejected Shaken Fist console token: console not found',
      'Discovered new console',
    ]);
  });

  it('never opens a console of another source', async () => {
    const { cluster, site } = await aDesk();
    const stranger = cluster.addInstance({ namespace: 'red', state: 'creating' });
    await new Consoles(site.db).put('static', aConsole({ uuid: stranger.uuid }));
    const answer = await site.call('GET', `/sf-console.vv?token=${cluster.mint(stranger)}`);
    expect(refusal(answer)).toEqual([404, 'console not found']);
  });

  it('follows rotated keys, and asks about made-up ones once in a while', async () => {
    const { cluster, instance, exchange } = await aDesk();
    const before = cluster.mint(instance);
    cluster.rotate();
    expect((await exchange(cluster.mint(instance))).status).toBe(200);
    expect((await exchange(before)).status).toBe(200);
    const asked = () => cluster.server.seen(/vditokenpubkey/).length;
    expect(asked()).toBe(1);
    const made = signedToken({ kid: 'deadbeef', key: cluster.signingKeys[0]?.key as never }, {});
    for (let count = 0; count < 10; count += 1)
      expect(refusal(await exchange(made))).toEqual([401, 'unknown signing key']);
    expect(asked()).toBeLessThanOrEqual(2);
  });

  it('knows which of several clusters signed, two sources of one cluster and two keys of one id included', async () => {
    const [first, second] = [await aCluster(), await aCluster()];
    first.rotate('cafe0001');
    second.rotate('cafe0001');
    const site = await aSite({ a: first, b: second });
    await new Sources(site.db).upsert(
      second.definition({ name: 'blue', username: 'blue', password: NAMESPACE_KEY }),
    );
    second.namespaces.set('blue', NAMESPACE_KEY);
    const instance = second.addInstance({ namespace: 'blue' });
    const token = second.mint(instance);
    expect((await site.call('GET', `/sf-console.vv?token=${token}`)).status).toBe(200);
    expect(refusal(await site.call('GET', `/sf-console.vv?token=${token}`))).toEqual([
      401,
      'token already used',
    ]);
    await new Sources(site.db).markDeleted('blue');
    expect(refusal(await site.call('GET', `/sf-console.vv?token=${token}`))).toEqual([
      401,
      'token already used',
    ]);
  });

  it('has tokens of a cluster without keys refused, and says so when a cluster is away', async () => {
    const cluster = await aCluster();
    const instance = cluster.addInstance();
    const token = cluster.mint(instance);
    cluster.signingKeys.length = 0;
    const site = await aSite({ fist: cluster });
    expect(refusal(await site.call('GET', `/sf-console.vv?token=${token}`))).toEqual([
      401,
      'unknown signing key',
    ]);
    cluster.server.fault(/vditokenpubkey/, { kind: 'status', status: 401, message: 'unauthorized' });
    const denied = await aSite({ fist: cluster });
    expect(refusal(await denied.call('GET', `/sf-console.vv?token=${token}`))).toEqual([
      401,
      'unknown signing key',
    ]);
    await cluster.server.pause();
    const other = await aSite({ fist: cluster });
    const answer = await other.call('GET', `/sf-console.vv?token=${token}`);
    expect(refusal(answer)).toEqual([503, 'the platform does not answer']);
    const page = await other.call('GET', `/sf-console.vv?token=${token}`, { accept: 'text/html' });
    expect([page.status, page.text]).toEqual([503, expect.stringContaining('The cloud does not answer')]);
  });

  it('goes on with the keys that it has while the cluster is away', async () => {
    const { cluster, instance, exchange } = await aDesk();
    expect((await exchange(cluster.mint(instance))).status).toBe(200);
    await cluster.server.pause();
    expect((await exchange(cluster.mint(instance))).status).toBe(200);
  });

  it.each([
    ['KERBSIDE_SF_CONSOLE_TOKEN_AUDIENCE', 'https://desks.example.org'],
    ['OS_SHAKENFIST__CONSOLE_TOKEN_AUDIENCE', 'https://desks.example.org/'],
  ])('takes the audience of %s', async (name, value) => {
    const { cluster, instance, exchange } = await aDesk({ [name]: value });
    expect(refusal(await exchange(cluster.mint(instance)))).toEqual([401, 'token audience rejected']);
    cluster.kerbsideUrl = 'https://desks.example.org';
    expect((await exchange(cluster.mint(instance))).status).toBe(200);
  });

  it('shows people a page, counts tries, and makes nothing for HEAD', async () => {
    const { site } = await aDesk({ OS_NOVA__FAILED_EXCHANGES_PER_ADDRESS: '2' });
    const page = await site.call('GET', '/sf-console.vv?token=x', { accept: 'text/html' });
    expect([page.status, page.text]).toEqual([401, expect.stringContaining('not valid any more')]);
    expect((await site.call('HEAD', '/sf-console.vv?token=x')).status).toBe(405);
    await site.call('GET', '/nova?token=x');
    const limited = await site.call('GET', '/sf-console.vv?token=x');
    expect(refusal(limited)).toEqual([429, 'too many unknown tokens']);
    expect(Number(limited.headers['retry-after'])).toBeGreaterThan(0);
  });

  it('is no matter of clouds: a broken source of one kind does not touch the tokens of the other', async () => {
    const { site } = await aDesk();
    await new Sources(site.db).upsert({ name: 'broken', type: 'shakenfist', url: 'https://sf.example.org' });
    expect(refusal(await site.call('GET', '/nova?token=x'))).toEqual([404, 'nova token not found']);
  });
});
