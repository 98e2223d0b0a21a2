// SPDX-License-Identifier: Apache-2.0
// Files, devices, cards, sound and monitors between spice-glib and a guest in QEMU: each arrives where the policy allows it, and
// does not where it forbids it, while the session goes on and the policy changes under it.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Desk, startDesk } from '../fixtures/desk.js';
import { type ClientWishes, GlibClient } from '../fixtures/glib-client.js';
import { GuestAgent } from '../fixtures/guest-agent.js';
import { CONSOLE, SOURCE } from '../fixtures/lab.js';
import { runProgram, waitFor, waitForOutput } from '../fixtures/program.js';
import type { GuestOptions } from '../fixtures/qemu.js';
import type { Viewer } from '../fixtures/x11.js';

jest.setTimeout(240_000);

const MONITORS = 2;
const ANNOUNCE = 6;
const FILE_START = 10;
const CARD = ['id1', 'id2', 'id3'];
/** The memory stick that spice-glib makes of a file [usb-device-cd.c]. */
const STICK = '2b23:cdcd';

/** A desk whose guest policy changes. */
class PolicyDesk {
  private changes = 0;
  private clients = 0;
  private readonly open: GlibClient[] = [];

  private constructor(
    readonly desk: Desk,
    private readonly confFile: string,
  ) {}

  static async start(guest: (dir: string) => Partial<GuestOptions>): Promise<PolicyDesk> {
    let confFile = '';
    const desk = await startDesk((dir) => {
      confFile = join(dir, 'kerbside.conf');
      writeFileSync(confFile, '[guest_policy]\n');
      return { confFile, guest: guest(dir) };
    });
    return new PolicyDesk(desk, confFile);
  }

  /** Replaces [guest_policy] while sessions live. */
  async policy(...lines: string[]): Promise<void> {
    const { program } = this.desk.lab.kerbside;
    writeFileSync(this.confFile, `[guest_policy]\n${lines.join('\n')}\n`);
    this.changes += 1;
    program.child.kill('SIGHUP');
    await waitForOutput(program, 'the guest data policy is another one', this.changes);
  }

  async client(wishes: ClientWishes = {}): Promise<GlibClient> {
    this.clients += 1;
    const dir = join(this.desk.dir, `client-${String(this.clients)}`);
    const client = await GlibClient.start(await this.desk.vv(), this.desk.lab.authority.caFile, dir, wishes);
    this.open.push(client);
    return client;
  }

  /** Ends the clients; everything is allowed again. */
  async tidy(): Promise<void> {
    await Promise.all(this.open.splice(0).map((client) => client.stop()));
    await waitFor(
      'the end of the sessions',
      async () => Object.keys(await this.desk.lab.kerbside.sessions()).length === 0,
    );
    if (readFileSync(this.confFile, 'utf8').trim() !== '[guest_policy]') await this.policy();
  }

  async audited(text: string): Promise<void> {
    await waitFor(`"${text}" in the audit`, async () =>
      (await this.desk.lab.kerbside.audit(SOURCE, CONSOLE)).some((message) => message.includes(text)),
    );
  }

  async dropped(key: string): Promise<void> {
    const counted = new RegExp(
      `guest_policy_drops_total\\{key="${key}",direction="client_to_server"\\} [1-9]`,
    );
    await waitFor(`drops of ${key} in the metrics`, async () =>
      counted.test(await this.desk.lab.kerbside.metrics()),
    );
  }

  /** How often QEMU has said something of its devices. */
  qemuSaid(text: string): number {
    return this.desk.lab.guest.program.output().split(text).length - 1;
  }

  async stop(): Promise<void> {
    await Promise.all(this.open.map((client) => client.stop()));
    await this.desk.stop();
  }
}

/** The main channel lives, and so do those that no policy is about. */
function expectHealthy(client: GlibClient): void {
  for (const channel of ['main:0', 'inputs:0', 'display:0']) expect(client.state(channel)).toBe('opened');
  expect(client.of('disconnected')).toEqual([]);
}

