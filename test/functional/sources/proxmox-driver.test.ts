// SPDX-License-Identifier: Apache-2.0
// The driver of Proxmox VE against a cluster that speaks as the real one does: what is listed, what is asked again, what each
// fault of the platform becomes, and that nothing is taken for gone that may be there.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Unavailable } from '../../../src/exception.js';
import type { ConnectInfo } from '../../../src/objects/connect-info.js';
import { InstanceNotReady } from '../../../src/objects/instance-fault.js';
import type { SourceDefinition } from '../../../src/objects/source.js';
import type { RecordedConsole } from '../../../src/sources/driver.js';
import { ProxmoxDriver } from '../../../src/sources/proxmox/driver.js';
import { makeCertificates, type Certificates } from '../../fixtures/certificates.js';
import { freePort } from '../../fixtures/program.js';
import { FakeProxmox, type FakeGuest } from '../../fixtures/proxmox.js';

const TOKEN = 'kerb@pve!full';
const SECRET = '11111111-2222-3333-4444-555555555555';

let certificates: Certificates;
let pve: FakeProxmox;

beforeAll(() => {
  certificates = makeCertificates();
});
afterAll(() => certificates.remove());
beforeEach(async () => {
  pve = await FakeProxmox.start(certificates.hypervisor, certificates.authority.ca);
  pve.tokens.set(TOKEN, { secret: SECRET, audit: true, console: true });
});
afterEach(() => pve.close());

const guest = (vmid: number, change: Partial<FakeGuest> = {}): FakeGuest => ({
  ...{ vmid, node: 'pve1', name: `desk-${String(vmid)}`, status: 'running', spice: true },
  ...change,
});

const definition = (change: Partial<SourceDefinition> = {}): SourceDefinition => ({
  ...{ name: 'lab', type: 'proxmox', url: pve.url, username: TOKEN, password: SECRET },
  ...{ caCert: certificates.authority.ca },
  ...change,
});
const driverOf = (change: Partial<SourceDefinition> = {}): ProxmoxDriver =>
  new ProxmoxDriver(definition(change));

const patience = (): AbortSignal => AbortSignal.timeout(20_000);
const consoleOf = (uuid: string, node = 'pve1'): RecordedConsole => ({
  ...{ source: 'lab', uuid },
  target: {
    ...{ hypervisor: node, hypervisorIp: '', insecurePort: null, securePort: null, ticket: '' },
    ...{ caCert: null, hostSubject: null },
  } satisfies ConnectInfo,
});
const looks = (): number => pve.requests.filter((asked) => asked.endsWith('/status/current')).length;

