// SPDX-License-Identifier: Apache-2.0
// The consoles of a cloud stay true: they follow their instances, and go with them.
import { afterEach, describe, expect, it } from '@jest/globals';
import { ConsoleIssue } from '../../../src/broker/console-issue.js';
import { ConsoleOpening } from '../../../src/broker/console-opening.js';
import { ExchangeLimit } from '../../../src/broker/exchange-limit.js';
import { TokenExchange } from '../../../src/broker/token-exchange.js';
import { SourceTask } from '../../../src/conductor/source-task.js';
import { AuditEvents } from '../../../src/objects/audit-event.js';
import { ConsoleTokens } from '../../../src/objects/console-token.js';
import { ConsoleUse } from '../../../src/objects/console-use.js';
import { Consoles } from '../../../src/objects/console.js';
import { Inventory } from '../../../src/objects/inventory.js';
import { strangerAt } from '../../../src/objects/requester.js';
import { Sources } from '../../../src/objects/source.js';
import { Locator } from '../../../src/sources/locator.js';
import { OpenStackDriver } from '../../../src/sources/openstack/driver.js';
import { SourceDrivers } from '../../../src/sources/source-drivers.js';
import { Cloud } from '../../fixtures/cloud.js';
import { databasesOf } from '../../fixtures/database.js';
import type { NovaOptions } from '../../fixtures/nova.js';

const NOVA = { requestTimeout: 1, exchangeTimeout: 2 };
const TIMEOUT = NOVA.exchangeTimeout;
const NO_KEYSTONE = { authUrl: '', wwwAuthenticateUri: '' };
const log = {
  debug: () => undefined,
  info: () => undefined,
  warning: () => undefined,
  error: () => undefined,
};

