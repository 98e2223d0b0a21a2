// SPDX-License-Identifier: Apache-2.0
// The client against a Nova of every release, and against everything that is no proper answer.
import { afterEach, describe, expect, it } from '@jest/globals';
import { NovaRefused, NovaTooOld, NovaUnavailable } from '../../../src/compute/faults.js';
import { InstanceNotReady } from '../../../src/objects/instance-fault.js';
import { NovaClient, type NovaOptions as ClientOptions } from '../../../src/compute/nova-client.js';
import { Unavailable } from '../../../src/exception.js';
import { Cloud, SERVICE_PASSWORD } from '../../fixtures/cloud.js';
import type { NovaOptions } from '../../fixtures/nova.js';
import type { WireFault } from '../../fixtures/wire-server.js';

const clouds: Cloud[] = [];
afterEach(async () => {
  for (const cloud of clouds.splice(0)) await cloud.close();
});

async function at(options: Partial<NovaOptions> = {}, client: ClientOptions = {}, timeout = 5) {
  const cloud = await Cloud.start(options);
  clouds.push(cloud);
  return { cloud, client: new NovaClient(cloud.session(timeout), { retryDelay: 0.02, ...client }) };
}

describe('a Nova of each range', () => {
  it.each([
    ['2.1', 'spice-html5', 'POST /v2.1/servers/ID/action', '2.1', null, null],
    ['2.5', 'spice-html5', 'POST /v2.1/servers/ID/action', '2.1', null, null],
    ['2.6', 'spice-html5', 'POST /v2.1/servers/ID/remote-consoles', '2.6', null, null],
    ['2.30', 'spice-html5', 'POST /v2.1/servers/ID/remote-consoles', '2.6', null, null],
    ['2.31', 'spice-html5', 'POST /v2.1/servers/ID/remote-consoles', '2.6', '2.31', null],
    ['2.60', 'spice-html5', 'POST /v2.1/servers/ID/remote-consoles', '2.6', '2.31', null],
    ['2.98', 'spice-html5', 'POST /v2.1/servers/ID/remote-consoles', '2.6', '2.31', null],
    ['2.99', 'spice-direct', 'POST /v2.1/servers/ID/remote-consoles', '2.99', '2.99', 5901],
    ['2.100', 'spice-direct', 'POST /v2.1/servers/ID/remote-consoles', '2.99', '2.99', 5901],
  ])('%s gives %s', async (maxVersion, type, line, version, resolveVersion, tlsPort) => {
    const { cloud, client } = await at({ maxVersion });
    const server = cloud.server();
    const made = await client.createConsole(server.id, 'best');
    if (made.kind !== 'token') throw new Error('no token');
    expect(made.type).toBe(type);
    expect(made.url).toContain(`?token=${made.token}`);
    const [create] = cloud.nova.server.seen(/^POST/);
    expect(`POST ${create?.path ?? ''}`).toBe(line.replace('ID', server.id));
    expect(create?.headers['openstack-api-version']).toBe(`compute ${version}`);
    expect(create?.headers['x-openstack-nova-api-version']).toBe(
      Number(version.slice(2)) < 27 ? version : undefined,
    );
    if (resolveVersion === null) {
      const wish = client.resolveToken(made.token);
      await expect(wish).rejects.toThrow(NovaTooOld);
      await expect(wish).rejects.toThrow(`this Nova speaks ${maxVersion} at most`);
      await expect(wish).rejects.toThrow('2.31');
      return;
    }
    expect(await client.resolveToken(made.token)).toEqual({
      instanceUuid: server.id,
      host: '127.0.0.1',
      port: 5900,
      tlsPort,
    });
    const [resolve] = cloud.nova.server.seen(/os-console-auth-tokens/);
    expect(resolve?.headers['openstack-api-version']).toBe(`compute ${resolveVersion}`);
  });

  it('with the patches of 2023.1 tells host and ports at once', async () => {
    const { cloud, client } = await at({ patched: '2.96' }, { patch: '2.96' });
    expect(await client.createConsole(cloud.server().id, 'best')).toEqual({
      kind: 'address',
      type: 'spice-direct',
      host: '127.0.0.1',
      port: 5900,
      tlsPort: 5901,
    });
  });

  it('with the patches of 2024.1 gives tokens that tell the TLS port', async () => {
    const { cloud, client } = await at({ patched: '2.97' }, { patch: '2.97' });
    const made = await client.createConsole(cloud.server().id, 'spice-direct');
    if (made.kind !== 'token') throw new Error('no token');
    expect(await client.resolveToken(made.token)).toMatchObject({ port: 5900, tlsPort: 5901 });
  });

  it.each(['2.96', '2.97'] as const)(
    'that is said to have the patches of %s and has not is found out by a probe, once',
    async (patch) => {
      const { cloud, client } = await at({ maxVersion: '2.97' }, { patch });
      const server = cloud.server();
      for (let time = 0; time < 2; time += 1) {
        expect(await client.createConsole(server.id, 'best')).toMatchObject({ type: 'spice-html5' });
      }
      expect(cloud.nova.server.seen(/^POST/)).toHaveLength(3);
      await expect(client.createConsole(server.id, 'spice-direct')).rejects.toThrow(
        /speaks 2\.97 at most and has no spice-direct consoles/,
      );
    },
  );

  it('is asked for its versions once, and again when it has been replaced', async () => {
    let now = 1000;
    const { cloud, client } = await at({}, { now: () => now });
    await Promise.all([client.discover(), client.discover()]);
    expect(cloud.nova.server.seen(/^GET \/$/)).toHaveLength(1);
    now += 301;
    await client.discover();
    expect(cloud.nova.server.seen(/^GET \/$/)).toHaveLength(2);
    cloud.nova.server.fault(/^POST/, { kind: 'status', status: 406 }, 1);
    expect(await client.createConsole(cloud.server().id, 'best')).toMatchObject({ type: 'spice-direct' });
    expect(cloud.nova.server.seen(/^GET \/$/)).toHaveLength(3);
    cloud.nova.server.fault(/^POST/, { kind: 'status', status: 406 });
    await expect(client.createConsole(cloud.server().id, 'best')).rejects.toThrow(/another release/);
  });

  it('may serve its API below a path only', async () => {
    const { cloud, client } = await at();
    cloud.nova.server.fault(/^GET \/$/, { kind: 'html', status: 404 });
    expect(await client.discover()).toEqual({ min: 1, max: 100 });
  });
});