describe('the list of a cluster', () => {
  it('has the guests with a SPICE display, running or not; no container, no template, no other display', async () => {
    pve.guests.push(
      guest(100),
      guest(101, { template: 1 }),
      guest(102, { spice: false }),
      guest(110, { type: 'lxc' }),
      guest(200, { node: 'pve2', status: 'stopped', name: 'büro <b>&"\n\u202eno' }),
      { vmid: 201, node: 'pve2', status: 'running', spice: true },
    );
    const { consoles, unread, fault } = await driverOf().discover(patience());
    expect(consoles).toEqual([
      expect.objectContaining({
        uuid: '100',
        name: 'desk-100',
        hypervisor: 'pve1',
        instanceState: 'running',
      }),
      expect.objectContaining({
        uuid: '200',
        name: 'büro <b>&" no',
        hypervisor: 'pve2',
        instanceState: 'stopped',
      }),
      expect.objectContaining({ uuid: '201', name: 'VM 201' }),
    ]);
    expect(consoles.every(({ ticket }) => ticket === '')).toBe(true);
    expect([unread, fault]).toEqual([{ uuids: [], nameless: false }, null]);
  });

  it('is the same object while nothing changes, and a guest is asked about once', async () => {
    for (let vmid = 100; vmid < 140; vmid += 1) pve.guests.push(guest(vmid));
    const driver = driverOf();
    const first = await driver.discover(patience());
    expect([first.consoles.length, looks()]).toEqual([40, 40]);
    for (const one of pve.guests) one.uptime = 1000;
    pve.guests.reverse();
    expect(await driver.discover(patience())).toBe(first);
    expect(looks()).toBe(40);
  });

  it.each<[string, (one: FakeGuest) => void]>([
    ['has another name', (one) => (one.name = 'renamed')],
    ['is on another node', (one) => (one.node = 'pve2')],
    ['stops', (one) => (one.status = 'stopped')],
    ['has another tag', (one) => (one.tags = 'red')],
    ['is in another pool', (one) => (one.pool = 'lab')],
    ['is on a node that does not answer', (one) => (one.status = 'unknown')],
    ['is gone', (one) => pve.guests.splice(pve.guests.indexOf(one), 1)],
  ])(
    'is another one at the next turn when a guest %s, and the others are as they were',
    async (_, change) => {
      for (let vmid = 100; vmid < 110; vmid += 1) pve.guests.push(guest(vmid));
      const driver = driverOf();
      const before = await driver.discover(patience());
      change(pve.guests[5]!);
      const after = await driver.discover(patience());
      expect(after).not.toBe(before);
      expect(after).not.toEqual(before);
      const kept = after.consoles.filter((console) => before.consoles.includes(console));
      expect(kept.map(({ uuid }) => uuid)).toEqual(
        before.consoles.map(({ uuid }) => uuid).filter((uuid) => uuid !== '105'),
      );
      expect(await driver.discover(patience())).toBe(after);
    },
  );

  it('asks again about a guest that was started anew, stopped or has moved', async () => {
    const [restarted, stopped, moved] = [guest(100, { uptime: 500 }), guest(101), guest(102)];
    pve.guests.push(restarted, stopped, moved, guest(103));
    const driver = driverOf();
    await driver.discover(patience());
    Object.assign(restarted, { uptime: 3, spice: false });
    stopped.status = 'stopped';
    moved.node = 'pve2';
    const { consoles } = await driver.discover(patience());
    expect(looks()).toBe(4 + 3);
    expect(consoles.map(({ uuid, hypervisor }) => `${uuid} ${hypervisor}`)).toEqual([
      '101 pve1',
      '102 pve2',
      '103 pve1',
    ]);
  });

  it('keeps guests of a node that does not answer, and those that it could not ask about', async () => {
    pve.guests.push(guest(100), guest(101), guest(300, { node: 'pve3', status: 'unknown' }));
    pve.fault(/qemu\/101\//, { kind: 'status', status: 595, phrase: 'No route to host' });
    const { consoles, unread, fault } = await driverOf().discover(patience());
    expect(consoles.map(({ uuid }) => uuid)).toEqual(['100']);
    expect(unread).toEqual({ uuids: ['101', '300'], nameless: false });
    expect(fault).toBe('guest 101 on node pve1: HTTP 595 No route to host');
  });

  it('is not believed when it is empty and the token may see nothing', async () => {
    const token = pve.tokens.get(TOKEN);
    if (token === undefined) throw new Error('no token');
    pve.guests.push(guest(100));
    token.audit = false;
    await expect(driverOf().discover(patience())).rejects.toThrow(
      'the token may see no guest; give its user',
    );
    token.audit = true;
    pve.guests.length = 0;
    expect((await driverOf().discover(patience())).consoles).toEqual([]);
  });

  it('takes entries that cannot be read for guests that may be there', async () => {
    const odd = [
      '{"type":"qemu","vmid":"x","node":"pve1"}',
      '{"type":"qemu","vmid":100,"node":"../pve1"}',
      '7',
      'null',
    ];
    const end = pve.fault(/^GET \/cluster/, { kind: 'body', body: `{"data":[${odd.join()}]}` });
    expect(await driverOf().discover(patience())).toMatchObject({ consoles: [], unread: { nameless: true } });
    end();
  });
});

describe('a platform that', () => {
  const faultOf = (change: Partial<SourceDefinition> = {}): Promise<Error> =>
    driverOf(change)
      .discover(patience())
      .then(
        () => new Error('no fault'),
        (error: unknown) => error as Error,
      );

  it('has revoked the token says so, and what to look at', async () => {
    pve.tokens.clear();
    const fault = await faultOf();
    expect(fault).toBeInstanceOf(Unavailable);
    expect(fault.message).toMatch(/^HTTP 401 Authentication failed!; look at token_id and token_secret/);
    expect(fault.message).not.toContain(SECRET);
  });

  it.each<[string, Parameters<FakeProxmox['fault']>[1], string]>([
    [
      'answers a page',
      { kind: 'body', body: '<html>Welcome</html>', type: 'text/html' },
      'its answer is no JSON',
    ],
    ['answers other JSON', { kind: 'body', body: '{"data":{"a":1}}' }, 'the list of guests cannot be read'],
    ['answers too much', { kind: 'body', body: `{"data":["${'x'.repeat(50 * 1024 * 1024)}"]}` }, 'too large'],
    ['breaks off', { kind: 'cut' }, 'cut short'],
    [
      'redirects',
      { kind: 'redirect', to: 'https://elsewhere.example:8006/' },
      'it answers with a redirect (HTTP 301)',
    ],
    [
      'is overloaded',
      { kind: 'status', status: 503, phrase: 'Service Unavailable' },
      'HTTP 503 Service Unavailable',
    ],
    ['has no words', { kind: 'status', status: 599, phrase: 'Too many redirections' }, 'HTTP 599 Too many'],
  ])('%s is a fault in one line', async (_what, wrong, words) => {
    pve.fault(/^GET \/cluster/, wrong);
    const fault = await faultOf();
    expect(fault).toBeInstanceOf(Unavailable);
    expect(fault.message).toContain(words);
    expect(fault.message).not.toMatch(/\n/);
  });

  it('has another certificate is not spoken to, unless any will do or its CA is known', async () => {
    const { message } = await faultOf({ caCert: certificates.wrongAuthority.ca });
    expect(message).toContain('its certificate or its TLS is refused');
    expect(message).toContain('give the CA of the cluster as ca_cert');
    expect(pve.requests).toEqual([]);
    pve.guests.push(guest(100));
    for (const verify of ['false', certificates.authority.caPath]) {
      const driver = driverOf({ caCert: null, options: { verify } });
      expect((await driver.discover(patience())).consoles).toHaveLength(1);
    }
  });

  it('is away on one node is asked on the next', async () => {
    pve.guests.push(guest(100));
    const away = `https://127.0.0.1:${await freePort()}`;
    const driver = driverOf({ url: `${away} ${pve.url}` });
    expect((await driver.discover(patience())).consoles).toHaveLength(1);
    expect((await driver.mint(consoleOf('100'), patience())).target.securePort).toBe(61_000);
    const nowhere = await faultOf({ url: away });
    expect(nowhere.message).toBe(`${away}: the connection failed (ECONNREFUSED)`);
  });

  it('does not answer on one node is asked on the next within a second or two', async () => {
    pve.guests.push(guest(100));
    const silent = await FakeProxmox.start(certificates.hypervisor, certificates.authority.ca);
    silent.fault(/./, { kind: 'hang' });
    const driver = driverOf({ url: `${silent.url} ${pve.url}` });
    const where = await driver.locate(consoleOf('100'), AbortSignal.timeout(10_000));
    expect(where).toMatchObject({ kind: 'confirmed', target: { hypervisor: 'pve1' } });
    // The node that answered comes first from now on.
    await driver.mint(consoleOf('100'), AbortSignal.timeout(10_000));
    expect(silent.requests).toHaveLength(1);
    await silent.close();
  });
});

describe('a console', () => {
  it('is found where its guest runs now, and is not connected to when that does not run or is gone', async () => {
    const moved = guest(100, { node: 'pve2' });
    pve.guests.push(moved, guest(101, { status: 'stopped' }), guest(102));
    const driver = driverOf();
    expect(await driver.locate(consoleOf('100'), patience())).toMatchObject({
      ...{ kind: 'confirmed', target: { hypervisor: 'pve2' } },
    });
    expect(await driver.locate(consoleOf('101'), patience())).toEqual({ kind: 'denied', why: 'stopped' });
    expect(await driver.locate(consoleOf('999'), patience())).toEqual({ kind: 'denied', why: 'gone' });
    expect(await driver.locate(consoleOf('../100'), patience())).toEqual({ kind: 'denied', why: 'gone' });
    pve.tokens.clear();
    expect(await driver.locate(consoleOf('102'), patience())).toEqual({ kind: 'recorded' });
  });

  it('has a ticket made by the node that is asked, for the proxy of that node', async () => {
    pve.guests.push(guest(100, { node: 'pve2' }));
    const { target, validFor } = await driverOf({ caCert: null, options: { verify: 'false' } }).mint(
      consoleOf('100'),
      patience(),
    );
    expect(validFor).toBe(30);
    expect(target).toMatchObject({
      ...{ hypervisor: 'pve2', insecurePort: null, securePort: 61_000, transport: 'tls' },
      hostSubject: certificates.hypervisor.hostSubject,
      caCert: certificates.authority.ca,
      route: { kind: 'connect_proxy', host: '127.0.0.1', port: pve.proxyPort },
    });
    expect(target.ticket).toMatch(/^[0-9a-f]{40}$/);
    expect(target.route?.kind === 'connect_proxy' && target.route.asksFor).toMatch(
      /^pvespiceproxy:6b000000:100:pve2:61000::[0-9a-f]{40}$/,
    );
  });

  it('has none made when its guest does not run, is gone, or may not be opened', async () => {
    const token = pve.tokens.get(TOKEN);
    if (token === undefined) throw new Error('no token');
    pve.guests.push(guest(100, { status: 'stopped' }), guest(101), guest(102, { spice: false }));
    const driver = driverOf();
    await expect(driver.mint(consoleOf('100'), patience())).rejects.toThrow(new InstanceNotReady('stopped'));
    await expect(driver.mint(consoleOf('555'), patience())).rejects.toThrow(new InstanceNotReady('gone'));
    await expect(driver.mint(consoleOf('102'), patience())).rejects.toThrow(
      'HTTP 500 VM 102 has no SPICE display',
    );
    token.console = false;
    await expect(driver.mint(consoleOf('101'), patience())).rejects.toThrow(
      'HTTP 403 Permission check failed (/vms/101, VM.Console); give the user of the token',
    );
  });

  it.each([
    ['no ticket', '{"data":{"type":"vnc"}}'],
    [
      'a ticket with a line end',
      '{"data":{"type":"spice","host":"a\\r\\nX: y","password":"p","proxy":"http://p:1","tls-port":1}}',
    ],
    [
      'a password that no server takes',
      `{"data":{"type":"spice","host":"a","password":"${'p'.repeat(60)}","proxy":"http://p:1","tls-port":1}}`,
    ],
    ['no proxy', '{"data":{"type":"spice","host":"a","password":"p","proxy":"ftp://p","tls-port":1}}'],
    [
      'a port that is none',
      '{"data":{"type":"spice","host":"a","password":"p","proxy":"http://p:1","tls-port":70000}}',
    ],
  ])('has none made of %s', async (_what, body) => {
    pve.guests.push(guest(100));
    pve.fault(/spiceproxy$/, { kind: 'body', body });
    await expect(driverOf().mint(consoleOf('100'), patience())).rejects.toThrow(
      'a ticket that cannot be read',
    );
  });
});