describe('the consoles of a cloud', () => {
  const databases = databasesOf('sqlite');
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  async function aTask(options: Partial<NovaOptions> = {}) {
    const cloud = await Cloud.start(options);
    open.push(cloud);
    const db = await databases.fresh();
    const [sources, consoles] = [new Sources(db), new Consoles(db)];
    const definition = cloud.definition();
    const conf = {
      nova: NOVA,
      sources: { requestTimeout: 1, discoveryTimeout: 1 },
      keystoneAuthtoken: { ...NO_KEYSTONE, authUrl: definition.url ?? '' },
    };
    const task = new SourceTask({
      definition,
      driver: new OpenStackDriver(definition, { consoles, conf }),
      stores: { sources, consoles, audit: new AuditEvents(db), node: 'node-1' },
      partFault: null,
      fileFault: () => null,
      timing: { interval: 60, timeout: 60 },
      log,
    });
    open.push(task);
    await task.runNow();
    const audit = new AuditEvents(db);
    const drivers = new SourceDrivers(sources, { consoles, conf });
    const issue = new ConsoleIssue({
      ...{ tokens: new ConsoleTokens(db, { tokenTtl: 60 }), events: audit, node: 'node-1' },
      use: new ConsoleUse(db, { concurrentSessions: 'auto' }),
    });
    const limit = new ExchangeLimit(100, 60);
    const exchanges = new TokenExchange({ drivers, limit, issue, timeout: TIMEOUT, log });
    const openingBy = (...keystones: string[]): ConsoleOpening => {
      const [authUrl = '', wwwAuthenticateUri = ''] = keystones;
      const services = {
        consoles,
        conf: {
          nova: NOVA,
          sources: { requestTimeout: 1, discoveryTimeout: 1 },
          keystoneAuthtoken: { authUrl, wwwAuthenticateUri },
        },
      };
      const asked = new SourceDrivers(sources, services);
      return new ConsoleOpening({
        inventory: new Inventory(db),
        sources,
        drivers: asked,
        timeout: TIMEOUT,
        log,
      });
    };
    return {
      ...{ cloud, sources, consoles, task, audit, openingBy },
      opening: openingBy(definition.url ?? ''),
      locator: new Locator(drivers),
      exchange: (token: string) => exchanges.open(token, strangerAt('192.0.2.1')),
    };
  }

  it('are none at first; the source is known to all nodes, whether the cloud answers or not', async () => {
    const at = await aTask();
    expect(await at.sources.find('cloud')).toMatchObject({
      type: 'openstack',
      errored: false,
      seenBy: 'node-1',
    });
    expect((await at.sources.definitions('openstack'))[0]).toMatchObject({ password: 'service-secret-4711' });
    await at.cloud.nova.server.pause();
    await at.cloud.keystone.server.pause();
    await at.task.runNow();
    expect(await at.sources.find('cloud')).toMatchObject({ errored: true, deleted: false });
  });

  it('follow a move with a fresh address, keep a stopped machine, and go with a deleted one', async () => {
    const at = await aTask();
    const servers = [at.cloud.server(), at.cloud.server(), at.cloud.server(), at.cloud.server()];
    const [mover, stopper, leaver, rester] = servers;
    for (const server of servers) await at.exchange(at.cloud.nova.issue(server).token);
    Object.assign(mover!, { computeHost: 'compute-2', host: '192.0.2.22', port: 5922, tlsPort: null });
    stopper!.status = 'SHUTOFF';
    at.cloud.nova.deleteServer(leaver!.id);
    at.cloud.nova.server.forget();
    await at.task.runNow();
    expect(await at.consoles.find('cloud', mover!.id)).toMatchObject({
      hypervisor: '192.0.2.22',
      insecurePort: 5922,
      securePort: null,
      instanceHost: 'compute-2',
    });
    expect(await at.consoles.find('cloud', stopper!.id)).toMatchObject({
      instanceState: 'SHUTOFF',
      insecurePort: 5900,
    });
    expect(await at.consoles.find('cloud', leaver!.id)).toBeNull();
    expect(await at.consoles.find('cloud', rester!.id)).not.toBeNull();
    // Nova makes consoles for us only where something has changed.
    expect(at.cloud.nova.server.seen(/^POST/)).toHaveLength(1);
    const messages = async (uuid: string) =>
      (await at.audit.list('cloud', uuid, 9)).events.map(({ message }) => message);
    expect(await messages(leaver!.id)).toEqual([
      'Discovered new console',
      'Created authentication token for session.',
      'Console no longer available',
    ]);
    expect((await messages(mover!.id)).at(-1)).toBe(
      'Console configuration changed: hypervisor, hypervisor_ip, insecure_port, secure_port',
    );
    Object.assign(stopper!, { status: 'ACTIVE', port: 5955 });
    await at.task.runNow();
    expect(await at.consoles.find('cloud', stopper!.id)).toMatchObject({
      instanceState: 'ACTIVE',
      insecurePort: 5955,
    });
  });

  it('stay while the cloud does not answer, and while a machine moves or its new place is not told', async () => {
    const at = await aTask();
    const server = at.cloud.server();
    await at.exchange(at.cloud.nova.issue(server).token);
    const heal = at.cloud.nova.server.fault(/servers/, { kind: 'status', status: 503 });
    await at.task.runNow();
    expect(await at.consoles.find('cloud', server.id)).toMatchObject({ instanceHost: 'compute-1' });
    expect(await at.sources.find('cloud')).toMatchObject({ errored: true });
    heal();
    Object.assign(server, { taskState: 'migrating', computeHost: 'compute-2' });
    await at.task.runNow();
    server.taskState = null;
    const allow = at.cloud.nova.server.fault(/^POST/, { kind: 'status', status: 403 });
    await at.task.runNow();
    expect(await at.consoles.reportedOne('cloud', server.id)).toMatchObject({
      instanceHost: 'compute-2',
      addressHost: 'compute-1',
    });
    const away = at.cloud.nova.server.fault(/servers/, { kind: 'status', status: 503 });
    const target = await at.consoles.connectInfo('cloud', server.id);
    const recorded = { source: 'cloud', uuid: server.id, platform: 'openstack', target: target! };
    expect(await at.locator.locate({ ...recorded, main: true }, 2)).toEqual({ kind: 'denied', why: 'stale' });
    away();
    allow();
    await at.task.runNow();
    expect(await at.consoles.reportedOne('cloud', server.id)).toMatchObject({
      instanceHost: 'compute-2',
      addressHost: 'compute-2',
    });
    expect(await at.sources.find('cloud')).toMatchObject({ errored: false });
  });

  it('are opened for a user as the user, in the cloud that has the instance, and nowhere else', async () => {
    const at = await aTask();
    const other = await Cloud.start();
    open.push(other);
    await at.sources.upsert(other.definition('other'));
    const server = at.cloud.server();
    const token = at.cloud.user();
    const both = at.openingBy(...[at.cloud, other].map((cloud) => cloud.definition().url ?? ''));
    const opened = await both.find({ uuid: server.id, token });
    const projectId = at.cloud.project.id;
    expect(opened).toEqual({
      source: 'cloud',
      uuid: server.id,
      name: server.name,
      projectId,
      accessId: null,
      protocol: 'spice',
    });
    expect(await at.consoles.find('cloud', server.id)).toMatchObject({ projectId, securePort: 5901 });
    const carriers = other.nova.server.requests.filter(({ headers }) => headers['x-auth-token'] === token);
    expect(carriers).toEqual([]);
    const uuid = server.id;
    await expect(both.find({ uuid, token, source: 'nowhere' })).rejects.toThrow('source not found');
    await expect(both.find({ uuid, token, source: 'other' })).rejects.toMatchObject({
      why: 'unauthenticated',
    });
    const stranger = at.cloud.user(['member'], at.cloud.keystone.directory.addProject('p2'));
    await expect(both.find({ uuid, token: stranger })).rejects.toThrow('instance not found');
    const nobody = '00000000-0000-4000-8000-000000000000';
    await expect(both.find({ uuid: nobody, token })).rejects.toThrow('instance not found');
    await other.nova.server.pause();
    expect(await both.find({ uuid, token, type: 'spice-html5' })).toMatchObject({ source: 'cloud' });
    await expect(both.find({ uuid: nobody, token })).rejects.toThrow(/not every source answers/);
  });

  it('are opened with no token of a user in a cloud of another Keystone', async () => {
    const at = await aTask();
    const other = await Cloud.start();
    open.push(other);
    await at.sources.upsert(other.definition('other'));
    const [server, token] = [at.cloud.server(), at.cloud.user()];
    const named = at.opening.find({ uuid: server.id, token, source: 'other' });
    await expect(named).rejects.toThrow('source other is of another Keystone than your token');
    expect(await at.opening.find({ uuid: server.id, token })).toMatchObject({ source: 'cloud' });
    expect(other.nova.server.requests).toEqual([]);
    const withoutKeystone = at.openingBy();
    await expect(withoutKeystone.find({ uuid: server.id, token })).rejects.toThrow('instance not found');
  });

  it('do not lose their address to an old token that still names another one', async () => {
    const at = await aTask();
    const server = at.cloud.server({ port: 5900, tlsPort: null });
    const old = at.cloud.nova.issue(server).token;
    const port = async () => (await at.consoles.find('cloud', server.id))?.insecurePort;
    await at.exchange(old);
    server.port = 5990;
    await at.exchange(at.cloud.nova.issue(server).token);
    expect(await port()).toBe(5990);
    expect(await at.exchange(old)).toMatchObject({ kind: 'opened', uuid: server.id });
    expect(await port()).toBe(5990);
    at.cloud.nova.server.fault(/^POST/, { kind: 'status', status: 503 });
    expect(await at.exchange(old)).toMatchObject({ kind: 'opened' });
    expect(await port()).toBe(5990);
  });

  it('of a patched 2.96 are opened although Nova gives no token', async () => {
    const at = await aTask({ patched: '2.96' });
    await at.sources.upsert(at.cloud.definition('cloud', { spice_direct_microversion: '2.96' }));
    const server = at.cloud.server();
    await at.opening.find({ uuid: server.id, token: at.cloud.user() });
    expect(await at.consoles.find('cloud', server.id)).toMatchObject({
      insecurePort: 5900,
      securePort: 5901,
    });
  });
});