describe('a console is made as the user whose token is given', () => {
  it('and a user of another project, or whose token is bad, is refused', async () => {
    const { cloud, client } = await at();
    const server = cloud.server();
    expect(await client.createConsole(server.id, 'best', { token: cloud.user() })).toBeDefined();
    const stranger = cloud.user(['member'], cloud.keystone.directory.addProject('other'));
    await expect(client.createConsole(server.id, 'best', { token: stranger })).rejects.toMatchObject({
      why: 'gone',
    });
    await expect(client.createConsole(server.id, 'best', { token: 'nonsense' })).rejects.toMatchObject({
      status: 401,
    });
    cloud.nova.server.fault(/^POST/, { kind: 'status', status: 403, message: 'Policy says no' });
    const refusal = client.createConsole(server.id, 'best', { token: cloud.user() });
    await expect(refusal).rejects.toThrow(NovaRefused);
    await expect(refusal).rejects.toThrow('Nova refuses: Policy says no');
  });

  it('and the service renews its own token when Nova does not take it any more', async () => {
    const { cloud, client } = await at();
    const server = cloud.server();
    await client.createConsole(server.id, 'best');
    cloud.keystone.directory.revokeTokens(() => true);
    expect(await client.createConsole(server.id, 'best')).toBeDefined();
    cloud.nova.server.fault(/^POST/, { kind: 'status', status: 401 });
    await expect(client.createConsole(server.id, 'best')).rejects.toThrow(/refuses the service's login/);
  });
});

describe('an instance', () => {
  it.each([
    [{ status: 'SHUTOFF' }, 'stopped'],
    [{ status: 'SUSPENDED' }, 'stopped'],
    [{ status: 'BUILD' }, 'building'],
    [{ taskState: 'migrating' }, 'moving'],
    [{ taskState: 'deleting' }, 'gone'],
  ])('that is %j is told as %s', async (state, why) => {
    const { cloud, client } = await at();
    const wish = client.createConsole(cloud.server(state).id, 'best');
    await expect(wish).rejects.toBeInstanceOf(InstanceNotReady);
    await expect(wish).rejects.toMatchObject({ why });
  });

  it('that ends its migration meanwhile gets its console', async () => {
    const { cloud, client } = await at({}, { retryDelay: 0.2 });
    const server = cloud.server({ taskState: 'migrating' });
    setTimeout(() => (server.taskState = null), 100);
    expect(await client.createConsole(server.id, 'best')).toMatchObject({ kind: 'token' });
  });

  it('is waited for no longer than the caller waits', async () => {
    const { cloud, client } = await at({}, { retryDelay: 30 });
    const server = cloud.server({ taskState: 'migrating' });
    const wish = client.createConsole(server.id, 'best', { signal: AbortSignal.timeout(3000) });
    await expect(wish).rejects.toMatchObject({ why: 'moving' });
  });

  it('is shown without the extra specs of its flavor by an old Nova, which is asked for them', async () => {
    const { cloud, client } = await at({ maxVersion: '2.38' });
    const server = cloud.server({ flavorId: 'm1 small', extraSpecs: { 'kerbside:usb': 'none' } });
    expect((await client.server(server.id))?.flavor).toEqual({ kind: 'named', id: 'm1 small' });
    expect(await client.extraSpecs('m1 small')).toEqual({ 'kerbside:usb': 'none' });
    expect(await client.extraSpecs('m2')).toBeNull();
  });

  it('is shown with its owner, state and host; one that does not exist is null', async () => {
    const { cloud, client } = await at();
    const server = cloud.server({ name: 'desk', computeHost: 'c-7' });
    expect(await client.server(server.id)).toEqual({
      uuid: server.id,
      name: 'desk',
      projectId: cloud.project.id,
      userId: server.userId,
      status: 'ACTIVE',
      taskState: null,
      host: 'c-7',
      flavor: { kind: 'embedded', extraSpecs: {} },
      imageId: server.imageId,
      metadata: {},
    });
    expect(await client.server('00000000-0000-4000-8000-000000000000')).toBeNull();
  });
});

describe('a console token', () => {
  it.each(['', 'x'.repeat(256), 'x'.repeat(10_000_000), 'no-such', '../servers', '..', 'a b%2f\u0000'])(
    'that Nova never gave is unknown (%#)',
    async (token) => {
      const { client } = await at();
      expect(await client.resolveToken(token)).toBeNull();
    },
  );

  it('that the service may not read is told as the fault of a policy', async () => {
    const { cloud, client } = await at();
    cloud.nova.server.fault(/os-console/, { kind: 'status', status: 403 });
    await expect(client.resolveToken('x')).rejects.toThrow(/os_compute_api:os-console-auth-tokens/);
  });

  it.each<[string, WireFault]>([
    ['a 500', { kind: 'status', status: 500 }],
    ['a 503', { kind: 'status', status: 503 }],
    ['a page', { kind: 'html', status: 200 }],
    ['a page with 502', { kind: 'html', status: 502 }],
    ['garbage', { kind: 'garbage' }],
    ['a list', { kind: 'json', body: [] }],
    ['another object', { kind: 'json', body: { console: { host: 5 } } }],
    ['nothing', { kind: 'nothing' }],
    ['half an answer', { kind: 'cut' }],
    ['silence', { kind: 'hang' }],
    ['a trickle', { kind: 'trickle' }],
    ['far too much', { kind: 'huge', bytes: 6_000_000 }],
    ['a redirect', { kind: 'redirect', location: 'http://127.0.0.1:1/' }],
  ])('is answered with %s: a clear fault in time, without a secret', async (_name, fault) => {
    const { cloud, client } = await at({}, {}, 1);
    await client.discover();
    const service = await cloud.session().token();
    cloud.nova.server.fault(/os-console/, fault);
    const failure = await client.resolveToken('some-token').catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(NovaUnavailable);
    expect((failure as Error).message).toMatch(/Nova/);
    expect((failure as Error).message).not.toContain(service);
    expect((failure as Error).message).not.toContain(SERVICE_PASSWORD);
  });
});

describe('a cloud', () => {
  it('whose catalog has no compute service, or whose Keystone is away, is unavailable', async () => {
    const { client } = await at({ inCatalog: false });
    await expect(client.discover()).rejects.toThrow(/no internal endpoint of type compute/);
    const away = await at();
    await away.cloud.keystone.server.pause();
    await expect(away.client.discover()).rejects.toThrow(Unavailable);
  });

  it('whose Nova does not tell its versions is unavailable', async () => {
    const { cloud, client } = await at();
    cloud.nova.server.fault(/^GET/, { kind: 'json', body: { versions: [{ id: 'v2.1', version: 'x' }] } });
    await expect(client.discover()).rejects.toThrow(/does not tell its versions/);
    await cloud.nova.server.pause();
    await expect(client.discover()).rejects.toThrow(NovaUnavailable);
  });
});

describe('the hypervisors', () => {
  it('are listed by address, by name and by host', async () => {
    const { cloud, client } = await at();
    const { computeHost, host } = cloud.server();
    expect((await client.hypervisors()).sort()).toEqual([...new Set([computeHost, host])].sort());
    const [asked] = cloud.nova.server.seen(/os-hypervisors/);
    expect(asked?.path).toBe('/v2.1/os-hypervisors/detail');
    expect(asked?.headers['openstack-api-version']).toBe('compute 2.1');
  });
});
