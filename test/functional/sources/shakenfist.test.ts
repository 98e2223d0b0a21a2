// SPDX-License-Identifier: Apache-2.0
// The driver of Shaken Fist against a cluster that speaks HTTP, on a real database: what it lists, where consoles are, and
// every way in which a cluster fails.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { SourceTask } from '../../../src/conductor/source-task.js';
import { Unavailable } from '../../../src/exception.js';
import { AuditEvents } from '../../../src/objects/audit-event.js';
import type { Consoles } from '../../../src/objects/console.js';
import type { SourceDefinition } from '../../../src/objects/source.js';
import { ShakenFistDriver } from '../../../src/sources/shakenfist/driver.js';
import { Authority } from '../../fixtures/certificates.js';
import { FakeShakenFist, NAMESPACE_KEY, type FakeInstance } from '../../fixtures/shaken-fist.js';
import { SourceScene } from '../../fixtures/source-scene.js';
import type { WireFault } from '../../fixtures/wire-server.js';

const SIGNAL = new AbortController().signal;
const NO_KEYSTONE = { authUrl: '', wwwAuthenticateUri: '' };
const SUBJECT = 'C=US,O=Shaken Fist,CN=sf-1';

let cluster: FakeShakenFist;
let scene: SourceScene;
let consoles: Consoles;

beforeEach(async () => {
  scene = await SourceScene.start();
  ({ consoles } = scene);
  cluster = scene.own(await FakeShakenFist.start());
  cluster.addNode({ spice_server_cert_subject: SUBJECT });
});
afterEach(() => scene.close());

/** @param seconds that one request may take */
function aDriver(change: Partial<SourceDefinition> = {}, seconds = 60): ShakenFistDriver {
  const conf = {
    sources: { requestTimeout: seconds, discoveryTimeout: seconds },
    nova: { requestTimeout: 1, exchangeTimeout: 1 },
    keystoneAuthtoken: NO_KEYSTONE,
  };
  return new ShakenFistDriver(cluster.definition(change), { consoles, conf });
}

const aTask = (driver: ShakenFistDriver, definition = cluster.definition()): SourceTask =>
  scene.task(driver, definition);
const anAuthority = (name: string): Authority => new Authority(scene.folder, name);
const shown = () => scene.shown();
const sourceOf = async () => scene.sources.find('fist');

