// SPDX-License-Identifier: Apache-2.0
// A guest is moved from one QEMU to another, and back, while its user works in remote-viewer through Kerbside. Every byte that
// the client gets is recorded on its way, and none names a hypervisor.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { scancodesOf } from '../boot-target/decode.js';
import { type Desk, startDesk } from '../fixtures/desk.js';
import { freeKerbsidePorts } from '../fixtures/kerbside-process.js';
import { channelType, searchBytes } from '../fixtures/leak-search.js';
import { HYPERVISOR, HYPERVISOR_ADDRESS, PROXY_SUBJECT } from '../fixtures/lab.js';
import { placeIn, type Place } from '../fixtures/migration-bodies.js';
import { freePort, waitFor } from '../fixtures/program.js';
import { type Guest, startGuest } from '../fixtures/qemu.js';
import { type RecordedStream, type Recorder, startRecorder } from '../fixtures/recorder.js';
import { MessageParser } from '../fixtures/spice-messages.js';
import type { Viewer } from '../fixtures/x11.js';

jest.setTimeout(300_000);

/** Where the other hypervisors listen; no client may ever learn it. */
const OTHER_ADDRESS = '127.0.0.78';
const MAIN_CHANNEL = 1;
/** MIGRATE_BEGIN, MIGRATE_SWITCH_HOST, MIGRATE_BEGIN_SEAMLESS. */
const HOST_MESSAGES: readonly number[] = [101, 111, 116];

/** Bytes a second: the guest is not across before a test ends it, and in a moment. */
const SLOW = 100_000;
const FAST = 1_000_000_000;

interface MigrationInfo {
  status: string;
}

/** One desk, its client, and the hypervisors that its guest is moved between. */
class Scene {
  desk!: Desk;
  viewer!: Viewer;
  /** The hypervisor that has the guest. */
  here!: Guest;
  private recorder!: Recorder;
  private readonly guests: Guest[] = [];
  private publicPort = 0;

  constructor(private readonly mode: 'robust' | 'seamless') {}

  async start(): Promise<void> {
    const ports = await freeKerbsidePorts();
    this.publicPort = await freePort();
    const env = {
      KERBSIDE_PUBLIC_SECURE_PORT: String(this.publicPort),
      OS_MIGRATION__MODE: this.mode,
      OS_MIGRATION__ALLOWED_HOSTS: `${HYPERVISOR_ADDRESS}, ${OTHER_ADDRESS}`,
    };
    this.desk = await startDesk(() => ({ ports, env, guest: { seamless: true } }));
    const { authority, guest } = this.desk.lab;
    this.here = guest;
    this.guests.push(guest);
    this.recorder = await startRecorder({
      ...{ host: '127.0.0.1', port: ports.insecure, tlsPort: ports.secure, caFile: authority.caFile },
      certificate: await authority.issue('recorder', { subject: PROXY_SUBJECT, names: ['IP:127.0.0.1'] }),
      listenTlsPort: this.publicPort,
    });
    this.viewer = await this.desk.open(await this.desk.vv());
  }

  async stop(): Promise<void> {
    await this.recorder.close();
    await Promise.all(this.guests.slice(1).map((guest) => guest.stop()));
    await this.desk.stop();
  }

  /** A hypervisor that awaits the guest, and where. */
  async another(): Promise<{ guest: Guest; uri: string }> {
    const dir = join(this.desk.dir, `guest-${this.guests.length}`);
    mkdirSync(dir);
    const uri = `unix:${join(dir, 'incoming.sock')}`;
    const guest = await startGuest({ dir, address: OTHER_ADDRESS, incoming: uri, seamless: true });
    this.guests.push(guest);
    return { guest, uri };
  }

