// SPDX-License-Identifier: Apache-2.0
// The token exchange over real HTTP, with clouds that answer, refuse, lie and hang.
import { afterEach, describe, expect, it } from '@jest/globals';
import { AuditEvents } from '../../../src/objects/audit-event.js';
import { Consoles } from '../../../src/objects/console.js';
import { Sources } from '../../../src/objects/source.js';
import { anApiSite, type ApiSite } from '../../fixtures/api-site.js';
import { Cloud } from '../../fixtures/cloud.js';
import { waitFor } from '../../fixtures/program.js';
import { parseVvFile } from '../../fixtures/vv-file.js';
import type { NovaOptions } from '../../fixtures/nova.js';
import type { WireFault } from '../../fixtures/wire-server.js';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function aCloud(options: Partial<NovaOptions> = {}): Promise<Cloud> {
  const cloud = await Cloud.start(options);
  open.push(cloud);
  return cloud;
}

async function aSite(
  clouds: Readonly<Record<string, Cloud>>,
  env: Readonly<Record<string, string>> = {},
  options?: Readonly<Record<string, string>>,
): Promise<ApiSite> {
  const site = await anApiSite({ OS_NOVA__REQUEST_TIMEOUT: '1', OS_NOVA__EXCHANGE_TIMEOUT: '2', ...env });
  open.push(site);
  for (const [name, cloud] of Object.entries(clouds)) {
    await new Sources(site.db).upsert(cloud.definition(name, options));
  }
  return site;
}

const HTML = { accept: 'text/html,application/xhtml+xml' };