/** Three certificates that make a card in software. */
async function makeCard(dir: string): Promise<string> {
  const db = `sql:${join(dir, 'card')}`;
  mkdirSync(join(dir, 'card'));
  const noise = join(dir, 'noise');
  writeFileSync(noise, Buffer.alloc(256, 'kerbside'));
  await certutil('-N', '-d', db, '--empty-password');
  for (const name of CARD)
    await certutil('-S', '-d', db, '-s', `CN=${name}`, '-n', name, '-x', '-t', 'CT,CT,CT', '-z', noise);
  return db;
}

async function certutil(...args: string[]): Promise<void> {
  const { status, stderr } = await runProgram('certutil', args);
  if (status !== 0) throw new Error(`certutil ${args.join(' ')}: ${stderr}`);
}

const DESK: readonly string[] = [
  ...['-device', 'qxl'],
  ...['-audiodev', 'spice,id=sound', '-machine', 'pcspk-audiodev=sound', '-device', 'ES1370,audiodev=sound'],
];

function peripherals(dir: string): string[] {
  return [
    ...[
      '-chardev',
      `file,path=${join(dir, 'bios.log')},id=bios`,
      '-device',
      'isa-debugcon,iobase=0x402,chardev=bios',
    ],
    ...['-device', 'qemu-xhci'],
    ...['-chardev', 'spicevmc,name=usbredir,id=usb0', '-device', 'usb-redir,chardev=usb0,debug=4'],
    ...['-chardev', 'spicevmc,name=smartcard,id=card', '-device', 'usb-ccid'],
    ...['-device', 'ccid-card-passthru,chardev=card,debug=3'],
  ];
}

describe('a guest with an agent and devices', () => {
  let site: PolicyDesk;
  let agent: GuestAgent;
  let wishes: ClientWishes;
  let dir: string;

  beforeAll(async () => {
    site = await PolicyDesk.start((own) => ({ bridge: 'agent', more: peripherals(own) }));
    dir = site.desk.dir;
    agent = await GuestAgent.start(site.desk.lab.guest.bridgeSocket ?? '');
    const stick = join(dir, 'stick.img');
    writeFileSync(stick, Buffer.alloc(4 * 1024 * 1024));
    wishes = {
      'enable-smartcard': true,
      'smartcard-db': await makeCard(dir),
      'smartcard-certificates': CARD,
      disk_image: stick,
    };
  });
  afterEach(async () => site.tidy());
  afterAll(async () => {
    agent.stop();
    await site.stop();
  });

  it('takes a file, and none where the policy says so', async () => {
    const path = join(dir, 'report.txt');
    const content = Buffer.alloc(150_000, 'the quick brown fox ');
    writeFileSync(path, content);
    const announced = agent.of(ANNOUNCE).length;
    const client = await site.client();
    await waitFor('the capabilities of the client', () => agent.of(ANNOUNCE)[announced] ?? null);
    expect((await client.answer('send_file', 'file', { path })).error).toBeNull();
    expect(agent.files.get('report.txt')?.equals(content)).toBe(true);

    await site.policy('file_transfer = none');
    const before = agent.of(FILE_START).length;
    expect((await client.answer('send_file', 'file', { path })).error).toMatch(/disabled/i);
    expect(agent.of(FILE_START)).toHaveLength(before);

    await site.policy();
    agent.files.clear();
    // The client hears a moment later that the guest takes files again.
    const sent = async (): Promise<boolean> =>
      (await client.answer('send_file', 'file', { path })).error === null;
    await waitFor('the file to be taken', sent, { everyMs: 500 });
    expect(agent.files.get('report.txt')?.equals(content)).toBe(true);
    expectHealthy(client);
  });

  it('has a card in its reader, until the policy takes it out', async () => {
    const client = await site.client(wishes);
    await waitFor('the card in the guest', () => site.qemuSaid('VSC_ATR') === 1);
    await site.policy('smartcard = false');
    await client.channel('smartcard:0', 'closed', 'gone');
    await site.audited('Channel closed: channel forbidden: guest_policy_smartcard');
    await site.policy();
    await waitFor('the card in the guest again', () => site.qemuSaid('VSC_ATR') === 2);
    expectHealthy(client);
  });

  it('has no card where the policy said so before', async () => {
    await site.policy('smartcard = false');
    const before = site.qemuSaid('VSC_ATR');
    const client = await site.client(wishes);
    await client.settled();
    expect(client.state('smartcard:0')).toBeNull();
    expect(site.qemuSaid('VSC_ATR')).toBe(before);
  });

  it('does not see a stick that is not on the list', async () => {
    await site.policy('usb = 046d:c52b');
    const client = await site.client(wishes);
    await client.channel('usbredir:0', 'opened');
    client.ask('plug_in');
    await waitFor(
      'the rejection',
      () => client.of('usb').find(({ error }) => /reject/i.test(error ?? '')) ?? null,
    );
    expect(site.qemuSaid('attaching')).toBe(0);
    // The client lives, too.
    await client.answer('heard', 'heard');
    await site.dropped('usb');
    expectHealthy(client);
    await client.stop();
    await site.audited('Guest policy drops this connection: usb (client_to_server=1)');
  });

  it('loses a stick when the policy changes, and may have it again', async () => {
    await site.policy('usb = class:08');
    const client = await site.client(wishes);
    await client.channel('usbredir:0', 'opened');
    expect((await client.answer('plug_in', 'usb')).error).toBeNull();
    await waitFor('the stick in the guest', () => site.qemuSaid(`device ${STICK}`) === 1);
    await site.policy('usb = 046d:c52b');
    await client.channel('usbredir:0', 'closed', 'gone');
    await waitFor('the guest without the stick', () => site.qemuSaid('detaching device') === 1);
    await site.audited('Channel closed: channel forbidden: guest_policy_usb');

    await site.policy(`usb = ${STICK}`);
    await client.stop();
    const other = await site.client(wishes);
    await other.channel('usbredir:0', 'opened');
    expect((await other.answer('plug_in', 'usb')).error).toBeNull();
    await site.desk.lab.guest.qmp('system_reset');
    const bios = join(dir, 'bios.log');
    await waitFor(
      'the stick in the words of the firmware',
      () => existsSync(bios) && /USB MSC vendor='Red Hat'/.test(readFileSync(bios, 'latin1')),
    );
    expectHealthy(other);
  });
});

