// SPDX-License-Identifier: Apache-2.0
// The driver of OpenNebula against an oned that speaks as the real one does: what is listed and how, what a change costs, what each
// fault becomes, and that nothing is taken for gone that may be there.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Unavailable } from '../../../src/exception.js';
import { SourceTask } from '../../../src/conductor/source-task.js';
import { AuditEvents } from '../../../src/objects/audit-event.js';
import { Consoles } from '../../../src/objects/console.js';
import { Sources, type SourceDefinition } from '../../../src/objects/source.js';
import { OpenNebulaDriver } from '../../../src/sources/opennebula/driver.js';
import { makeCertificates, type Certificates } from '../../fixtures/certificates.js';
import { openDatabase, type OpenDatabase } from '../../fixtures/open-database.js';
import {
  FakeOpenNebula,
  GUEST_PASSWORD,
  ONE_PASSWORD,
  recorded,
  type FakeVm,
} from '../../fixtures/opennebula.js';
import { scratchFolder } from '../../fixtures/scratch.js';
import type { WireFault } from '../../fixtures/wire-server.js';

const SIGNAL = new AbortController().signal;

let certificates: Certificates;
let one: FakeOpenNebula;
let db: OpenDatabase;
let consoles: Consoles;
const open: { close(): Promise<void> }[] = [];

beforeAll(() => {
  certificates = makeCertificates();
});
afterAll(() => certificates.remove());
beforeEach(async () => {
  const folder = scratchFolder('kerbside-one-');
  db = await openDatabase(
    { connection: `sqlite:///${folder}/kerbside.sqlite`, encryptionKeyFile: `${folder}/key`, maxPoolSize: 1 },
    { sync: true },
  );
  consoles = new Consoles(db);
  one = await FakeOpenNebula.start();
  open.push(one);
});
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
  await db.close();
});

/** @param seconds that one call may take */
function aDriver(change: Partial<SourceDefinition> = {}, seconds = 60): OpenNebulaDriver {
  const conf = {
    sources: { requestTimeout: seconds, discoveryTimeout: seconds },
    nova: { requestTimeout: 1, exchangeTimeout: 1 },
    keystoneAuthtoken: { authUrl: '', wwwAuthenticateUri: '' },
  };
  return new OpenNebulaDriver(one.definition(change), { consoles, conf });
}

/** The task of the source: what the conductor does with the driver. */
function aTask(driver: OpenNebulaDriver, definition = one.definition()): SourceTask {
  const task = new SourceTask({
    ...{ definition, driver, partFault: null, fileFault: () => null },
    stores: { sources: new Sources(db), consoles, audit: new AuditEvents(db), node: 'node-1' },
    timing: { interval: 3600, timeout: 90 },
    log: { debug() {}, info() {}, warning() {}, error() {} },
  });
  open.push(task);
  return task;
}

const names = async (): Promise<(string | null)[]> =>
  (await consoles.list({ limit: 100 })).items.map(({ name }) => name).sort();
const sourceOf = async () => new Sources(db).find('one');

async function known(change: Partial<FakeVm> = {}) {
  const vm = one.add(change);
  const driver = aDriver();
  await aTask(driver).runNow();
  const uuid = String(vm.id);
  const target = await consoles.connectInfo('one', uuid);
  if (target === null) throw new Error('the console is not known');
  return { vm, driver, console: { source: 'one', uuid, target } };
}

