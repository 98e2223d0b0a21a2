// SPDX-License-Identifier: Apache-2.0
// The driver of libvirt against a real libvirtd with real QEMU guests: what it lists, how soon it hears of changes, where consoles are
// and by which password, on a unix socket, by TLS and through a real sshd; and the faults that these can show.
import { writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { SourceTask } from '../../../src/conductor/source-task.js';
import { AccessLists } from '../../../src/objects/access.js';
import type { ConnectInfo } from '../../../src/objects/connect-info.js';
import type { Consoles } from '../../../src/objects/console.js';
import { NO_SETTINGS } from '../../../src/objects/own-settings.js';
import type { SourceDefinition } from '../../../src/objects/source.js';
import type { RecordedConsole } from '../../../src/sources/driver.js';
import { LibvirtDriver } from '../../../src/sources/libvirt/driver.js';
import { encodeMessage, PROGRAM } from '../../../src/sources/libvirt/message.js';
import { xdrU32 } from '../../../src/sources/libvirt/xdr.js';
import { listening, telling, type WireGuest } from '../../fixtures/libvirt-wire.js';
import { startTlsLibvirtd, type Libvirtd, type TlsLibvirtd } from '../../fixtures/libvirtd.js';
import { waitFor } from '../../fixtures/program.js';
import { SourceScene } from '../../fixtures/source-scene.js';
import { Sshd } from '../../fixtures/sshd.js';

const SIGNAL = new AbortController().signal;
const SOURCE = 'kvm1';

let libvirtd: Libvirtd;
/** Guests that are there all the time, on a port and on a unix socket: to start one takes seconds. */
let uuid = '';
let socket = '';
let sshd: Sshd;
let scene: SourceScene;
let consoles: Consoles;
let ours: TlsLibvirtd['ours'];
let stranger: TlsLibvirtd['stranger'];

beforeAll(async () => {
  const [daemon, server] = await Promise.all([startTlsLibvirtd(), Sshd.start()]);
  ({ libvirtd, ours, stranger } = daemon);
  sshd = server;
  [uuid, socket] = await Promise.all([
    libvirtd.guest('opens', here("passwd='s3cret'"), { paused: true }),
    libvirtd.guest('sock', ON_SOCKET, { paused: true }),
  ]);
});

afterAll(async () => {
  await Promise.all([libvirtd.stop(), sshd.stop()]);
});

beforeEach(async () => {
  scene = await SourceScene.start();
  ({ consoles } = scene);
});
afterEach(() => scene.close());

function aDefinition(change: Partial<SourceDefinition> = {}): SourceDefinition {
  return { name: SOURCE, type: 'libvirt', url: libvirtd.uri, options: {}, ...change };
}

function overTls(options: Record<string, string> = {}): Partial<SourceDefinition> {
  return { url: `qemu+tls://127.0.0.1:${libvirtd.tlsPort}/session`, options: { ...ours, ...options } };
}

function overSsh(): Partial<SourceDefinition> {
  return { url: `qemu+ssh://${sshd.authority}/session?socket=${libvirtd.socket}`, options: sshd.keys };
}

const aTask = (definition = aDefinition()): SourceTask =>
  scene.task(new LibvirtDriver(definition, { consoles }), definition);
const shown = () => scene.shown();
const faultOfSource = async () => (await scene.sources.find(SOURCE))?.error ?? null;
const ON_SOCKET = "<graphics type='spice' passwd='s0cket'><listen type='socket'/></graphics>";
const here = (change = ''): string => `<graphics type='spice' autoport='yes' listen='127.0.0.1' ${change}/>`;
const ofUuid = (uuid: string, target: Partial<ConnectInfo> = {}): RecordedConsole => ({
  ...{ source: SOURCE, uuid },
  target: {
    ...{ hypervisor: 'x', hypervisorIp: '', insecurePort: null, securePort: null, ticket: '' },
    ...{ caCert: null, hostSubject: null, ...target },
  },
});
const aDriver = (change: Partial<SourceDefinition> = {}): LibvirtDriver =>
  new LibvirtDriver(aDefinition(change), { consoles });
const opened = async (change: Partial<SourceDefinition>, uuid: string): Promise<ConnectInfo> =>
  (await aDriver(change).mint(ofUuid(uuid), SIGNAL)).target;

describe('a libvirt source', () => {
  it('sees guests start and stop because libvirt says so, by every way to it', async () => {
    const ways = [
      aDefinition(),
      aDefinition({ ...overSsh(), name: 'by-ssh' }),
      aDefinition({ ...overTls(), name: 'by-tls' }),
    ];
    for (const definition of ways) await aTask(definition).runNow();
    const names = async () => (await shown()).map(({ source, name }) => `${source} ${name}`).sort();
    // By TLS neither loopback nor a socket of the hypervisor is reached.
    const before = ['by-ssh opens', 'by-ssh sock', 'kvm1 opens', 'kvm1 sock'];
    expect(await names()).toEqual(before);
    const everywhere = "<graphics type='spice' autoport='yes' listen='0.0.0.0' passwd='s3cret'/>";
    const desk = await libvirtd.guest('desk', everywhere, { title: 'A <desk> & more' });
    const title = 'A <desk> & more';
    const after = [...before, `by-ssh ${title}`, `by-tls ${title}`, `kvm1 ${title}`].sort();
    // Nobody asks again for an hour (the interval of these tasks).
    await waitFor('the guest', async () => (await names()).join() === after.join());
    const consoles = (await shown()).filter((one) => one.uuid === desk);
    for (const console of consoles) expect(console).toMatchObject({ instanceState: 'running' });
    expect(consoles.find(({ source }) => source === 'by-tls')).toMatchObject({ hypervisor: '127.0.0.1' });
    await libvirtd.virsh('destroy', desk);
    await waitFor('the guests from before', async () => (await names()).join() === before.join());
    expect(await aDriver().locate(ofUuid(desk), SIGNAL)).toEqual({ kind: 'denied', why: 'gone' });
  });

  it('lets those open a guest whom its title lets, and others as soon as it has another one', async () => {
    const entry = (group: string, title: string) =>
      ({ role: 'open', groups: [group], tags: [`title:${title}`] }) as const;
    const access = [entry('lab', 'Lab 7'), entry('staff', 'Office')];
    await libvirtd.virsh('desc', uuid, '--live', '--title', 'Lab 7');
    await aTask(aDefinition({ settings: { ...NO_SETTINGS, access } })).runNow();
    const lists = new AccessLists(scene.db);
    const groups = async (): Promise<unknown> => {
      const accessId = (await shown()).find((one) => one.uuid === uuid)?.accessId ?? null;
      return accessId === null ? null : (await lists.names(accessId)).map(({ name }) => name);
    };
    expect(await groups()).toEqual(['lab']);
    await libvirtd.virsh('desc', uuid, '--live', '--title', 'Office');
    await waitFor('the other group', async () => JSON.stringify(await groups()) === '["staff"]');
    await libvirtd.virsh('desc', uuid, '--live', '--title', '');
    await waitFor('nobody', async () => JSON.stringify(await groups()) === '[]');
  });

  it('comes back by itself after its daemon was away, and says so meanwhile', async () => {
    await aTask().runNow();
    await libvirtd.pause();
    await waitFor('the fault', async () => (await faultOfSource())?.includes('socket= in uri'));
    expect(await shown()).toHaveLength(2);
    await libvirtd.resume();
    await waitFor('no fault', async () => (await faultOfSource()) === null);
    expect(await shown()).toHaveLength(2);
  });

  it('keeps a guest that hangs known while its daemon hangs', async () => {
    const driver = aDriver();
    expect((await driver.discover(SIGNAL)).consoles).toHaveLength(2);
    const { pid } = libvirtd;
    process.kill(pid, 'SIGSTOP');
    try {
      await expect(driver.discover(AbortSignal.timeout(300))).rejects.toThrow(
        'libvirt at localhost did not answer in time; see whether it is overloaded or hangs',
      );
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    expect((await driver.discover(SIGNAL)).consoles).toHaveLength(2);
  });

  it('gives the same object again while nothing changes', async () => {
    const driver = aDriver();
    expect(await driver.discover(SIGNAL)).toBe(await driver.discover(SIGNAL));
  });

  it('lists neither guests without SPICE nor those that nobody reaches, and names the latter', async () => {
    const uuids = await Promise.all([
      libvirtd.guest('vnc', "<graphics type='vnc' autoport='yes'/>", { paused: true }),
      libvirtd.guest('none', "<graphics type='spice'><listen type='none'/></graphics>", { paused: true }),
    ]);
    const { consoles: found, fault, unread } = await aDriver().discover(SIGNAL);
    expect(found.map(({ name }) => name)).toEqual(expect.arrayContaining(['opens', 'sock']));
    expect(found).toHaveLength(2);
    expect(unread).toEqual({ uuids: [uuids[1]], nameless: false });
    expect(fault).toBe(
      "guest none: its SPICE server listens nowhere, and what libvirt hands out in its place cannot be taken; give its graphics <listen type='socket'/>",
    );
    await Promise.all(uuids.map((one) => libvirtd.virsh('destroy', one)));
  });
});

describe('a console that opens', () => {
  it('is at its port, with its password, on the host itself', async () => {
    const port = Number(/port='(\d+)'/.exec(await libvirtd.virsh('dumpxml', uuid))?.[1]);
    expect(await opened({}, uuid)).toMatchObject({
      ...{ hypervisor: 'localhost', hypervisorIp: '127.0.0.1', insecurePort: port, ticket: 's3cret' },
    });
    expect(await opened({}, socket)).toMatchObject({
      ...{ insecurePort: null, ticket: 's0cket' },
      route: { kind: 'unix_socket', path: expect.stringMatching(/\/spice\.sock$/) as unknown },
    });
  });

  it('is behind ssh where it listens on loopback or a socket of another host', async () => {
    const { keyfile, known_hosts: knownHosts } = sshd.keys;
    const login = { host: '127.0.0.1', port: sshd.port, username: sshd.username, keyfile, knownHosts };
    expect(await opened(overSsh(), uuid)).toMatchObject({
      route: { kind: 'ssh', login, address: '127.0.0.1' },
    });
    expect(await opened(overSsh(), socket)).toMatchObject({
      ...{ insecurePort: null },
      route: { kind: 'ssh', login, path: expect.stringMatching(/\/spice\.sock$/) as unknown },
    });
  });

  it('has no password of libvirt on a read-only connection, but the one of the source', async () => {
    const url = `${libvirtd.uri}&mode=ro`;
    expect(await opened({ url }, uuid)).toMatchObject({ ticket: '' });
    expect(await opened({ url, password: 'for all' }, uuid)).toMatchObject({ ticket: 'for all' });
  });

  it('has another password when that was changed, and none after its time', async () => {
    const set = (attributes: string): Promise<string> =>
      libvirtd.update(uuid, `<graphics type='spice' autoport='yes' listen='127.0.0.1' ${attributes}/>`);
    await set("passwd='n3w'");
    expect(await opened({}, uuid)).toMatchObject({ ticket: 'n3w' });
    await set("passwd='n3w' passwdValidTo='2020-01-01T00:00:00'");
    await expect(opened({}, uuid)).rejects.toThrow('its SPICE password has expired (passwdValidTo)');
    await set("passwd='s3cret'");
  });

  it('is not there where its guest does not run', async () => {
    const driver = aDriver();
    const stopped = await libvirtd.defined('stopped', here());
    expect(await driver.locate(ofUuid(stopped), SIGNAL)).toEqual({ kind: 'denied', why: 'stopped' });
    await expect(driver.mint(ofUuid(stopped), SIGNAL)).rejects.toThrow('the instance is not running');
    await libvirtd.virsh('undefine', stopped);
  });
});

describe('a login that is refused', () => {
  const faultOf = (change: Partial<SourceDefinition>): Promise<string> =>
    aDriver(change)
      .discover(SIGNAL)
      .then(
        () => 'none',
        (error: unknown) => (error as Error).message,
      );
  const sshWith = (options: Record<string, string>): Partial<SourceDefinition> => ({
    ...overSsh(),
    options: { ...sshd.keys, ...options },
  });

  it('says which key ssh did not take', async () => {
    expect(await faultOf(sshWith({ keyfile: `${sshd.folder}/stranger` }))).toBe(
      `ssh host 127.0.0.1: it does not let ${sshd.username} in with the key ${sshd.folder}/stranger; add its public half ` +
        "to the user's authorized_keys, and see its sshd's log",
    );
    expect(await faultOf(sshWith({ keyfile: '/nowhere' }))).toContain(
      'keyfile /nowhere cannot be read (ENOENT)',
    );
    expect(await faultOf(sshWith({ keyfile: sshd.keys.known_hosts }))).toContain(
      'is no private key that ssh can use',
    );
  });

  it('says which host key it met, whether unknown or another one', async () => {
    const file = `${libvirtd.folder}/hosts`;
    writeFileSync(file, '');
    expect(await faultOf(sshWith({ known_hosts: file }))).toMatch(
      /^ssh host 127\.0\.0\.1: it has the host key ssh-ed25519 SHA256:\S+, and \S+ has none for 127\.0\.0\.1; compare/,
    );
    writeFileSync(file, sshd.knownHost('stranger'));
    expect(await faultOf(sshWith({ known_hosts: file }))).toMatch(
      /it has another host key \(ssh-ed25519 SHA256:\S+\) than \S+ has for it; somebody may be in between/,
    );
    writeFileSync(file, `@revoked ${sshd.knownHost('host')}`);
    expect(await faultOf(sshWith({ known_hosts: file }))).toContain('calls revoked');
  });

  it('says what is not there on the other host, and what nobody listens on', async () => {
    const url = `qemu+ssh://${sshd.authority}/session?socket=/nowhere`;
    expect(await faultOf({ ...overSsh(), url })).toContain(
      'cannot reach the unix socket /nowhere; see whether somebody listens there',
    );
    const nobody = `qemu+ssh://${sshd.username}@127.0.0.1:1/session?socket=/nowhere`;
    expect(await faultOf({ ...overSsh(), url: nobody })).toContain(
      'cannot be reached (ECONNREFUSED); see whether its sshd runs, and its port',
    );
  });
});

describe('a daemon by TLS', () => {
  it('says whose certificate is not accepted', async () => {
    const alien = { client_cert: stranger.certPath, client_key: stranger.keyPath };
    await expect(aDriver(overTls(alien)).discover(SIGNAL)).rejects.toThrow(
      `does not accept the client certificate ${stranger.certPath}`,
    );
    await expect(aDriver(overTls({ verify: stranger.certPath })).discover(SIGNAL)).rejects.toThrow(
      'give the CA of its certificate as verify',
    );
    await expect(aDriver(overTls({ client_key: '/nowhere' })).discover(SIGNAL)).rejects.toThrow(
      'client_key /nowhere cannot be read (ENOENT)',
    );
  });
});

describe('what no real daemon says', () => {
  it('names of guests that would be lines of a file, or tags of a page, are one line of text', async () => {
    const evil = 'x"><script>\n[virt-viewer]\nhost=evil\u2028\u0007%0ahost=evil';
    const guest = (digit: string, listen: string): WireGuest => {
      const uuid = '00000000-0000-4000-8000-00000000000_'.replaceAll(/[0_]/g, digit);
      const words = `<name>a</name><uuid>${uuid}</uuid><title>${evil.replace('<', '&lt;')}</title>`;
      const graphics = `<graphics type='spice' port='5900'>${listen}</graphics>`;
      return { name: evil, uuid, xml: `<domain>${words}<devices>${graphics}</devices></domain>` };
    };
    const daemon = await telling([
      guest('1', "<listen type='address' address='127.0.0.1'/>"),
      guest('2', "<listen type='none'/>"),
    ]);
    scene.own(daemon);
    const driver = aDriver({ url: daemon.uri });
    const { consoles: found, fault } = await driver.discover(SIGNAL);
    expect(found).toMatchObject([{ name: 'x"><script> [virt-viewer] host=evil %0ahost=evil', tags: [] }]);
    expect(fault).toContain('[virt-viewer] host=evil');
    expect(fault).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
  });

  const answer = (procedure: number, serial: number, payload: Buffer): Buffer =>
    encodeMessage({ program: PROGRAM.remote, procedure, type: 1, serial, status: 0, payload });

  it.each([
    ['an answer of 200 MB', () => xdrU32(200 * 1024 * 1024), 'a message of 209715200 bytes, which cannot be'],
    ['garbage', () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), "is not libvirt's protocol"],
    ['a list that lies', () => answer(66, 1, xdrU32(0x7fffffff)), 'an answer that cannot be read: a list of'],
    ['a wish for SASL', () => answer(66, 1, Buffer.concat([xdrU32(1), xdrU32(1)])), 'wants a login by SASL'],
    ['half an answer and the end', () => answer(66, 1, xdrU32(0)).subarray(0, 30), 'closed the connection'],
  ])('%s is a fault of the source', async (_what, bytes, fault) => {
    const daemon = await listening((socket) => socket.once('data', () => socket.end(bytes())));
    scene.own(daemon);
    await expect(aDriver({ url: daemon.uri }).discover(SIGNAL)).rejects.toThrow(fault);
  });
});
