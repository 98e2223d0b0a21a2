// SPDX-License-Identifier: Apache-2.0
// The driver of oVirt against an engine that speaks HTTP, on a real database: what it lists and by how many requests, where
// consoles are, and every way in which an engine fails.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SourceTask } from '../../../src/conductor/source-task.js';
import { Unavailable } from '../../../src/exception.js';
import { AuditEvents } from '../../../src/objects/audit-event.js';
import { Consoles } from '../../../src/objects/console.js';
import { Sources, type SourceDefinition } from '../../../src/objects/source.js';
import { OvirtDriver } from '../../../src/sources/ovirt/driver.js';
import { Authority } from '../../fixtures/certificates.js';
import { openDatabase, type OpenDatabase } from '../../fixtures/open-database.js';
import { FakeOvirt, OVIRT_PASSWORD, type FakeGuest } from '../../fixtures/ovirt.js';
import { scratchFolder } from '../../fixtures/scratch.js';
import type { WireFault } from '../../fixtures/wire-server.js';

const SIGNAL = new AbortController().signal;

let engine: FakeOvirt;
let db: OpenDatabase;
let folder: string;
let consoles: Consoles;
const open: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  folder = scratchFolder('kerbside-ovirt-');
  const connection = `sqlite:///${folder}/kerbside.sqlite`;
  db = await openDatabase(
    { connection, encryptionKeyFile: `${folder}/encryption.key`, maxPoolSize: 1 },
    { sync: true },
  );
  consoles = new Consoles(db);
  engine = await FakeOvirt.start();
  engine.addHost();
  open.push(engine);
});

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
  await db.close();
});

/** @param seconds that one request may take */
function aDriver(change: Partial<SourceDefinition> = {}, seconds = 60): OvirtDriver {
  const conf = {
    sources: { requestTimeout: seconds, discoveryTimeout: seconds },
    nova: { requestTimeout: 1, exchangeTimeout: 1 },
    keystoneAuthtoken: { authUrl: '', wwwAuthenticateUri: '' },
  };
  return new OvirtDriver(engine.definition(change), { consoles, conf });
}

/** The task of the source: what the conductor does with the driver. */
function aTask(driver: OvirtDriver, definition = engine.definition()): SourceTask {
  const task = new SourceTask({
    definition,
    driver,
    stores: { sources: new Sources(db), consoles, audit: new AuditEvents(db), node: 'node-1' },
    partFault: null,
    fileFault: () => null,
    timing: { interval: 3600, timeout: 90 },
    log: { debug() {}, info() {}, warning() {}, error() {} },
  });
  open.push(task);
  return task;
}

const shown = async () => (await consoles.list({ limit: 100 })).items;
const sourceOf = async () => new Sources(db).find('engine');
const anAuthority = (name: string): Authority => new Authority(folder, name);

async function known(change: Partial<FakeGuest> = {}) {
  const guest = engine.addGuest(change);
  const driver = aDriver();
  await aTask(driver).runNow();
  const target = await consoles.connectInfo('engine', guest.id);
  if (target === null) throw new Error('the console is not known');
  return { guest, driver, console: { source: 'engine', uuid: guest.id, target } };
}