describe('a listing of OpenNebula', () => {
  it('has the SPICE displays of virtual machines that run, each at its host and with its password', async () => {
    const desk = one.add();
    one.add({ name: 'lower', graphics: 'spice', password: null });
    one.add({ graphics: 'VNC' });
    one.add({ graphics: 'none' });
    for (const state of [1, 4, 5, 6, 8]) one.add({ state, step: 0 });
    for (const step of [2, 12, 18]) one.add({ step });
    await aTask(aDriver()).runNow();
    expect(await names()).toEqual(['desk-0', 'lower']);
    // The group of the recorded machine.
    for (const { tags } of (await aDriver().discover(SIGNAL)).consoles) expect(tags).toEqual(['group:desk']);
    expect(await consoles.connectInfo('one', String(desk.id))).toEqual({
      ...{ hypervisor: 'hyp1.lab.example', hypervisorIp: '', insecurePort: 5900, securePort: null },
      ...{ ticket: GUEST_PASSWORD, caCert: null, hostSubject: null },
    });
    expect(await consoles.connectInfo('one', '1')).toMatchObject({ ticket: '' });
    expect(await sourceOf()).toMatchObject({ errored: false, error: null });
  });

  it('dials the address that the entry has for a host, and never the one that a guest names', async () => {
    one.add({ listen: '127.0.0.1' });
    one.add({ host: 'hyp2.lab.example', listen: '192.0.2.99' });
    const options = { host_addresses: JSON.stringify([['hyp2.lab.example', '2001:db8::2']]) };
    const { consoles: found } = await aDriver({ options }).discover(SIGNAL);
    expect(found.map(({ hypervisor, hypervisorIp }) => [hypervisor, hypervisorIp])).toEqual([
      ['hyp1.lab.example', ''],
      ['hyp2.lab.example', '2001:db8::2'],
    ]);
  });

  it.each([
    ['all', [0, 1, 2]],
    ['group', [0, 1]],
    ['mine', [0]],
  ] as const)('asks for %s', async (filter, ids) => {
    for (const owner of ['account', 'group', 'foreign'] as const) one.add({ owner });
    const { consoles: found } = await aDriver({ options: { filter } }).discover(SIGNAL);
    expect(found.map(({ uuid }) => uuid)).toEqual(ids.map(String));
  });

  it('asks for thousands in ranges of ids, loses none that comes or goes meanwhile, and reads anew only what differs', async () => {
    for (let count = 0; count < 3200; count += 1) one.add({ id: 7 * count });
    const driver = aDriver();
    const [first, second] = one.vms as [FakeVm, FakeVm];
    one.afterPool = () => {
      // Pages would shift.
      first.state = 6;
      one.add();
    };
    const { consoles: found } = await driver.discover(SIGNAL);
    one.afterPool = () => undefined;
    expect(found.length).toBeGreaterThanOrEqual(3199);
    expect(found.map(({ uuid }) => Number(uuid))).toEqual(
      expect.arrayContaining(one.vms.slice(1, 3200).map(({ id }) => id)),
    );
    const next = await driver.discover(SIGNAL);
    expect(next.consoles).toHaveLength(one.vms.length - 1);
    expect(await driver.discover(SIGNAL)).toBe(next);
    second.port = 4711;
    one.calls.length = 0;
    const changed = await driver.discover(SIGNAL);
    expect(changed.consoles.find(({ uuid }) => uuid === '7')).toMatchObject({ insecurePort: 4711 });
    expect(one.calls.length).toBeLessThan(9);
    expect(one.calls.every((call) => call.startsWith('one.vmpool.info -2,'))).toBe(true);
  });

  it('keeps guests that move, are attached to or whose state is not known, and drops those that stop', async () => {
    const steps = [3, 4, 16, 17, 24, 57, 12, 6, 18];
    const vms = steps.map((step) => ({ vm: one.add({ name: `step-${String(step)}` }), step }));
    const driver = aDriver();
    const task = aTask(driver);
    await task.runNow();
    for (const { vm, step } of vms) vm.step = step;
    one.add({ name: 'off' }).state = 8;
    await task.runNow();
    expect(await names()).toEqual(['step-16', 'step-17', 'step-24', 'step-3', 'step-4', 'step-57']);
  });

  it('has no guest spoilt by another one, whatever it is called', async () => {
    one.add({ name: 'büro <b>&"\n\u2028no \u0007' });
    one.add({ password: 'x'.repeat(60) });
    one.add({ host: 'a b' });
    one.add({ port: 70_000 });
    one.add({ host: null });
    const { consoles: found, unread } = await aDriver().discover(SIGNAL);
    expect(found.map(({ uuid }) => uuid)).toEqual(['0']);
    expect(found[0]?.name).toMatch(/^büro <b>&" ?no/);
    expect(unread).toEqual({ uuids: ['1', '2', '3', '4'], nameless: false });
  });
});

describe('an OpenNebula that hides what it has shown', () => {
  it('keeps the consoles, and says which right is missing', async () => {
    one.add();
    one.add();
    const task = aTask(aDriver());
    await task.runNow();
    for (const vm of one.vms) vm.usable = false;
    await task.runNow();
    expect(await names()).toEqual(['desk-0', 'desk-1']);
    expect(await sourceOf()).toMatchObject({
      errored: true,
      error: expect.stringMatching(
        /does not show 2 of the known virtual machines to user "kerbside" any more; give it the right USE/,
      ),
    });
    for (const vm of one.vms) vm.usable = true;
    await task.runNow();
    expect(await sourceOf()).toMatchObject({ errored: false, error: null });
  });

  it("lets one go that was given to somebody else, where only one's own are asked for", async () => {
    const given = one.add({ owner: 'account' });
    one.add({ owner: 'account' });
    const definition = one.definition({ options: { filter: 'mine' } });
    const task = aTask(aDriver(definition), definition);
    await task.runNow();
    Object.assign(given, { owner: 'foreign', usable: false });
    await task.runNow();
    expect(await names()).toEqual(['desk-1']);
  });
});

describe('an OpenNebula that fails', () => {
  const FAULTS: readonly (readonly [string, WireFault, RegExp])[] = [
    ['does not answer', { kind: 'hang' }, /did not answer in time; see whether it is overloaded/],
    ['is slow', { kind: 'trickle' }, /did not answer in time/],
    ['cuts its answers', { kind: 'cut' }, /connection failed|cut short/],
    ['answers with a page', { kind: 'html', status: 200 }, /not XML-RPC|no answer of OpenNebula/],
    ['has a broken balancer', { kind: 'html', status: 503 }, /answered 503; see whether the service behind/],
    ['answers with JSON', { kind: 'json', body: { vm: 1 } }, /not XML-RPC/],
    ['sends 200 MB', { kind: 'huge', bytes: 200_000_000 }, /too large/],
    [
      'redirects',
      { kind: 'redirect', location: 'https://elsewhere.example/RPC2' },
      /redirects to https:\/\/elsewhere/,
    ],
    ['refuses the path', { kind: 'status', status: 404 }, /answered 404; see whether url .* path \/RPC2/],
  ];

  it.each(FAULTS)('%s: the consoles stay, and the source says what to do', async (_, fault, text) => {
    one.add();
    await aTask(aDriver()).runNow();
    const heal = one.server.fault(/RPC2/, fault);
    await aTask(aDriver({}, fault.kind === 'hang' || fault.kind === 'trickle' ? 1 : 60)).runNow();
    expect(await names()).toEqual(['desk-0']);
    expect(await sourceOf()).toMatchObject({ errored: true, error: expect.stringMatching(text) });
    heal();
    await aTask(aDriver()).runNow();
    expect(await sourceOf()).toMatchObject({ errored: false, error: null });
  });

  const entity = (level: number): string =>
    `<!ENTITY e${String(level)} "${`&e${String(level - 1)};`.repeat(10)}">`;
  const bomb = `<!DOCTYPE x [<!ENTITY e0 "lol">${[1, 2, 3, 4, 5, 6, 7, 8].map(entity).join('')}]><x>&e8;</x>`;
  const good = recorded('vmpool.info.admin.txt').body;
  it.each([
    ['a bomb of entities', bomb, /document type/],
    ['half of it', good.slice(0, good.length / 2), /cut short/],
    ['tags without end', '<a>'.repeat(100_000), /more tags than are read/],
    ['ends that do not fit', '<methodResponse><a></methodResponse></a>', /do not fit together/],
    ['another call', '<methodCall><params/></methodCall>', /no answer of OpenNebula/],
    [
      'a list of one',
      good.replace(/<value><string>.*<value><i4>0<\/i4><\/value>/s, ''),
      /no answer of OpenNebula/,
    ],
    ['a fault', recorded('fault.arity.txt').body, /does not take the call \(Not enough parameters\)/],
    ['a pool cut short', good.replace('&lt;/VM_POOL&gt;', ''), /without a pool of virtual machines/],
    [
      'a bomb in its text',
      good.replace('&lt;VM_POOL&gt;', '&lt;!DOCTYPE x&gt;&lt;VM_POOL&gt;'),
      /without a pool/,
    ],
  ])('answers with %s: nothing is lost', async (_what, body, text) => {
    one.add();
    const driver = aDriver();
    const task = aTask(driver);
    await task.runNow();
    one.bodies.set('one.vmpool.info', body);
    await expect(driver.discover(SIGNAL)).rejects.toThrow(text);
    await task.runNow();
    expect(await names()).toEqual(['desk-0']);
    one.bodies.clear();
    await task.runNow();
    expect(await sourceOf()).toMatchObject({ errored: false });
  });

  it('does not take the password any more: it is not shown, and not tried for every user', async () => {
    const { driver, console } = await known();
    one.password = 'another';
    one.calls.length = 0;
    const fault = await driver.discover(SIGNAL).catch((error: unknown) => error as Error);
    expect(fault).toBeInstanceOf(Unavailable);
    expect((fault as Error).message).toMatch(
      /does not accept username and password \(\[one.vmpool.info\] User couldn't/,
    );
    expect((fault as Error).message).not.toContain(ONE_PASSWORD);
    for (let count = 0; count < 5; count += 1)
      expect(await driver.locate(console, SIGNAL)).toMatchObject({ kind: 'unconfirmed' });
    expect(one.calls).toHaveLength(1);
  });

  it('has another certificate: it is not spoken to, unless any will do or its CA is known', async () => {
    const { certificate, ca, caPath } = {
      certificate: certificates.hypervisor,
      ca: certificates.authority.ca,
      caPath: certificates.authority.caPath,
    };
    const behind = await FakeOpenNebula.start({ key: certificate.key, cert: certificate.cert });
    open.push(behind);
    behind.add();
    const url = behind.url;
    await expect(aDriver({ url }).discover(SIGNAL)).rejects.toThrow(
      /certificate or its TLS is refused .*; give its CA in ca_cert/,
    );
    await expect(aDriver({ url, caCert: certificates.wrongAuthority.ca }).discover(SIGNAL)).rejects.toThrow(
      /TLS is refused/,
    );
    expect(behind.calls).toEqual([]);
    for (const change of [{ caCert: ca }, { options: { verify: caPath } }, { options: { verify: 'false' } }])
      expect((await aDriver({ url, ...change }).discover(SIGNAL)).consoles).toHaveLength(1);
  });
});

describe('where a console of OpenNebula is', () => {
  it('is asked for when a session begins, with its password', async () => {
    const { vm, driver, console } = await known();
    expect(await driver.locate(console, SIGNAL)).toEqual({ kind: 'confirmed', target: console.target });
    Object.assign(vm, { host: 'hyp2.lab.example', port: 5999, password: 'changed' });
    const target = {
      ...console.target,
      hypervisor: 'hyp2.lab.example',
      insecurePort: 5999,
      ticket: 'changed',
    };
    expect(await driver.locate(console, SIGNAL)).toEqual({ kind: 'confirmed', target });
    expect(await consoles.connectInfo('one', String(vm.id))).toEqual(target);
    expect(JSON.stringify(await db.query('SELECT * FROM consoles'))).not.toContain('changed');
  });

  it.each([
    [{ state: 8, step: 0 }, 'stopped'],
    [{ state: 5, step: 0 }, 'stopped'],
    [{ state: 6, step: 0 }, 'gone'],
    [{ state: 1, step: 0 }, 'building'],
    [{ step: 2 }, 'building'],
    [{ step: 4 }, 'moving'],
    [{ graphics: 'VNC' }, 'stopped'],
  ] as const)('is nowhere while its guest has %j', async (change, why) => {
    const { vm, driver, console } = await known();
    Object.assign(vm, change);
    expect(await driver.locate(console, SIGNAL)).toEqual({ kind: 'denied', why });
  });

  it('is nowhere when its guest is gone, and the recorded address while OpenNebula does not know or answer', async () => {
    const { vm, driver, console } = await known();
    vm.step = 16;
    expect(await driver.locate(console, SIGNAL)).toMatchObject({
      kind: 'unconfirmed',
      why: expect.stringMatching(/does not know/),
    });
    vm.usable = false;
    expect(await driver.locate(console, SIGNAL)).toMatchObject({ why: expect.stringMatching(/right USE/) });
    one.bodies.set('one.vm.info', recorded('vmpool.info.empty.txt').body);
    expect(await driver.locate(console, SIGNAL)).toMatchObject({
      why: expect.stringMatching(/not the virtual machine/),
    });
    one.bodies.clear();
    one.vms.length = 0;
    expect(await driver.locate(console, SIGNAL)).toEqual({ kind: 'denied', why: 'gone' });
    expect(await driver.locate({ ...console, uuid: '../7' }, SIGNAL)).toEqual({
      kind: 'denied',
      why: 'gone',
    });
  });
});