describe('a listing of Shaken Fist', () => {
  it('has the SPICE consoles of all namespaces, with the address and the pin of their node', async () => {
    const desk = cluster.addInstance({ name: 'desk', namespace: 'blue' });
    const many = cluster.addInstance({
      name: 'many',
      namespace: 'red',
      video: { model: 'qxl', memory: 16384, vdi: 'spiceconcurrent' },
      vdi_port: null,
    });
    cluster.addInstance({ name: 'old', video: { model: 'cirrus', memory: 16384, vdi: 'vnc' } });
    cluster.addInstance({ name: 'new', state: 'preflight' });
    cluster.addInstance({ name: 'gone', state: 'deleted' });
    await aTask(aDriver()).runNow();
    const found = await shown();
    expect(found.map(({ name }) => name).sort()).toEqual(['desk.blue', 'many.red']);
    expect(await consoles.connectInfo('fist', desk.uuid)).toEqual({
      hypervisor: 'sf-1',
      hypervisorIp: '192.0.2.1',
      insecurePort: 42281,
      securePort: 43197,
      ticket: '',
      caCert: null,
      hostSubject: SUBJECT,
    });
    expect(await consoles.connectInfo('fist', many.uuid)).toMatchObject({ insecurePort: null });
    expect(await sourceOf()).toMatchObject({ errored: false, error: null, seenBy: 'node-1' });
    expect(cluster.server.seen(/^GET \/api\/instances$/)[0]?.body).toBe('{"all":true}');
  });

  it('pins the name of a node that publishes no certificate, where that is asked for', async () => {
    const { uuid } = cluster.addNode();
    cluster.addInstance({ node: uuid });
    const subjects = async (change: Partial<SourceDefinition>) =>
      (await aDriver(change).discover(SIGNAL)).consoles.map(({ hostSubject }) => hostSubject);
    expect(await subjects({})).toEqual([null]);
    expect(await subjects({ options: { synthesize_host_subject: 'true' } })).toEqual(['CN=sf-2']);
    cluster.nodes[1] = { ...cluster.addNode(), uuid, spice_server_cert_subject: 'CN=real' };
    expect(await subjects({ options: { synthesize_host_subject: 'true' } })).toEqual(['CN=real']);
  });

  it('is that of one namespace, which learns of each node by one console', async () => {
    cluster.namespaces.set('blue', NAMESPACE_KEY);
    const second = cluster.addNode();
    for (let count = 0; count < 20; count += 1) cluster.addInstance({ namespace: 'blue' });
    cluster.addInstance({ namespace: 'blue', node: second.uuid });
    cluster.addInstance({ namespace: 'red' });
    const { consoles: found } = await aDriver({ username: 'blue' }).discover(SIGNAL);
    expect(found).toHaveLength(21);
    expect(new Set(found.map(({ hypervisorIp }) => hypervisorIp))).toEqual(
      new Set(['192.0.2.1', '192.0.2.2']),
    );
    expect(found.filter(({ hostSubject }) => hostSubject === SUBJECT)).toHaveLength(20);
    expect(cluster.server.seen(/vdiconsolehelper/)).toHaveLength(2);
    expect(cluster.server.seen(/nodes|cacert/)).toEqual([]);
    expect(cluster.server.seen(/^GET \/api\/instances$/)[0]?.body).toBe('{"all":false}');
  });

  it('keeps what a namespace knew of nodes that it may not ask about any more', async () => {
    cluster.namespaces.set('blue', NAMESPACE_KEY);
    const { uuid } = cluster.addInstance({ namespace: 'blue' });
    const task = aTask(aDriver({ username: 'blue' }));
    await task.runNow();
    cluster.givesConsoleFiles = false;
    await task.runNow();
    expect((await shown()).map((console) => console.uuid)).toEqual([uuid]);
  });

  it('is the same object while nothing has changed', async () => {
    for (let count = 0; count < 50; count += 1) cluster.addInstance();
    const driver = aDriver();
    const first = await driver.discover(SIGNAL);
    cluster.instances.reverse();
    expect(await driver.discover(SIGNAL)).toBe(first);
    (cluster.instances[3] as FakeInstance).vdi_tls_port = 43200;
    expect(await driver.discover(SIGNAL)).not.toBe(first);
  });

  it('takes thousands in one request, and a guest that cannot be read spoils no other', async () => {
    for (let count = 0; count < 3000; count += 1) cluster.addInstance({ name: `desk-${String(count)}` });
    const odd = [
      { node: 'no-such-node' },
      { node: null },
      { vdi_port: null, vdi_tls_port: null },
      { vdi_port: 70_000, vdi_tls_port: -1 },
      { state: 'created'.repeat(100) },
    ].map((change) => cluster.addInstance(change).uuid);
    const { consoles: found, unread } = await aDriver().discover(SIGNAL);
    expect(found).toHaveLength(3000);
    expect(unread).toEqual({ uuids: [...odd].sort(), nameless: false });
    expect(cluster.server.requests).toHaveLength(3);
    cluster.addInstance({ uuid: '../etc/passwd' });
    expect((await aDriver().discover(SIGNAL)).unread.nameless).toBe(true);
  });

  it('has names of any kind on one line and not too long', async () => {
    const names = ['a\r\nb\u2028c', '\u0000\u001b[2J', 'x'.repeat(400), `${'é'.repeat(254)}😀`, '\ud800'];
    for (const name of names) cluster.addInstance({ name, namespace: '' });
    const task = aTask(aDriver());
    await task.runNow();
    const shownNames = (await shown()).map(({ name }) => name ?? '');
    expect(shownNames.sort()).toEqual(['a b c', '[2J', 'x'.repeat(255), 'é'.repeat(254), '\ufffd'].sort());
  });

  it('follows guests that come, go, move and change their ports', async () => {
    const desk = cluster.addInstance({ name: 'desk' });
    const other = cluster.addInstance({ name: 'other' });
    const task = aTask(aDriver());
    await task.runNow();
    desk.node = cluster.addNode().uuid;
    desk.vdi_port = 5999;
    cluster.instances.splice(cluster.instances.indexOf(other), 1);
    const third = cluster.addInstance({ name: 'third' });
    await task.runNow();
    expect((await shown()).map(({ uuid }) => uuid).sort()).toEqual([desk.uuid, third.uuid].sort());
    expect(await consoles.connectInfo('fist', desk.uuid)).toMatchObject({
      hypervisor: 'sf-2',
      insecurePort: 5999,
      hostSubject: null,
    });
    const { events } = await new AuditEvents(scene.db).list('fist', desk.uuid, 10);
    expect(events.map(({ message }) => message)).toEqual([
      'Discovered new console',
      'Console configuration changed: hypervisor, hypervisor_ip, insecure_port, host_subject',
    ]);
  });
});

