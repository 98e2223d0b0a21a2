// SPDX-License-Identifier: Apache-2.0
// sources.yaml says something else of a source, or of a console, while sessions live: their open channels go by it at once, as
// the firewall shows, and so does the guest data policy that the REST service tells.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Site, SOURCE } from '../../fixtures/kerbside.js';
import { waitFor } from '../../fixtures/program.js';

const UNKNOWN = 200;
const FOLLOWS = 'a console has other settings; its open channels follow';
let site: Site;

type Policy = Record<string, { value: unknown; from: string }>;

async function policyOf(uuid: string): Promise<Policy> {
  const { body } = await site.kerbside.api('GET', `/console/${SOURCE}/${uuid}`);
  return (JSON.parse(body) as { guest_policy: Policy }).guest_policy;
}

/** Waits until so many changes of settings of open sessions were taken up. */
async function followed(times: number): Promise<void> {
  await waitFor('the changed settings', () => site.log().split(FOLLOWS).length > times);
}

beforeAll(async () => {
  site = await Site.start({ OS_SPICE__WORKERS: '1' });
});
afterEach(() => site.tidy());
afterAll(() => site.stop());

describe('what sources.yaml says of a live session', () => {
  it('holds from the next message on, and is told with the place that says it', async () => {
    const desk = await site.desk();
    const other = await site.desk();
    const client = await site.client(desk.uuid);
    await client.openMain();
    const inputs = await client.open('inputs');
    const display = await client.open('display');
    const server = await desk.server.channel('inputs');
    expect((await policyOf(desk.uuid))['clipboard']).toEqual({ value: 'both', from: 'deployment' });

    site.say({ firewall: { mode: 'warn' }, guest_policy: { clipboard: 'to-guest', usb: ['class:08'] } });
    await followed(1);
    await client.link('cursor');
    inputs.send(UNKNOWN, Buffer.alloc(4));
    await server.waitFor(UNKNOWN);
    expect(await policyOf(desk.uuid)).toMatchObject({
      clipboard: { value: 'to-guest', from: 'source lab' },
      usb: { value: ['class:08'], from: 'source lab' },
      smartcard: { value: true, from: 'deployment' },
    });
    const vv = await site.vv(desk.uuid);
    expect(vv.values.get('usb-filter')).toBe('0x08,-1,-1,-1,1|-1,-1,-1,-1,0');

    const own = { firewall: { mode: 'enforce', permitted_channels: ['main', 'inputs'] } };
    site.say({}, { [desk.uuid]: { ...own, guest_policy: { usb: 'none' } } });
    await display.closed;
    await site.audited(desk.uuid, 'Channel closed: channel forbidden');
    expect((await client.link('cursor')).linked).toBe(false);
    expect((await policyOf(desk.uuid))['usb']).toEqual({ value: ['none'], from: 'console' });
    expect((await policyOf(other.uuid))['usb']).toEqual({ value: ['*'], from: 'deployment' });
    expect((await site.vv(desk.uuid)).values.has('usb-filter')).toBe(false);
  });
});