describe('GET /nova', () => {
  it.each(['/nova', '/nova-console.vv'])(
    'exchanges a token on %s for a .vv file, time and again',
    async (path) => {
      const cloud = await aCloud();
      const site = await aSite({ cloud });
      const server = cloud.server({ name: 'desk', port: 5911, tlsPort: 5912, host: '192.0.2.9' });
      const { token } = cloud.nova.issue(server);
      for (const accept of ['*/*', 'text/html', null]) {
        const answer = await site.call('GET', `${path}?path=x&token=${token}&title=y`, { accept });
        expect(answer.status).toBe(200);
        expect(answer.headers['content-type']).toBe('application/x-virt-viewer;charset=UTF-8');
        const file = parseVvFile(answer.text);
        expect(file.values.get('title')).toMatch(
          new RegExp(`^${server.id} via proxy session ID [A-Za-z0-9]{12}$`),
        );
        expect(file.host).toBe('kerbside.example.org');
        expect(file.password).toMatch(/^[A-Za-z0-9]{48}$/);
        expect(answer.text).not.toContain('192.0.2.9');
      }
      const consoles = new Consoles(site.db);
      expect(await consoles.find('cloud', server.id)).toMatchObject({
        name: 'desk',
        hypervisor: '192.0.2.9',
        hypervisorIp: '192.0.2.9',
        insecurePort: 5911,
        securePort: 5912,
        projectId: cloud.project.id,
        userId: server.userId,
        instanceState: 'ACTIVE',
        instanceHost: 'compute-1',
        tokenCount: 3,
      });
      const { events } = await new AuditEvents(site.db).list('cloud', server.id, 10);
      expect(events.map(({ message }) => message)).toEqual([
        'Discovered new console',
        ...new Array<string>(3).fill('Created authentication token for session.'),
      ]);
    },
  );

  it('takes a token of spice-html5 from every Nova since 2.31, and keeps a TLS port that is known', async () => {
    for (const maxVersion of ['2.31', '2.98', '2.100']) {
      const cloud = await aCloud({ maxVersion });
      const site = await aSite({ cloud });
      const server = cloud.server();
      const consoles = new Consoles(site.db);
      if (maxVersion === '2.100')
        await site.call('GET', `/nova?token=${cloud.nova.issue(server, 'spice-direct').token}`);
      const { token } = cloud.nova.issue(server, 'spice-html5');
      expect((await site.call('GET', `/nova?token=${token}`)).status).toBe(200);
      expect((await consoles.find('cloud', server.id))?.securePort).toBe(
        maxVersion === '2.100' ? 5901 : null,
      );
    }
  });

  it.each([
    ['', 401, 'token absent'],
    ['?token=', 401, 'token absent'],
    ['?token=00000000-0000-4000-8000-000000000000', 404, 'nova token not found'],
    ['?token=../servers', 404, 'nova token not found'],
    ['?token=%00%ff', 404, 'nova token not found'],
    [`?token=${'x'.repeat(8000)}`, 404, 'nova token not found'],
  ])('refuses %.40s in the words of the original', async (query, status, error) => {
    const cloud = await aCloud();
    const site = await aSite({ cloud });
    const answer = await site.call('GET', `/nova${query}`);
    expect([answer.status, answer.json]).toEqual([status, { error, status }]);
    const bare = await site.call('GET', `/nova${query}`, { accept: null });
    expect(bare.json).toEqual({ error, status });
    const page = await site.call('GET', `/nova${query}`, HTML);
    expect(page.status).toBe(status);
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.text).toMatch(
      /<h1>This (link has no console token|console link is not valid any more)<\/h1>/,
    );
  });

  it('refuses an expired token, and a token whose server was deleted', async () => {
    const cloud = await aCloud();
    const site = await aSite({ cloud });
    const row = cloud.nova.issue(cloud.server());
    row.expiresAt = Date.now() - 1;
    expect((await site.call('GET', `/nova?token=${row.token}`)).status).toBe(404);
    const server = cloud.server();
    const { token } = cloud.nova.issue(server);
    cloud.nova.deleteServer(server.id);
    expect((await site.call('GET', `/nova?token=${token}`)).status).toBe(404);
  });

  it.each([
    [{ status: 'SHUTOFF' }, /not running/, /The machine is not running/],
    [{ taskState: 'migrating' }, /being moved/, /being moved/],
    [{ status: 'BUILD' }, /not ready yet/, /not ready yet/],
  ])('says so when the instance is %j', async (state, error, title) => {
    const cloud = await aCloud();
    const site = await aSite({ cloud });
    const server = cloud.server();
    const { token } = cloud.nova.issue(server);
    Object.assign(server, state);
    const answer = await site.call('GET', `/nova?token=${token}`);
    expect(answer).toMatchObject({ status: 409, json: { error: expect.stringMatching(error) } });
    expect((await site.call('GET', `/nova?token=${token}`, HTML)).text).toMatch(title);
  });

  it('is not there without sources, and not for HEAD', async () => {
    const site = await aSite({});
    expect((await site.call('GET', '/nova?token=x')).json).toMatchObject({ error: 'nova token not found' });
    expect((await site.call('HEAD', '/nova?token=x')).status).toBe(405);
  });
});

