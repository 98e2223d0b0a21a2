// SPDX-License-Identifier: Apache-2.0
// The driver of KubeVirt against an API that speaks as Kubernetes does: what is listed, what a console is known by, what each fault
// of the cluster becomes, and that a token is read anew.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { InstanceNotReady } from '../../../src/objects/instance-fault.js';
import type { DiscoveredConsole } from '../../../src/objects/console.js';
import type { SourceDefinition } from '../../../src/objects/source.js';
import type { RecordedConsole } from '../../../src/sources/driver.js';
import { KubeVirtDriver } from '../../../src/sources/kubevirt/driver.js';
import type { DriverServices } from '../../../src/sources/platform.js';
import { makeCertificates, type Certificates } from '../../fixtures/certificates.js';
import { FakeKubeVirt, machineJson } from '../../fixtures/kubevirt.js';
import { freePort } from '../../fixtures/program.js';

const TOKEN = 'eyJhbGciOi.token-of.kerbside';
const dir = mkdtempSync(join(tmpdir(), 'kerbside-kubevirt-'));
let certificates: Certificates;
let k8s: FakeKubeVirt;
let recorded: DiscoveredConsole[] = [];

beforeAll(() => {
  certificates = makeCertificates();
});
afterAll(() => {
  certificates.remove();
  rmSync(dir, { recursive: true });
});
beforeEach(async () => {
  k8s = await FakeKubeVirt.start(certificates.hypervisor);
  k8s.tokens.set(TOKEN, { list: true, vnc: true });
});
afterEach(() => k8s.close());

const services = (): DriverServices => ({
  consoles: {
    connectInfo: () => Promise.resolve(null),
    put: () => Promise.resolve(true),
    remove: () => Promise.resolve(true),
    reported: () => Promise.resolve([]),
    reportedOne: (_source, uuid) => Promise.resolve(recorded.find((one) => one.uuid === uuid) ?? null),
  },
  conf: {
    sources: { requestTimeout: 2, discoveryTimeout: 3 },
    nova: { requestTimeout: 1, exchangeTimeout: 1 },
    keystoneAuthtoken: { authUrl: '', wwwAuthenticateUri: '' },
  },
});

const driverOf = (change: Partial<SourceDefinition> = {}): KubeVirtDriver =>
  new KubeVirtDriver(
    {
      ...{ name: 'k8s', type: 'kubevirt', url: k8s.url, password: TOKEN },
      ...{ caCert: certificates.authority.ca },
      ...change,
    },
    services(),
  );
const patience = (): AbortSignal => AbortSignal.timeout(20_000);
const found = async (driver: KubeVirtDriver): Promise<KubeVirtDriver> => {
  recorded = [...(await driver.discover(patience())).consoles];
  return driver;
};
const consoleAt = (uuid: string): RecordedConsole => ({
  ...{ source: 'k8s', uuid },
  target: {
    ...{ hypervisor: '', hypervisorIp: '', insecurePort: null, securePort: null, ticket: '' },
    ...{ caCert: null, hostSubject: null, protocol: 'vnc' },
  },
});

