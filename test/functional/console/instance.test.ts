// SPDX-License-Identifier: Apache-2.0
// The right screen, always: a user of a cloud reaches their own instance or nothing, whatever Nova's tokens still say
// and whoever has the port by now.
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../../../src/console/spice/message-types.js';
import { Cloud, SERVICE_PASSWORD } from '../../fixtures/cloud.js';
import { Site } from '../../fixtures/kerbside.js';
import type { FakeServer } from '../../fixtures/nova.js';
import { waitFor } from '../../fixtures/program.js';
import { encodeMessage } from '../../fixtures/spice-messages.js';
import type { SpiceServerOptions } from '../../fixtures/spice-server-options.js';
import type { SpiceServer } from '../../fixtures/spice-server.js';
import { parseVvFile, type VvFile } from '../../fixtures/vv-file.js';

const MAIN = SERVER_MESSAGE.main;
const CLOUD = 'cloud';
const MINI = { miniHeader: true };

let site: Site;
let cloud: Cloud;

beforeAll(async () => {
  cloud = await Cloud.start();
  site = await Site.start({ OS_NOVA__REQUEST_TIMEOUT: '1', OS_PROXY__CONTROL_TIMEOUT: '3' });
  await site.source({
    ...{ source: CLOUD, type: 'openstack', url: cloud.keystone.url, username: 'kerbside' },
    ...{ password: SERVICE_PASSWORD, project_name: 'service' },
  });
});
beforeEach(() => cloud.nova.server.heal());
afterEach(() => site.tidy());
afterAll(async () => {
  await site.stop();
  await cloud.close();
});

/** What a guest says of itself right after MAIN_INIT. */
function identity(uuid: string): Buffer {
  return Buffer.concat([
    encodeMessage(MAIN.NAME, Buffer.from('\x12\0\0\0instance-00000001\0', 'latin1'), MINI),
    encodeMessage(MAIN.UUID, Buffer.from(uuid.replaceAll('-', ''), 'hex'), MINI),
  ]);
}

/** A guest whose QEMU shows `uuid`; null: it shows none. */
function guest(uuid: string | null, options: SpiceServerOptions = {}): Promise<SpiceServer> {
  const greeting = uuid === null ? {} : { main: identity(uuid) };
  return site.hypervisor({ password: '', greeting, ...options });
}

async function instance(
  options: SpiceServerOptions = {},
): Promise<{ server: FakeServer; qemu: SpiceServer }> {
  const id = randomUUID();
  const qemu = await guest(id, options);
  return { server: cloud.server({ id, host: qemu.host, port: qemu.plainPort, tlsPort: null }), qemu };
}

async function exchange(server: FakeServer): Promise<VvFile> {
  const answer = await site.kerbside.api('GET', `/nova?token=${cloud.nova.issue(server).token}`);
  if (answer.status !== 200) throw new Error(`no file: ${String(answer.status)} ${answer.body}`);
  return parseVvFile(answer.body);
}

async function audited(server: FakeServer, text: string): Promise<void> {
  await waitFor(`audit message with "${text}"`, async () =>
    (await site.kerbside.audit(CLOUD, server.id)).find((message) => message.includes(text)),
  );
}

/** Links main, gives what the client has got once the channel is closed. */
async function refusedMain(server: FakeServer, vv: VvFile): Promise<{ outcome: unknown; bytes: number }> {
  const client = await site.client(server.id, {}, vv);
  const main = await client.link('main', 0, { connectionId: 0 });
  main.send(CLIENT_MESSAGE.main.ATTACH_CHANNELS);
  await main.closed;
  return { outcome: main.outcome, bytes: main.receivedBytes };
}

