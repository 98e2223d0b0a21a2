// SPDX-License-Identifier: Apache-2.0
// The guest data policy of a real instance: its flavor, its image and its own metadata say what data may enter and leave it, as
// administrators and users of a cloud write it, and the API says who decided.
import { waitFor } from '../../fixtures/program.js';
import type { Check, CheckContext } from './check.js';
import { type Guest, PREFIX } from './cloud.js';
import { type Door, SOURCE } from './site.js';

/** In the order that they run. */
export const POLICY_CHECKS: readonly Check[] = [
  { claim: 'flavor, image and metadata of an instance say its guest data policy', prove: decided },
];

const FLAVOR = `${PREFIX}policy`;
const IMAGE = 'bootsector-other';
const PATIENCE_MS = 60_000;

async function decided(context: CheckContext): Promise<string> {
  const { cloud, admin, demo, site } = context;
  const specs = ['--property', 'kerbside:clipboard=to-guest', '--property', 'kerbside:max_monitors=2'];
  await cloud.openstack(admin, 'flavor', 'create', '--ram', '64', '--disk', '1', ...specs, FLAVOR);
  await cloud.openstack(admin, 'image', 'set', '--property', 'kerbside_usb=none', IMAGE);
  const door = await site.open({ name: 'policy', env: { OS_GUEST_POLICY__TRUST_METADATA: 'true' } });
  const metadata = { kerbside_audio_record: 'false' };
  let guest: Guest | null = null;
  try {
    guest = await cloud.boot(demo, `${PREFIX}policy`, IMAGE, { flavor: FLAVOR, metadata });
    return await shown(context, door, guest);
  } finally {
    await door.kerbside.stop(3000);
    if (guest !== null) await cloud.remove(guest);
    await cloud.openstack(admin, 'image', 'unset', '--property', 'kerbside_usb', IMAGE);
    await cloud.openstack(admin, 'flavor', 'delete', FLAVOR);
  }
}

/** A key of the policy: `value from place`. */
async function policyOf({ admin }: CheckContext, door: Door, guest: Guest): Promise<(key: string) => string> {
  const answer = await door.as(admin, 'GET', `/v1/consoles/${SOURCE}/${guest.id}`, undefined, '1.4');
  if (answer.status !== 200) throw new Error(`no console: ${answer.status} ${answer.body.slice(0, 200)}`);
  const { console } = JSON.parse(answer.body) as {
    console: { guest_policy: Record<string, { value: unknown; from: string }> };
  };
  return (key) => {
    const { value, from } = console.guest_policy[key] ?? { value: 'nothing', from: 'nobody' };
    return `${String(value)} from ${from}`;
  };
}

async function shown(context: CheckContext, door: Door, guest: Guest): Promise<string> {
  const { cloud, demo, evidence } = context;
  const vv = await door.vvOf(await cloud.consoleUrl(demo, guest, 'spice-direct'));
  if (vv.values.has('usb-filter')) throw new Error('the .vv file offers USB redirection');
  const wanted = {
    clipboard: 'to-guest from flavor',
    max_monitors: '2 from flavor',
    usb: 'none from image',
    audio_record: 'false from metadata',
    audio_playback: 'true from deployment',
  };
  await waitFor(
    'the policy of the instance',
    async () => {
      const policy = await policyOf(context, door, guest);
      for (const [key, words] of Object.entries(wanted))
        if (policy(key) !== words) throw new Error(`${key} is ${policy(key)}, not ${words}`);
      return true;
    },
    { giveUpMs: PATIENCE_MS, everyMs: 500 },
  );
  const asked = Date.now();
  await cloud.openstack(demo, 'server', 'set', '--property', 'kerbside_audio_record=true', guest.id);
  const changed = async (): Promise<boolean> =>
    (await policyOf(context, door, guest))('audio_record') === 'true from metadata';
  await waitFor('the other metadata', changed, { giveUpMs: PATIENCE_MS, everyMs: 200 });
  const seconds = ((Date.now() - asked) / 1000).toFixed(1);
  const words = Object.entries(wanted).map(([key, value]) => `${key} = ${value}`);
  evidence(`guest_policy of a real instance\n${words.join('\n')}`);
  return `${words.join(', ')}; other metadata was known ${seconds} s after the command began`;
}