describe('a cluster that fails', () => {
  const FAULTS: readonly (readonly [string, WireFault, RegExp])[] = [
    ['does not answer', { kind: 'hang' }, /did not answer in time; see whether it is overloaded/],
    ['answers byte by byte', { kind: 'trickle' }, /did not answer in time/],
    ['cuts its answers', { kind: 'cut' }, /connection failed|cut short/],
    ['answers with a page', { kind: 'html', status: 200 }, /not JSON; see whether url/],
    ['has a broken balancer', { kind: 'html', status: 503 }, /answered 503; see whether the service behind/],
    ['answers with half a document', { kind: 'garbage' }, /not JSON/],
    ['answers with something else', { kind: 'json', body: { instances: 3 } }, /without a list of instances/],
    ['sends 200 MB', { kind: 'huge', bytes: 200_000_000 }, /too large/],
    [
      'redirects',
      { kind: 'redirect', location: 'https://elsewhere.example.org/api?token=x' },
      /redirects to https:\/\/elsewhere.example.org\/api, and is not followed; give its own address/,
    ],
    ['is not ready', { kind: 'status', status: 406, message: 'not ready' }, /not ready yet \(406\)/],
    [
      'has a fault of its own',
      { kind: 'status', status: 500, message: 'boom\nTraceback' },
      /answered 500 \(boom Traceback\)/,
    ],
  ];

  it.each(FAULTS)('%s: the consoles stay, and the source says what to do', async (_, fault, text) => {
    const { uuid } = cluster.addInstance();
    await aTask(aDriver()).runNow();
    const heal = cluster.server.fault(/\/api\/instances$/, fault);
    const silent = fault.kind === 'hang' || fault.kind === 'trickle';
    const task = aTask(aDriver({}, silent ? 1 : 60));
    await task.runNow();
    expect((await shown()).map((console) => console.uuid)).toEqual([uuid]);
    const source = await sourceOf();
    expect(source).toMatchObject({ errored: true, error: expect.stringMatching(text) });
    expect(source?.error).not.toMatch(/\n|token=/);
    heal();
    await aTask(aDriver()).runNow();
    expect(await sourceOf()).toMatchObject({ errored: false, error: null });
  });

  it('is away: the consoles stay, and come back with it', async () => {
    cluster.addInstance();
    const task = aTask(aDriver());
    await task.runNow();
    await cluster.server.pause();
    await task.runNow();
    expect(await shown()).toHaveLength(1);
    expect(await sourceOf()).toMatchObject({
      error: expect.stringMatching(
        /^Shaken Fist at 127.0.0.1:\d+: the connection failed.*; see whether it runs/,
      ),
    });
    await cluster.server.resume();
    await task.runNow();
    expect(await sourceOf()).toMatchObject({ errored: false });
  });

  it('revokes its tokens: one login more, and nobody notices', async () => {
    cluster.addInstance();
    const driver = aDriver();
    await driver.discover(SIGNAL);
    await driver.discover(SIGNAL);
    expect(cluster.server.seen(/auth/)).toHaveLength(1);
    cluster.revokeTokens();
    expect((await driver.discover(SIGNAL)).consoles).toHaveLength(1);
    expect(cluster.server.seen(/auth/)).toHaveLength(2);
  });

  it('revokes the key: it is named, not shown, and not tried for every user', async () => {
    const { uuid } = cluster.addInstance();
    const driver = aDriver();
    const task = aTask(driver);
    await task.runNow();
    cluster.namespaces.set('system', 'another key');
    cluster.revokeTokens();
    cluster.server.forget();
    await task.runNow();
    const error = (await sourceOf())?.error ?? '';
    expect(error).toMatch(/does not accept the key of namespace "system"; correct username and password/);
    expect(error).not.toContain(NAMESPACE_KEY);
    const target = await consoles.connectInfo('fist', uuid);
    if (target === null) throw new Error('the console is gone');
    for (let count = 0; count < 5; count += 1) {
      expect(await driver.locate({ source: 'fist', uuid, target }, SIGNAL)).toMatchObject({
        kind: 'unconfirmed',
      });
    }
    expect(cluster.server.seen(/auth/)).toHaveLength(1);
  });

  it('changes the CA of its hypervisors: the source says so before desktops fail', async () => {
    const [ours, theirs] = [anAuthority('ours'), anAuthority('theirs')];
    cluster.addInstance();
    cluster.caCertificate = ours.ca;
    const definition = cluster.definition({ caCert: `${theirs.ca}\n${ours.ca.replaceAll('\n', '\r\n')}` });
    const task = aTask(aDriver(definition), definition);
    await task.runNow();
    expect(await sourceOf()).toMatchObject({ errored: false });
    cluster.caCertificate = anAuthority('next').ca;
    await task.runNow();
    expect(await sourceOf()).toMatchObject({ error: expect.stringMatching(/another CA.*than ca_cert; put/) });
    expect(await shown()).toHaveLength(1);
  });

  it('lists nothing although it has consoles: they stay; and nothing when they are gone', async () => {
    const instance = cluster.addInstance();
    const task = aTask(aDriver());
    await task.runNow();
    const heal = cluster.server.fault(/\/api\/instances$/, { kind: 'json', body: [] });
    await task.runNow();
    expect(await shown()).toHaveLength(1);
    expect(await sourceOf()).toMatchObject({ error: expect.stringContaining(`still has ${instance.uuid}`) });
    heal();
    cluster.instances.length = 0;
    await task.runNow();
    expect(await shown()).toEqual([]);
    expect(await sourceOf()).toMatchObject({ errored: false });
  });

  it('shows a certificate of a CA that is not trusted', async () => {
    const authority = anAuthority('api');
    const pair = authority.issue();
    const tls = await FakeShakenFist.start({ key: pair.key, cert: pair.cert });
    scene.own(tls);
    const url = tls.url;
    await expect(aDriver({ url }).discover(SIGNAL)).rejects.toThrow(/certificate.*give its CA in ca_cert/);
    expect((await aDriver({ url, caCert: authority.ca }).discover(SIGNAL)).consoles).toEqual([]);
    expect((await aDriver({ url, options: { verify: 'false' } }).discover(SIGNAL)).consoles).toEqual([]);
  });
});