describe('a guest with a loudspeaker, a microphone and two monitors', () => {
  let site: PolicyDesk;
  let agent: GuestAgent;

  beforeAll(async () => {
    site = await PolicyDesk.start(() => ({ bridge: 'agent', more: DESK }));
    agent = await GuestAgent.start(site.desk.lab.guest.bridgeSocket ?? '');
  });
  afterEach(async () => site.tidy());
  afterAll(async () => {
    agent.stop();
    await site.stop();
  });

  it('is heard, and hears, while the policy allows it', async () => {
    await site.policy('audio_record = false');
    const client = await site.client();
    const heard = async (): Promise<number> => (await client.answer('heard', 'heard')).bytes ?? 0;
    await waitFor('sound', async () => (await heard()) > 100_000, { everyMs: 200 });
    expect(client.state('record:0')).toBeNull();
    expect(site.desk.lab.guest.serial()).not.toContain('HEARD');

    await site.policy('audio_playback = false');
    await client.channel('playback:0', 'closed', 'gone');
    await client.channel('record:0', 'opened');
    await site.desk.lab.guest.serialLine(/^HEARD$/, 30_000);
    const silence = await heard();

    await site.policy('audio_record = false');
    await client.channel('record:0', 'closed', 'gone');
    await site.audited('Channel closed: channel forbidden: guest_policy_audio_record');
    await client.channel('playback:0', 'opened');
    await waitFor('sound again', async () => (await heard()) > silence, { everyMs: 200 });
    expectHealthy(client);
  });

  it('has as many monitors as the policy says', async () => {
    const announced = agent.of(ANNOUNCE).length;
    const client = await site.client();
    await waitFor('the capabilities of the client', () => agent.of(ANNOUNCE)[announced] ?? null);
    await client.channel('display:1', 'opened');
    const asked = async (): Promise<number> => {
      const before = agent.of(MONITORS).length;
      client.ask('monitors', { count: 2 });
      const config = await waitFor(
        'what monitors the client wants',
        () => agent.of(MONITORS)[before] ?? null,
      );
      return config.readUInt32LE(0);
    };
    expect(await asked()).toBe(2);
    await client.atRest();
    await site.policy('max_monitors = 1');
    await client.channel('display:1', 'closed', 'gone');
    expect(await asked()).toBe(1);
    await site.dropped('max_monitors');
    expectHealthy(client);
    await site.policy();
    await client.channel('display:1', 'opened');
    expect(await asked()).toBe(2);
  });
});