  /** What libvirt says to QEMU of a migration. */
  async begin(to: Guest, uri: string, bandwidth: number): Promise<void> {
    const slow = this.mode === 'seamless' ? SLOW : bandwidth;
    await this.here.qmp('migrate-set-parameters', { 'max-bandwidth': slow });
    await this.here.qmp('client_migrate_info', {
      ...{ protocol: 'spice', hostname: to.address, port: to.port, 'tls-port': -1 },
    });
    const ready = this.ready();
    await this.here.qmp('migrate', { uri });
    // A client on a busy machine needs its time: the guest must not be faster.
    if (this.mode === 'seamless') await waitFor('a client at both hypervisors', () => this.ready() > ready);
    await this.here.qmp('migrate-set-parameters', { 'max-bandwidth': bandwidth });
  }

  /**
   * As {@link begin}, but the guest is across before its client is ready: of the connections that it opens ahead only so many
   * come through until then.
   */
  async overtake(to: Guest, uri: string, through: number): Promise<void> {
    const gate = new Gate(through);
    this.recorder.gate(() => gate.pass());
    const told = this.said('client was told to connect again');
    const linked = this.said('hypervisor connection successful');
    await this.here.qmp('migrate-set-parameters', { 'max-bandwidth': SLOW });
    await this.here.qmp('client_migrate_info', {
      ...{ protocol: 'spice', hostname: to.address, port: to.port, 'tls-port': -1 },
    });
    await this.here.qmp('migrate', { uri });
    await waitFor(
      'a client that is on its way',
      () => gate.waiting > 0 && this.said('hypervisor connection successful') === linked + through,
    );
    await this.here.qmp('migrate-set-parameters', { 'max-bandwidth': FAST });
    await waitFor('a guest that was faster', () => this.said('client was told to connect again') > told);
    gate.open();
    this.recorder.gate(null);
  }

  private ready(): number {
    return this.said('client is connected to both hypervisors');
  }

  /** How often Kerbside has said this. */
  private said(words: string): number {
    return this.desk.lab.kerbside.program.output().split(words).length - 1;
  }

  /** Waits for the end of a migration; gives its status. */
  async ended(): Promise<string> {
    return waitFor('the end of the migration', async () => {
      const { status } = (await this.here.qmp('query-migrate')) as MigrationInfo;
      return ['completed', 'failed', 'cancelled'].includes(status) ? status : null;
    });
  }

  /** Types a text, and waits until the viewer shows that the guest has got it, and the hypervisor that it has typed it. */
  async type(text: string): Promise<void> {
    await this.viewer.type(text);
    const expected = scancodesOf(text);
    await this.viewer.sees(({ state }) => state.scancodes.slice(-expected.length).join() === expected.join());
    const typed = this.here.serial().filter((line) => line.startsWith('KEY '));
    expect(typed.map((line) => parseInt(line.slice(4), 16)).slice(-expected.length)).toEqual(expected);
  }

  async metric(outcome: string, mode: string = this.mode): Promise<number> {
    const name = `kerbside_proxy_migrations_total{mode="${mode}",outcome="${outcome}"}`;
    const text = await this.desk.lab.kerbside.metrics();
    const line = text.split('\n').find((one) => one.startsWith(`${name} `));
    return line === undefined ? 0 : Number(line.slice(name.length + 1));
  }

  /** Where the client was sent by messages of this type. */
  sentTo(...types: number[]): Place[] {
    const mains = this.recorder.streams().filter((stream) => channelType(stream) === MAIN_CHANNEL);
    return mains
      .flatMap((stream) => messagesOf(stream).filter(({ type }) => types.includes(type)))
      .map(({ body }) => placeIn(body));
  }

  /** Traces of hypervisors in all that the client got. */
  traces(): string[] {
    const ports = this.guests.map(({ port }) => port ?? 0);
    const backend = { names: [HYPERVISOR, HYPERVISOR_ADDRESS, OTHER_ADDRESS], ports };
    const streams = this.recorder.streams();
    expect(streams.length).toBeGreaterThan(0);
    const wrong = this.sentTo(...HOST_MESSAGES).filter(
      ({ host, port, tlsPort }) => host !== '127.0.0.1' || port !== 0 || tlsPort !== this.publicPort,
    );
    return [
      ...streams.flatMap(({ toClient }) => searchBytes('a connection', toClient, backend)),
      ...wrong.map((place) => JSON.stringify(place)),
    ];
  }
}