describe('the list of a cluster', () => {
  it('has the machines with a display, in whatever phase, as VNC consoles with tags of namespace and labels', async () => {
    const shown = k8s.add({ labels: { team: 'blue', 'vm.kubevirt.io/name': 'x', 'app/part': 'desk' } });
    k8s.add({ graphics: false });
    const waiting = k8s.add({ phase: 'Scheduling', namespace: 'lab' });
    delete waiting.node;
    const { consoles, unread, fault } = await driverOf().discover(patience());
    expect(consoles).toHaveLength(2);
    expect(consoles).toContainEqual({
      ...{ uuid: shown.uid, name: 'desks/desk-0', hypervisor: 'worker-1', hypervisorIp: '' },
      ...{ insecurePort: null, securePort: null, hostSubject: null, ticket: '', protocol: 'vnc' },
      ...{ instanceState: 'Running', instanceHost: 'worker-1' },
      tags: ['namespace:desks', 'label:app/part=desk', 'label:team=blue'],
    });
    expect(consoles).toContainEqual(
      expect.objectContaining({ uuid: waiting.uid, hypervisor: '', instanceState: 'Scheduling' }),
    );
    expect([unread, fault]).toEqual([{ uuids: [], nameless: false }, null]);
  });

  it('is read in pages, and is the same object while nothing changes', async () => {
    for (let count = 0; count < 620; count += 1) k8s.add();
    const driver = driverOf();
    const first = await driver.discover(patience());
    expect(first.consoles).toHaveLength(620);
    expect(k8s.requests).toHaveLength(3);
    expect(k8s.requests[0]).toBe('GET /apis/kubevirt.io/v1/virtualmachineinstances?limit=250');
    expect(await driver.discover(patience())).toBe(first);
  });

  it('begins anew where its pages expire, and says so where they always do', async () => {
    for (let count = 0; count < 300; count += 1) k8s.add();
    const expired = JSON.stringify({ kind: 'Status', message: 'too old', code: 410 });
    const end = k8s.fault(/continue=/, { kind: 'status', status: 410, body: expired });
    await expect(driverOf().discover(patience())).rejects.toThrow('ends its listings before they are read');
    expect(k8s.requests).toHaveLength(6);
    end();
    expect((await driverOf().discover(patience())).consoles).toHaveLength(300);
  });

  it('knows a machine by its VirtualMachine, which stays when it is started anew', async () => {
    const owner = '11111111-2222-4333-8444-555555555555';
    const machine = k8s.add({ owner });
    const driver = driverOf();
    expect((await driver.discover(patience())).consoles.map(({ uuid }) => uuid)).toEqual([owner]);
    machine.uid = '99999999-2222-4333-8444-555555555555';
    expect((await driver.discover(patience())).consoles.map(({ uuid }) => uuid)).toEqual([owner]);
  });

  it('is of the namespaces that are named, and keeps consoles of one that is closed', async () => {
    k8s.add({ namespace: 'a' });
    k8s.add({ namespace: 'b' });
    k8s.add({ namespace: 'c' });
    const driver = driverOf({ options: { namespaces: 'a b' } });
    const names = async (): Promise<string[]> =>
      (await driver.discover(patience())).consoles.map(({ name }) => name).sort();
    expect(await names()).toEqual(['a/desk-0', 'b/desk-1']);
    k8s.tokens.set(TOKEN, { list: true, vnc: true, namespaces: ['a'] });
    const { consoles, unread, fault } = await driver.discover(patience());
    expect([consoles.map(({ name }) => name), unread.nameless]).toEqual([['a/desk-0'], true]);
    expect(fault).toMatch(
      /^namespace b: Kubernetes at .* refuses \(HTTP 403: User .* give the ServiceAccount get and list/,
    );
    k8s.tokens.set(TOKEN, { list: true, vnc: true, namespaces: [] });
    await expect(driver.discover(patience())).rejects.toThrow('namespace a: ');
  });

  it('takes what cannot be read for machines that may be there, and no name for another', async () => {
    const uid = '0a000000-0000-4000-8000-000000000001';
    const named = (name: unknown, namespace: unknown = 'a'): unknown => {
      const json = machineJson({ uid, namespace: 'a', name: 'b', phase: 'Running' }) as { metadata: object };
      return { ...json, metadata: { ...json.metadata, name, namespace } };
    };
    for (const item of [named('../x'), named('a/b'), named('b', 'A'), named('x'.repeat(254)), named(7)]) {
      const body = JSON.stringify({ kind: 'VirtualMachineInstanceList', items: [item, null, 7] });
      const end = k8s.fault(/./, { kind: 'status', status: 200, body, type: 'application/json' });
      const { consoles, unread } = await driverOf().discover(patience());
      expect([consoles, unread]).toEqual([[], { uuids: [uid], nameless: true }]);
      end();
    }
  });
});

describe('a fault of the cluster', () => {
  const page = '<html><script>alert(1)</script></html>';
  it.each([
    ['a page of HTML', { kind: 'status', status: 200, body: page }, 'something that is no JSON'],
    [
      'other JSON',
      { kind: 'status', status: 200, body: '{"kind":"PodList"}' },
      'something that is not machines',
    ],
    ['no KubeVirt', { kind: 'status', status: 404, body: page }, 'see whether KubeVirt is installed'],
    [
      'a redirect',
      { kind: 'redirect', to: 'https://login.example/?x=1' },
      'redirects to https://login.example/, and',
    ],
    ['a balancer', { kind: 'status', status: 503, body: page }, 'answered 503; see whether'],
    [
      'its own error',
      { kind: 'status', status: 500, body: '{"kind":"Status","message":"etcd\\nis away"}' },
      'HTTP 500: etcd is away',
    ],
    ['an answer without end', { kind: 'endless' }, 'too large, cut short or no HTTP'],
    ['an answer that is cut', { kind: 'cut' }, 'the connection failed'],
    ['silence', { kind: 'hang' }, 'it did not answer in time'],
  ] as const)('is told with what to do: %s', async (_what, fault, sentence) => {
    k8s.fault(/./, fault);
    await expect(driverOf().discover(patience())).rejects.toThrow(sentence);
  });

  it('is told: away, another CA, a token that is not accepted or has no rights', async () => {
    const port = await freePort();
    await expect(driverOf({ url: `https://127.0.0.1:${port}` }).discover(patience())).rejects.toThrow(
      'ECONNREFUSED',
    );
    await expect(driverOf({ caCert: null }).discover(patience())).rejects.toThrow('its TLS is refused');
    const fault = driverOf({ password: 'wrong-token' }).discover(patience());
    await expect(fault).rejects.toThrow('does not accept the token (HTTP 401); see whether it has expired');
    await expect(fault).rejects.not.toThrow('wrong-token');
    k8s.tokens.set(TOKEN, { list: false, vnc: true });
    await expect(driverOf().discover(patience())).rejects.toThrow('HTTP 403: User');
  });
});

describe('a token in a file', () => {
  const options = { token_file: join(dir, 'token') };

  it('is read for every request and every desktop, so that a renewed one counts at once', async () => {
    writeFileSync(options.token_file, `${TOKEN}\n`);
    const { uid } = k8s.add();
    const driver = await found(driverOf({ password: null, options }));
    writeFileSync(options.token_file, 'renewed');
    await expect(driver.discover(patience())).rejects.toThrow('HTTP 401');
    k8s.tokens.set('renewed', { list: true, vnc: true });
    expect((await driver.discover(patience())).consoles).toHaveLength(1);
    expect((await driver.mint(consoleAt(uid))).target.route).toMatchObject({ bearer: 'renewed' });
  });

  it.each([
    ['is empty', ''],
    ['has more than a token', 'a b'],
    ['is huge', 'x'.repeat(20_000)],
  ])('that %s is told of', async (_what, text) => {
    writeFileSync(options.token_file, text);
    await expect(driverOf({ password: null, options }).discover(patience())).rejects.toThrow(
      `token_file: the file ${options.token_file} holds no token`,
    );
  });

  it('that is not there is told of', async () => {
    const missing = { token_file: join(dir, 'none') };
    await expect(driverOf({ password: null, options: missing }).discover(patience())).rejects.toThrow(
      'does not exist; create it or name another one',
    );
  });
});

describe('a console', () => {
  it('is where its machine is now, by a WebSocket with the token and the CA of the API', async () => {
    const machine = k8s.add();
    const driver = await found(driverOf());
    machine.node = 'worker-2';
    const located = await driver.locate(consoleAt(machine.uid), patience());
    expect(located).toMatchObject({ kind: 'confirmed', target: { hypervisor: 'worker-2' } });
    const { target, validFor } = await driver.mint(consoleAt(machine.uid));
    expect(target).toMatchObject({
      ...{ ticket: '', protocol: 'vnc' },
      route: {
        ...{ kind: 'websocket', subprotocol: 'plain.kubevirt.io', bearer: TOKEN, insecure: false },
        url: `${k8s.url.replace('https', 'wss')}/apis/subresources.kubevirt.io/v1/namespaces/desks/virtualmachineinstances/desk-0/vnc`,
        ca: expect.stringContaining(certificates.authority.ca) as unknown,
      },
    });
    expect(validFor).toBeGreaterThan(5);
  });

  it.each([
    ['Scheduling', 'building'],
    ['Succeeded', 'stopped'],
    ['Failed', 'stopped'],
  ])('of a machine in phase %s is not connected to', async (phase, why) => {
    const machine = k8s.add();
    const driver = await found(driverOf());
    machine.phase = phase;
    expect(await driver.locate(consoleAt(machine.uid), patience())).toEqual({ kind: 'denied', why });
  });

  it('is gone with its machine, and when another one has its name', async () => {
    const machine = k8s.add();
    const driver = await found(driverOf());
    const { uid } = machine;
    machine.uid = '99999999-2222-4333-8444-555555555555';
    expect(await driver.locate(consoleAt(uid), patience())).toEqual({ kind: 'denied', why: 'gone' });
    k8s.machines.length = 0;
    expect(await driver.locate(consoleAt(uid), patience())).toEqual({ kind: 'denied', why: 'gone' });
    const nobody = '00000000-2222-4333-8444-555555555555';
    expect(await driver.locate(consoleAt(nobody), patience())).toEqual({ kind: 'denied', why: 'gone' });
    await expect(driver.mint(consoleAt(nobody))).rejects.toThrow(InstanceNotReady);
  });

  it('is tried where it was when the API cannot say', async () => {
    const { uid } = k8s.add();
    const driver = await found(driverOf());
    k8s.fault(/./, { kind: 'status', status: 404, body: 'not here' });
    expect(await driver.locate(consoleAt(uid), patience())).toMatchObject({ kind: 'unconfirmed' });
  });
});
