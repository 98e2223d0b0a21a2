// SPDX-License-Identifier: Apache-2.0
// A real QEMU with the graphics that OpenNebula gives its guests: a plain port of 5900 and the number of the guest, a password of 59
// characters, no TLS. OpenNebula itself is a fake made of its recorded answers.
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Site } from '../fixtures/kerbside.js';
import { FakeOpenNebula, GUEST_PASSWORD, ONE_PASSWORD } from '../fixtures/opennebula.js';
import { waitFor } from '../fixtures/program.js';
import { startGuest, type Guest } from '../fixtures/qemu.js';
import { scratchFolder } from '../fixtures/scratch.js';
import { SpiceClient } from '../fixtures/spice-client.js';

jest.setTimeout(180_000);

const ADDRESS = '127.0.0.77';
const ID = 137;

let site: Site;
let one: FakeOpenNebula;
let guest: Guest;

beforeAll(async () => {
  guest = await startGuest({
    dir: scratchFolder('kerbside-one-guest-'),
    address: ADDRESS,
    port: 5900 + ID,
    password: GUEST_PASSWORD,
  });
  one = await FakeOpenNebula.start();
  one.add({ id: ID });
  site = await Site.start();
  await site.source({
    ...{ source: 'one', type: 'opennebula', url: one.url, username: 'kerbside', password: ONE_PASSWORD },
    host_addresses: { 'hyp1.lab.example': ADDRESS },
  } as { source: string });
});
afterAll(async () => {
  await site.stop();
  await one.close();
  await guest.stop();
});

/** The channels that QEMU has open, by their types (spice-protocol, enums.h). */
async function channelTypes(): Promise<number[]> {
  const { channels = [] } = (await guest.qmp('query-spice')) as { channels?: { 'channel-type': number }[] };
  return channels.map((channel) => channel['channel-type']).sort((a, b) => a - b);
}

describe('a guest of OpenNebula in a real QEMU', () => {
  it('is opened with its password, and a later one refuses the one before', async () => {
    const { password } = await site.kerbside.vv('one', String(ID));
    const viewer = new SpiceClient({ ...site.clientOptions(), password });
    await viewer.openMain();
    for (const name of ['display', 'inputs', 'cursor'] as const) await viewer.open(name);
    expect(await channelTypes()).toEqual([1, 2, 3, 4]);
    await viewer.close();
    await waitFor('the end of the channels', async () => (await channelTypes()).length === 0);
    await guest.qmp('set_password', { protocol: 'spice', password: 'by-updateconf' });
    const [vm] = one.vms;
    if (vm !== undefined) vm.password = 'by-updateconf';
    const again = await site.kerbside.vv('one', String(ID));
    const later = new SpiceClient({ ...site.clientOptions(), password: again.password });
    await later.openMain();
    await later.open('display');
    expect(await channelTypes()).toEqual([1, 2]);
    await later.close();
  });
});