/** Lets the first of many pass, and the others once it is open. */
class Gate {
  waiting = 0;
  private passed = 0;
  private readonly opened: Promise<void>;
  open: () => void = () => undefined;

  constructor(private readonly through: number) {
    this.opened = new Promise((resolve) => (this.open = resolve));
  }

  pass(): Promise<void> {
    if (this.passed < this.through) {
      this.passed += 1;
      return Promise.resolve();
    }
    this.waiting += 1;
    return this.opened;
  }
}

function messagesOf({ toClient }: RecordedStream): { type: number; body: Buffer }[] {
  const result = 16 + (toClient.length >= 16 ? toClient.readUInt32LE(12) : 0);
  if (toClient.length < result + 4 || toClient.readUInt32LE(result) !== 0) return [];
  return new MessageParser(true).push(toClient.subarray(result + 4));
}

describe.each(['robust', 'seamless'] as const)('a guest that is moved, %s', (mode) => {
  const scene = new Scene(mode);

  beforeAll(() => scene.start());
  afterAll(() => scene.stop());

  it('goes on where it was when the migration is cancelled', async () => {
    await scene.type('before');
    const { guest, uri } = await scene.another();
    await scene.begin(guest, uri, SLOW);
    await scene.here.qmp('migrate_cancel');
    expect(await scene.ended()).toBe('cancelled');
    await scene.type('cancelled');
    if (mode === 'seamless') {
      // QEMU tells its client, and the one at the destination ends: either may be first.
      const given = async (): Promise<number> =>
        (await scene.metric('cancelled')) + (await scene.metric('failed'));
      await waitFor('the count', async () => (await given()) === 1);
    }
    await guest.stop();
  });

  it('goes on where it was when the destination dies', async () => {
    const { guest, uri } = await scene.another();
    await scene.begin(guest, uri, SLOW);
    await guest.stop();
    expect(await scene.ended()).toBe('failed');
    await scene.type('failed');
  });

  it.each(['there', 'back'])('goes on at the destination, %s', async (way) => {
    const before = await scene.metric('completed');
    const { guest, uri } = await scene.another();
    const source = scene.here;
    await scene.begin(guest, uri, FAST);
    expect(await scene.ended()).toBe('completed');
    scene.here = guest;
    await waitFor('the count', async () => (await scene.metric('completed')) === before + 1);
    await scene.type(way);
    // The source is left alone.
    const clients = (await source.qmp('query-spice')) as { channels?: unknown[] };
    expect(clients.channels ?? []).toEqual([]);
    await source.stop();
  });

  // spice-gtk opens main, display, inputs and cursor.
  if (mode === 'seamless')
    it.each([0, 1, 2, 3])(
      'goes on at the destination when the guest was faster than the client, which had %i channels there',
      async (through) => {
        const before = await scene.metric('overtaken');
        const back = await scene.metric('completed', 'robust');
        const { guest, uri } = await scene.another();
        const source = scene.here;
        await scene.overtake(guest, uri, through);
        expect(await scene.ended()).toBe('completed');
        scene.here = guest;
        await waitFor('the count', async () => (await scene.metric('completed', 'robust')) === back + 1);
        expect(await scene.metric('overtaken')).toBe(before + 1);
        await scene.type(['nothing', 'one', 'two', 'three'][through] ?? '');
        await source.stop();
      },
    );

  if (mode === 'seamless')
    it('goes over seamlessly again after that', async () => {
      const before = await scene.metric('completed');
      const { guest, uri } = await scene.another();
      await scene.begin(guest, uri, FAST);
      expect(await scene.ended()).toBe('completed');
      scene.here = guest;
      await waitFor('the count', async () => (await scene.metric('completed')) === before + 1);
      await scene.type('again');
    });

  it('told the client of no hypervisor', () => {
    const types = mode === 'robust' ? [111] : [116];
    expect(scene.sentTo(...types).length).toBeGreaterThanOrEqual(2);
    expect(scene.traces()).toEqual([]);
  });
});