describe('a listing of oVirt', () => {
  it('has the SPICE consoles of guests that are up, with the pin of their host, by one request for each listing', async () => {
    const desk = engine.addGuest({ name: 'desk' });
    const wide = engine.addGuest({ name: 'wide', address: '0.0.0.0', port: null });
    engine.addGuest({ name: 'screen', display: 'vnc' });
    engine.addGuest({ name: 'off', status: 'down' });
    await aTask(aDriver()).runNow();
    expect((await shown()).map(({ name }) => name).sort()).toEqual(['desk', 'wide']);
    expect(await consoles.connectInfo('engine', desk.id)).toEqual({
      ...{
        hypervisor: 'host-1.example.org',
        hypervisorIp: '192.0.2.11',
        insecurePort: 5900,
        securePort: 5901,
      },
      ...{ ticket: '', caCert: null, hostSubject: 'O=Lab,CN=host-1' },
    });
    expect(await consoles.connectInfo('engine', wide.id)).toMatchObject({
      ...{ hypervisorIp: 'host-1.example.org', insecurePort: null },
    });
    expect(engine.server.seen(/api/)).toHaveLength(2);
    expect(await sourceOf()).toMatchObject({ errored: false, error: null });
  });

  it('goes through pages, and takes a guest that moves past their border for there', async () => {
    const guests = Array.from({ length: 1100 }, (_, count) =>
      engine.addGuest({ name: `desk-${String(count)}` }),
    );
    const driver = aDriver();
    const task = aTask(driver);
    await task.runNow();
    expect(engine.server.seen(/api\/vms/)).toHaveLength(3);
    expect((await consoles.reported('engine', '', 2000)).length).toBe(1100);
    const [first] = guests as [FakeGuest];
    engine.server.forget();
    engine.afterPage = () => {
      first.status = 'down';
    };
    const { consoles: found, unread } = await driver.discover(SIGNAL);
    // Guest 500 was on no page. Guest 0 is, but stopped only after that: the next listing will tell.
    expect([found.length, unread]).toEqual([1100, { uuids: [], nameless: false }]);
    expect(engine.server.seen(/api\/vms\//)).toHaveLength(1);
    expect((await driver.discover(SIGNAL)).consoles).toHaveLength(1099);
  });

  it('keeps guests that restart, migrate or pause, and drops those that stopped', async () => {
    const states = ['up', 'paused', 'reboot_in_progress', 'migrating', 'not_responding', 'down', 'suspended'];
    const guests = states.map((status) => ({ guest: engine.addGuest({ name: status }), status }));
    const task = aTask(aDriver());
    await task.runNow();
    for (const { guest, status } of guests) guest.status = status;
    const gone = engine.addGuest({ name: 'gone' });
    await task.runNow();
    engine.guests.splice(engine.guests.indexOf(gone), 1);
    await task.runNow();
    expect((await shown()).map(({ name }) => name).sort()).toEqual(
      ['up', 'paused', 'reboot_in_progress', 'migrating', 'not_responding'].sort(),
    );
  });

  it('is the same object while nothing has changed', async () => {
    for (let count = 0; count < 20; count += 1) engine.addGuest();
    const driver = aDriver();
    const first = await driver.discover(SIGNAL);
    engine.guests.reverse();
    expect(await driver.discover(SIGNAL)).toBe(first);
  });

  it('has no guest spoilt by another one', async () => {
    engine.addGuest();
    const odd = [{ address: 'a b' }, { port: null, securePort: null }, { host: null }, { host: 'x' }].map(
      (change) => engine.addGuest(change).id,
    );
    engine.addHost({ address: '' });
    const { consoles: found, unread } = await aDriver().discover(SIGNAL);
    expect([found.length, unread]).toEqual([1, { uuids: odd.sort(), nameless: false }]);
  });
});

describe('an engine that fails', () => {
  const FAULTS: readonly (readonly [string, WireFault, RegExp])[] = [
    ['does not answer', { kind: 'hang' }, /did not answer in time; see whether it is overloaded/],
    ['cuts its answers', { kind: 'cut' }, /connection failed|cut short/],
    ['answers with a page', { kind: 'html', status: 200 }, /not JSON; see whether url/],
    ['has a broken balancer', { kind: 'html', status: 502 }, /answered 502; see whether the service behind/],
    ['answers with something else', { kind: 'json', body: { vm: 'many' } }, /without a list of vms/],
    ['sends 200 MB', { kind: 'huge', bytes: 200_000_000 }, /its answer is too large/],
    [
      'answers with a bomb of XML',
      { kind: 'json', body: '<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><vms>&b;</vms>' },
      /not JSON; see whether url/,
    ],
    ['redirects', { kind: 'redirect', location: '/ovirt-engine/login' }, /redirects to another place/],
    [
      'has a fault',
      { kind: 'status', status: 500, message: 'boom' },
      /answered 500 \(boom\) when asked for its guests/,
    ],
    [
      'gives the user nothing',
      { kind: 'html', status: 403 },
      /does not give its guests to user "kerbside@internal"/,
    ],
  ];

  it.each(FAULTS)('%s: the consoles stay, and the source says what to do', async (_, fault, text) => {
    const { id } = engine.addGuest();
    await aTask(aDriver()).runNow();
    const heal = engine.server.fault(/api\/vms/, fault);
    await aTask(aDriver({}, fault.kind === 'hang' ? 1 : 60)).runNow();
    expect((await shown()).map(({ uuid }) => uuid)).toEqual([id]);
    expect(await sourceOf()).toMatchObject({ errored: true, error: expect.stringMatching(text) });
    heal();
    await aTask(aDriver()).runNow();
    expect(await sourceOf()).toMatchObject({ errored: false, error: null });
  });

  it('forgets logins: one login more, and nobody notices', async () => {
    engine.addGuest();
    const driver = aDriver();
    await driver.discover(SIGNAL);
    engine.revokeTokens();
    expect((await driver.discover(SIGNAL)).consoles).toHaveLength(1);
    expect(engine.server.seen(/oauth\/token/)).toHaveLength(2);
  });

  it.each(['api', 'other'] as const)(
    'revokes the password (worded as %s): it is not shown, and not tried for every user',
    async (refusal) => {
      const { id } = engine.addGuest();
      engine.refusal = refusal;
      const driver = aDriver();
      const task = aTask(driver);
      await task.runNow();
      engine.password = 'another';
      engine.revokeTokens();
      engine.server.forget();
      await task.runNow();
      const error = (await sourceOf())?.error ?? '';
      expect(error).toMatch(/does not accept username and password \(access_denied.*; correct them/);
      expect(error).not.toContain(OVIRT_PASSWORD);
      const target = await consoles.connectInfo('engine', id);
      if (target === null) throw new Error('the console is gone');
      for (let count = 0; count < 5; count += 1)
        expect(await driver.locate({ source: 'engine', uuid: id, target }, SIGNAL)).toMatchObject({
          kind: 'unconfirmed',
        });
      expect(engine.server.seen(/oauth\/token/)).toHaveLength(1);
    },
  );

  it('changes its CA: the source says so before desktops fail', async () => {
    const [ours, next] = [anAuthority('ours'), anAuthority('next')];
    engine.addGuest();
    engine.caCertificate = ours.ca;
    const definition = engine.definition({ caCert: ours.ca });
    const task = aTask(aDriver(definition), definition);
    await task.runNow();
    expect(await sourceOf()).toMatchObject({ errored: false });
    engine.caCertificate = next.ca;
    await task.runNow();
    expect(await sourceOf()).toMatchObject({ error: expect.stringMatching(/another CA than ca_cert; put/) });
    expect(await shown()).toHaveLength(1);
  });

  it('lists nothing although it has guests: they stay', async () => {
    engine.addGuest();
    const task = aTask(aDriver());
    await task.runNow();
    engine.server.fault(/api\/vms\?/, { kind: 'json', body: {} });
    await task.runNow();
    expect(await shown()).toHaveLength(1);
  });
});

describe('where a console of oVirt is', () => {
  it('is asked for when a session begins', async () => {
    const { guest, driver, console } = await known();
    expect(await driver.locate(console, SIGNAL)).toEqual({ kind: 'confirmed', target: console.target });
    guest.host = engine.addHost().id;
    guest.securePort = 5999;
    const target = {
      ...console.target,
      ...{ hypervisor: 'host-2.example.org', securePort: 5999, hostSubject: 'O=Lab,CN=host-2' },
    };
    expect(await driver.locate(console, SIGNAL)).toEqual({ kind: 'confirmed', target });
    expect(await consoles.connectInfo('engine', guest.id)).toEqual(target);
  });

  it.each([
    ['down', 'stopped'],
    ['suspended', 'stopped'],
    ['migrating', 'moving'],
    ['wait_for_launch', 'building'],
  ])('is nowhere while its guest is %s', async (status, why) => {
    const { guest, driver, console } = await known();
    guest.status = status;
    expect(await driver.locate(console, SIGNAL)).toEqual({ kind: 'denied', why });
  });

  it('is nowhere when its guest is gone, and the recorded address while the engine does not know or answer', async () => {
    const { guest, driver, console } = await known();
    guest.status = 'not_responding';
    expect(await driver.locate(console, SIGNAL)).toMatchObject({ kind: 'unconfirmed' });
    for (const fault of [
      { kind: 'html', status: 404 },
      { kind: 'json', body: [] },
      { kind: 'nothing' },
    ] as WireFault[]) {
      const heal = engine.server.fault(/api\/vms\//, fault);
      expect(await driver.locate(console, SIGNAL)).toMatchObject({ kind: 'unconfirmed' });
      heal();
    }
    engine.guests.length = 0;
    expect(await driver.locate(console, SIGNAL)).toEqual({ kind: 'denied', why: 'gone' });
  });
});

describe('a ticket of oVirt', () => {
  it('is made for two minutes, and written nowhere', async () => {
    const { guest, driver, console } = await known();
    const minted = await driver.mint(console, SIGNAL);
    const [made] = engine.tickets;
    expect(made).toMatchObject({ guest: guest.id, expiry: 120 });
    expect(minted).toEqual({ target: { ...console.target, ticket: made?.value }, validFor: 120 });
    expect(await consoles.connectInfo('engine', guest.id)).toMatchObject({ ticket: '' });
    const rows = JSON.stringify(await db.query('SELECT * FROM consoles'));
    expect(rows).not.toContain(made?.value);
  });

  it('leads to a move that locate has seen, under the name of the new host', async () => {
    const { guest, driver, console } = await known();
    guest.host = engine.addHost().id;
    const located = await driver.locate(console, SIGNAL);
    if (located.kind !== 'confirmed') throw new Error(located.kind);
    const { target } = await driver.mint({ ...console, target: located.target }, SIGNAL);
    expect(target.hypervisor).toBe('host-2.example.org');
  });

  it.each([
    [{ status: 'suspended' }, /makes no ticket: Cannot set VM ticket because the VM is in suspended status/],
    [{ taken: true }, /makes no ticket: Cannot force reconnection to VM/],
  ])('is not made for a guest with %j, in the words of the engine', async (change, text) => {
    const { guest, driver, console } = await known();
    Object.assign(guest, change);
    await expect(driver.mint(console, SIGNAL)).rejects.toThrow(text);
    await expect(driver.mint(console, SIGNAL)).rejects.toBeInstanceOf(Unavailable);
  });

  it.each([
    [{ kind: 'json', body: { status: 'complete' } }, /without a ticket/],
    [{ kind: 'json', body: { ticket: { value: 'x'.repeat(60) } } }, /without a ticket/],
    [{ kind: 'html', status: 200 }, /not JSON/],
    [{ kind: 'html', status: 403 }, /does not give a ticket to user/],
    [{ kind: 'nothing' }, /connection failed/],
  ] as [WireFault, RegExp][])('is not taken from %j', async (fault, text) => {
    const { driver, console } = await known();
    engine.server.fault(/ticket$/, fault);
    await expect(driver.mint(console, SIGNAL)).rejects.toThrow(text);
  });

  it('goes by the SPICE proxy that the engine names', async () => {
    const { guest, driver, console } = await known({ proxy: 'http://proxy.example.org:3128' });
    const route = { kind: 'connect_proxy', host: 'proxy.example.org', port: 3128 };
    expect(console.target.route).toEqual(route);
    expect((await driver.mint(console, SIGNAL)).target.route).toEqual(route);
    expect(await driver.locate(console, SIGNAL)).toEqual({ kind: 'confirmed', target: console.target });
    guest.proxy = null;
    const located = await driver.locate(console, SIGNAL);
    expect(located.kind === 'confirmed' && located.target.route).toBeUndefined();
    const after = await consoles.connectInfo('engine', guest.id);
    expect(after?.route).toBeUndefined();
  });

  it.each(['https://proxy.example.org', 'http://user:pw@proxy.example.org:3128', 'proxy'])(
    'is not asked for past a proxy that cannot be asked: %s',
    async (proxy) => {
      const { id } = engine.addGuest({ proxy });
      expect(await aDriver().discover(SIGNAL)).toEqual({
        consoles: [],
        unread: { uuids: [id], nameless: false },
      });
    },
  );
});