describe('an instance', () => {
  it('is opened when its guest shows its UUID, for clients that ask for it and for those that do not', async () => {
    const { server, qemu } = await instance();
    for (const [caps, told] of [
      [[0xf], true],
      [[0xd], false],
    ] as const) {
      const client = await site.client(server.id, { channelCaps: [...caps] }, await exchange(server));
      const main = await client.openMain();
      main.send(CLIENT_MESSAGE.main.ATTACH_CHANNELS);
      await main.waitFor(MAIN.CHANNELS_LIST);
      expect(main.messages.some(({ type }) => type === MAIN.UUID || type === MAIN.NAME)).toBe(told);
      const backend = await qemu.channel('main');
      expect(backend.facts.mess.channelCaps).toEqual([0xf]);
      const display = await client.open('display', 0, { channelCaps: [0x3bf] });
      expect(display.linked).toBe(true);
      await client.close();
      await waitFor('the end', async () => (await site.sessionIds()).length === 0);
    }
    expect(await site.metricAtLeast('kerbside_proxy_instance_looks_total{outcome="true"}', 2)).toBeDefined();
  });

  it('of which another tenant has the port by now is refused: not a byte passes, either way', async () => {
    const { server, qemu } = await instance();
    const vv = await exchange(server);
    const { plainPort } = qemu;
    await qemu.close();
    const other = await guest(randomUUID(), { plainPort });
    const mismatches = 'kerbside_proxy_wrong_guests_total{reason="mismatch"}';
    const before = await site.metric(mismatches);
    // Nova itself still says that the instance has the port.
    const { bytes } = await refusedMain(server, vv);
    expect(bytes).toBe(0);
    await audited(server, 'answered with the screen of another machine');
    expect(other.channels.map(({ name, messages }) => [name, messages])).toEqual([['main', []]]);
    expect(await site.metricAtLeast(mismatches, before + 1)).toBe(before + 1);
    const session = vv.values.get('title')?.slice(-12) ?? 'none';
    expect((await site.logged('wrong guest')).filter((line) => line.includes(session))).toHaveLength(1);
  });

  it('whose guest does not tell who it is is refused in time', async () => {
    const id = randomUUID();
    const qemu = await guest(null);
    const server = cloud.server({ id, host: qemu.host, port: qemu.plainPort, tlsPort: null });
    const { bytes } = await refusedMain(server, await exchange(server));
    expect(bytes).toBe(0);
    await audited(server, 'did not tell whose screen');
    expect(qemu.channels.map(({ name, messages }) => [name, messages])).toEqual([['main', []]]);
  });

  it('that a stopped instance gave its port to is not shown: the token of the stopped one is refused', async () => {
    const { server, qemu } = await instance();
    const vv = await exchange(server);
    server.status = 'SHUTOFF';
    const thief = cloud.server({ host: qemu.host, port: qemu.plainPort, tlsPort: null });
    const { outcome, bytes } = await refusedMain(server, vv);
    expect([outcome, bytes]).toEqual([expect.objectContaining({ type: 'closed', stage: 'result' }), 0]);
    await audited(server, 'Channel refused: the instance is not running');
    expect(await site.metricAtLeast('kerbside_proxy_refused_total{reason="instance_stopped"}', 1)).toBe(1);
    // Its token is good again once it runs.
    server.status = 'ACTIVE';
    const client = await site.client(server.id, {}, vv);
    expect((await client.openMain()).linked).toBe(true);
    cloud.nova.deleteServer(thief.id);
  });

  it.each([
    ['moving', { taskState: 'migrating' }, 'is being moved'],
    ['building', { status: 'BUILD' }, 'is not ready yet'],
  ])('that is %s is refused, with the reason in its audit', async (why, state, message) => {
    const { server } = await instance();
    const vv = await exchange(server);
    Object.assign(server, state);
    expect((await refusedMain(server, vv)).bytes).toBe(0);
    await audited(server, message);
    expect(await site.metric(`kerbside_proxy_instance_looks_total{outcome="${why}"}`)).toBe(1);
  });

  it('that has moved is found where it is now, with the token from before', async () => {
    const { server, qemu } = await instance();
    const vv = await exchange(server);
    await qemu.close();
    const after = await guest(server.id);
    Object.assign(server, { port: after.plainPort, computeHost: 'compute-2' });
    const client = await site.client(server.id, {}, vv);
    expect((await client.openMain()).linked).toBe(true);
    await audited(server, 'Console configuration changed: insecure_port');
  });

  it('that is deleted is gone: its console is removed, its token worth nothing', async () => {
    const { server } = await instance();
    const vv = await exchange(server);
    cloud.nova.deleteServer(server.id);
    expect((await refusedMain(server, vv)).bytes).toBe(0);
    const answer = await site.kerbside.api('GET', `/console/${CLOUD}/${server.id}`);
    expect(answer.status).toBe(404);
    expect((await refusedMain(server, vv)).bytes).toBe(0);
  });

  it('is opened at its last known address while Nova hangs, and still has to show its UUID', async () => {
    const { server, qemu } = await instance();
    const vv = await exchange(server);
    cloud.nova.server.fault(/./, { kind: 'hang' });
    const client = await site.client(server.id, {}, vv);
    expect((await client.openMain()).linked).toBe(true);
    await audited(server, 'The cloud could not be asked');
    await client.close();
    const { plainPort } = qemu;
    await qemu.close();
    await guest(randomUUID(), { plainPort });
    expect((await refusedMain(server, vv)).bytes).toBe(0);
    await audited(server, 'answered with the screen of another machine');
  });
});