describe('several clouds', () => {
  it('are asked at the same time, and one that is down or hangs never fails the others', async () => {
    const [east, west, south] = [await aCloud(), await aCloud(), await aCloud()];
    const patient = { OS_NOVA__REQUEST_TIMEOUT: '20', OS_NOVA__EXCHANGE_TIMEOUT: '30' };
    const site = await aSite({ east, west, south }, patient);
    await east.nova.server.pause();
    south.nova.server.fault(/./, { kind: 'hang' });
    // One after the other would never do: who asks west first has not asked south, who gave south up has none open.
    const southIsAsked = (): Promise<true> =>
      waitFor('open request to south', () => south.nova.server.unanswered > 0);
    west.nova.server.fault(/os-console/, { kind: 'held', until: southIsAsked });
    const server = west.server();
    const answer = await site.call('GET', `/nova?token=${west.nova.issue(server).token}`);
    expect(answer.status).toBe(200);
    expect(await new Consoles(site.db).find('west', server.id)).not.toBeNull();
    await west.keystone.server.pause();
  });

  it('of which one cannot say hide a token that the others do not know', async () => {
    const [east, west] = [await aCloud(), await aCloud()];
    const site = await aSite({ east, west });
    east.nova.server.fault(/os-console/, { kind: 'hang' });
    const answer = await site.call('GET', '/nova?token=x');
    expect(answer.json).toEqual({ error: 'OpenStack client setup failure', status: 500 });
    expect((await site.call('GET', '/nova?token=x', HTML)).text).toContain('The cloud does not answer');
  });

  it('have their faults told in the words of the original', async () => {
    const cloud = await aCloud();
    const site = await aSite({ cloud });
    const errorNow = async (): Promise<unknown> => (await site.call('GET', '/nova?token=x')).json;
    const faults: WireFault[] = [
      { kind: 'status', status: 500 },
      { kind: 'status', status: 503 },
      { kind: 'html', status: 200 },
      { kind: 'nothing' },
      { kind: 'redirect', location: 'http://127.0.0.1:1/elsewhere' },
      { kind: 'huge', bytes: 6_000_000 },
    ];
    for (const fault of faults) {
      const heal = cloud.nova.server.fault(/os-console/, fault);
      expect(await errorNow()).toEqual({ error: 'OpenStack client setup failure', status: 500 });
      heal();
    }
    expect(await errorNow()).toEqual({ error: 'nova token not found', status: 404 });

    const sources = new Sources(site.db);
    await sources.upsert({ ...cloud.definition('cloud'), password: 'wrong' });
    expect(await errorNow()).toEqual({ error: 'Keystone setup failure', status: 500 });
    await sources.upsert({ ...cloud.definition('cloud'), url: 'http://127.0.0.1:1/v3' });
    expect(await errorNow()).toEqual({ error: 'Keystone setup failure', status: 500 });
    await sources.upsert({ ...cloud.definition('cloud'), username: null });
    expect(await errorNow()).toEqual({ error: 'Source configuration error', status: 500 });
    await sources.upsert(cloud.definition('cloud', { verify: '/no/such/file.pem' }));
    expect(await errorNow()).toEqual({ error: 'Source configuration error', status: 500 });
    await sources.upsert(cloud.definition('cloud', { region_name: 'Elsewhere' }));
    expect(await errorNow()).toEqual({ error: 'Keystone setup failure', status: 500 });
    await sources.upsert(cloud.definition('cloud'));
    expect(await errorNow()).toEqual({ error: 'nova token not found', status: 404 });
  });
});

describe('a stranger', () => {
  it('who guesses is limited, one who has tokens is not', async () => {
    const cloud = await aCloud();
    const site = await aSite({ cloud }, { OS_NOVA__FAILED_EXCHANGES_PER_ADDRESS: '3' });
    const server = cloud.server();
    for (let times = 0; times < 5; times += 1) {
      expect((await site.call('GET', `/nova?token=${cloud.nova.issue(server).token}`)).status).toBe(200);
    }
    for (let times = 0; times < 3; times += 1) {
      expect((await site.call('GET', '/nova?token=guess')).status).toBe(404);
    }
    const answer = await site.call('GET', '/nova?token=guess');
    expect(answer.status).toBe(429);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect((await site.call('GET', '/nova?token=guess', HTML)).text).toContain('Too many attempts');
  });

  it('finds no token of Nova and no password in the log', async () => {
    const cloud = await aCloud();
    const site = await aSite({ cloud });
    const written: string[] = [];
    const write = process.stdout.write.bind(process.stdout);
    process.stdout.write = (text: string) => written.push(text) > 0;
    const { token } = cloud.nova.issue(cloud.server());
    try {
      await site.call('GET', `/nova?token=${token}`);
      cloud.nova.server.fault(/os-console/, { kind: 'status', status: 500, message: 'kaputt' });
      await site.call('GET', `/nova?token=${token}`);
    } finally {
      process.stdout.write = write;
    }
    const log = written.join('');
    expect(log).toContain('source does not answer');
    for (const secret of [token, 'service-secret-4711', await cloud.session().token()])
      expect(log).not.toContain(secret);
  });
});