describe('where a console of Shaken Fist is', () => {
  async function known(change: Partial<FakeInstance> = {}, username = 'system') {
    const instance = cluster.addInstance({ namespace: 'blue', ...change });
    cluster.namespaces.set('blue', NAMESPACE_KEY);
    const definition = cluster.definition({ username });
    const driver = aDriver(definition);
    await aTask(driver, definition).runNow();
    const target = await consoles.connectInfo('fist', instance.uuid);
    if (target === null) throw new Error('the console is not known');
    return { instance, driver, console: { source: 'fist', uuid: instance.uuid, target } };
  }

  it.each(['system', 'blue'])('is asked for when a session begins, as %s', async (username) => {
    const { instance, driver, console } = await known({}, username);
    expect(await driver.locate(console, SIGNAL)).toEqual({ kind: 'confirmed', target: console.target });
    instance.vdi_tls_port = 43999;
    instance.node = cluster.addNode().uuid;
    expect(await driver.locate(console, SIGNAL)).toEqual({
      kind: 'confirmed',
      target: {
        ...console.target,
        ...{ hypervisor: username === 'system' ? 'sf-2' : '192.0.2.2', hypervisorIp: '192.0.2.2' },
        ...{ securePort: 43999, hostSubject: null },
      },
    });
    expect(await consoles.connectInfo('fist', instance.uuid)).toMatchObject({ securePort: 43999 });
  });

  it.each([
    ['deleted', 'gone'],
    ['delete-wait', 'gone'],
    ['creating', 'building'],
    ['error', 'stopped'],
  ])('is nowhere while its instance is %s', async (state, why) => {
    const { instance, driver, console } = await known();
    instance.state = state;
    expect(await driver.locate(console, SIGNAL)).toEqual({ kind: 'denied', why });
  });

  it('is nowhere when its instance is gone, or has no SPICE any more', async () => {
    const { instance, driver, console } = await known();
    instance.video.vdi = 'vnc';
    expect(await driver.locate(console, SIGNAL)).toEqual({ kind: 'denied', why: 'gone' });
    cluster.instances.length = 0;
    expect(await driver.locate(console, SIGNAL)).toEqual({ kind: 'denied', why: 'gone' });
  });

  it.each([
    [{ kind: 'hang' }],
    [{ kind: 'html', status: 404 }],
    [{ kind: 'json', body: [] }],
    [{ kind: 'status', status: 500 }],
  ] as WireFault[][])('is the recorded address while the cluster answers %j', async (fault) => {
    const { console } = await known();
    cluster.server.fault(/\/instances\//, fault);
    const driver = aDriver({}, fault.kind === 'hang' ? 1 : 60);
    expect(await driver.locate(console, SIGNAL)).toMatchObject({
      kind: 'unconfirmed',
      why: expect.stringMatching(/^Shaken Fist at /),
    });
  });
});

describe('the definition', () => {
  it.each([
    [{ url: null }, /lacks url, username or password/],
    [{ password: null }, /lacks url, username or password/],
    [{ url: 'https://user:secret@sf.example.org/api' }, /holds a user or a password/],
    [{ url: 'ftp://sf.example.org' }, /not a URL of http/],
    [{ options: { verify: '/no/such/file.pem' } }, /source "fist", verify/],
  ])('is refused with %j', (change, text) => {
    expect(() => aDriver(change as Partial<SourceDefinition>)).toThrow(text);
  });

  it('gives faults that are for the operator', async () => {
    await cluster.server.pause();
    await expect(aDriver().discover(SIGNAL)).rejects.toBeInstanceOf(Unavailable);
  });
});