describe('a guest that reads a shared folder', () => {
  let site: PolicyDesk;
  let guest: Socket;
  let heard = Buffer.alloc(0);

  beforeAll(async () => {
    site = await PolicyDesk.start(() => ({ bridge: 'folder' }));
    guest = connect(site.desk.lab.guest.bridgeSocket ?? '');
    guest.on('data', (bytes: Buffer) => (heard = Buffer.concat([heard, bytes])));
  });
  afterEach(async () => site.tidy());
  afterAll(async () => {
    guest.destroy();
    await site.stop();
  });

  /** Asks for a file as spice-webdavd does: i64 client, u16 size, HTTP. */
  function read(name: string): void {
    const request = Buffer.from(`GET /${name} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    const head = Buffer.alloc(10);
    head.writeBigInt64LE(7n, 0);
    head.writeUInt16LE(request.length, 8);
    guest.write(Buffer.concat([head, request]));
  }

  it('reads it while the policy allows it', async () => {
    const folder = join(site.desk.dir, 'shared');
    mkdirSync(folder);
    for (const name of ['first', 'second', 'third'])
      writeFileSync(join(folder, name), `the ${name} of the files`);
    const client = await site.client({ 'shared-dir': folder });
    await client.channel('webdav:0', 'opened');
    read('first');
    await waitFor('the first file', () => heard.includes('the first of the files'));

    await site.policy('folder_sharing = false');
    await client.channel('webdav:0', 'closed', 'gone');
    await site.audited('Channel closed: channel forbidden: guest_policy_folder_sharing');
    expectHealthy(client);

    await site.policy();
    await client.channel('webdav:0', 'opened');
    read('third');
    await waitFor('the third file', () => heard.includes('the third of the files'));
  });

  it('reads nothing where the policy forbade it before', async () => {
    await site.policy('folder_sharing = false');
    const client = await site.client({ 'shared-dir': join(site.desk.dir, 'shared') });
    await client.settled();
    read('second');
    expect(client.state('webdav:0')).toBeNull();
    await client.stop();
    expect(heard.includes('the second of the files')).toBe(false);
  });
});

describe('remote-viewer at a guest that it may only look at', () => {
  let site: PolicyDesk;
  let viewer: Viewer;

  beforeAll(async () => {
    site = await PolicyDesk.start(() => ({}));
    viewer = await site.desk.open(await site.desk.vv());
  });
  afterAll(async () => site.stop());

  it('types before and after, and nothing meanwhile', async () => {
    const { guest } = site.desk.lab;
    const pressed = (): string[] => guest.serial().filter((line) => line.startsWith('KEY'));
    await viewer.key('a');
    await guest.serialLine(/^KEY 1e$/);
    await site.policy('view_only = true');
    await viewer.key('b');
    await site.dropped('view_only');
    // The picture goes on.
    await guest.key('f2');
    await guest.serialLine(/^CLEAR$/);
    await viewer.sees(({ state }) => state.keys >= 2);
    await site.policy();
    await viewer.key('c');
    await guest.serialLine(/^KEY 2e$/);
    expect(pressed()).toEqual(['KEY 1e', 'KEY 3c', 'KEY 2e']);
    expect(viewer.program.ended()).toBeNull();
  });
});
