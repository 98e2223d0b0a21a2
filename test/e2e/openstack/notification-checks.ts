// SPDX-License-Identifier: Apache-2.0
// By Nova's notifications a console follows its instance at once: sessions end, the state is known, the address is asked
// for anew. Each check says how long after Nova's API that was; polling alone takes up to a minute.
import { waitFor } from '../../fixtures/program.js';
import type { Check, CheckContext } from './check.js';
import { type Guest, PREFIX } from './cloud.js';
import { SOURCE } from './site.js';

/** In the order that they run. */
export const NOTIFICATION_CHECKS: readonly Check[] = [
  { claim: 'a notification is heard: /healthcheck and the metrics say so', prove: heard },
  { claim: 'by notification the console of a guest that is powered off follows', prove: poweredOff },
  { claim: 'by notification the console of a guest that is suspended follows', prove: suspended },
  { claim: 'by notification the console of a guest that is rebooted hard follows', prove: rebooted },
  { claim: 'by notification the console of a guest that is rebuilt follows', prove: rebuilt },
  { claim: 'by notification the console of a guest that is shelved follows', prove: shelved },
  { claim: 'by notification the console of a guest that is deleted goes', prove: deleted },
  // Live migration takes two compute hosts.
  ...(process.env['SECOND_COMPUTE'] === 'yes'
    ? [
        {
          claim: 'by notification the console of a guest that is migrated live moves with it',
          prove: migrated,
        },
      ]
    : []),
];

/** How long a session may live on, and a state may be unknown, after what Nova's own API says. */
const LIMIT_MS = 15_000;

/** A live session of a fresh guest, or of one that is at hand. */
async function session(
  { cloud, door, demo }: CheckContext,
  guest: Guest,
): Promise<{ ended: Promise<number> }> {
  const live = await door.probe(await door.vvOf(await cloud.consoleUrl(demo, guest, 'spice-direct')));
  if (live.outcome !== 'linked') throw new Error(`no session before: ${live.outcome}`);
  return { ended: live.link.closed.then(() => Date.now()) };
}

async function within<T>(what: string, work: Promise<T>): Promise<T> {
  const late = new Promise<never>((_resolve, reject) => {
    setTimeout(() => reject(new Error(`${what} did not come within ${LIMIT_MS / 1000} s`)), LIMIT_MS).unref();
  });
  return Promise.race([work, late]);
}

/** The state that Kerbside has on record; null when it has no such console. */
async function stateOf({ door, admin }: CheckContext, guest: Guest): Promise<string | null> {
  const answer = await door.as(admin, 'GET', `/v1/consoles/${SOURCE}/${guest.id}`);
  if (answer.status === 404) return null;
  const { console } = JSON.parse(answer.body) as { console?: { instance_state: string } };
  return console?.instance_state ?? null;
}

/** What the audit says of sessions that ended by a notification; it outlives the console. */
async function endings({ door, admin }: CheckContext, guest: Guest): Promise<string[]> {
  const answer = await door.as(admin, 'GET', `/v1/audit-events?instance_uuid=${guest.id}&limit=200`);
  const { audit_events: events } = JSON.parse(answer.body) as { audit_events: { message: string }[] };
  return events.map(({ message }) => message).filter((message) => message.includes('Nova reports'));
}

/** Does something to a guest with a live session; says when the session ended, and the state was known. */
async function follow(
  context: CheckContext,
  guest: Guest,
  act: () => Promise<void>,
  state: string | null,
): Promise<string> {
  const { ended } = await session(context, guest);
  const asked = Date.now();
  await act();
  const reached = Date.now();
  const end = await within('the end of the session', ended);
  await waitFor(`state ${state ?? 'gone'}`, async () => (await stateOf(context, guest)) === state, {
    giveUpMs: LIMIT_MS,
    everyMs: 50,
  });
  const known = Date.now();
  const audit = await endings(context, guest);
  context.evidence(`audit of ${guest.name}\n${audit.join('\n')}`);
  const seconds = (from: number, to: number): string => ((to - from) / 1000).toFixed(1);
  const byNews = audit[0]?.replace(/^.*reports /, 'ended by ') ?? 'ended by QEMU itself';
  return (
    `session over ${seconds(asked, end)} s after the request (${byNews}); Nova was done after ` +
    `${seconds(asked, reached)} s, ${state ?? 'the end'} on record ${seconds(reached, known)} s after that`
  );
}

async function heard({ door, cloud, guest }: CheckContext): Promise<string> {
  await cloud.act(guest, { pause: null }, 'PAUSED');
  await cloud.act(guest, { unpause: null }, 'ACTIVE');
  const health = await waitFor(
    'notifications to be received',
    async () => {
      const { body } = await door.as('', 'GET', '/healthcheck');
      return body.includes('"receiving"') ? body : undefined;
    },
    { giveUpMs: LIMIT_MS },
  );
  const metrics = await door.kerbside.metrics();
  const counted = /^kerbside_notifications_received_total\{[^}]*versioned[^}]*event[^}]*\} ([1-9]\d*)/m.exec(
    metrics,
  );
  if (counted === null) throw new Error('no versioned event was counted');
  if (!/^kerbside_notifications_connected 1$/m.test(metrics)) throw new Error('not connected');
  return `${health.replace(/\s+/g, ' ')}; ${counted[1] ?? ''} versioned events so far`;
}

async function poweredOff(context: CheckContext): Promise<string> {
  const { cloud, guest } = context;
  const words = await follow(
    context,
    guest,
    () => cloud.act(guest, { 'os-stop': null }, 'SHUTOFF'),
    'SHUTOFF',
  );
  await cloud.act(guest, { 'os-start': null }, 'ACTIVE');
  return words;
}

async function suspended(context: CheckContext): Promise<string> {
  const { cloud, guest } = context;
  const act = (): Promise<void> => cloud.act(guest, { suspend: null }, 'SUSPENDED');
  const words = await follow(context, guest, act, 'SUSPENDED');
  await cloud.act(guest, { resume: null }, 'ACTIVE');
  return words;
}

async function rebooted(context: CheckContext): Promise<string> {
  const { cloud, guest } = context;
  const act = (): Promise<void> => cloud.act(guest, { reboot: { type: 'HARD' } }, 'ACTIVE');
  return follow(context, guest, act, 'ACTIVE');
}

async function rebuilt(context: CheckContext): Promise<string> {
  const { cloud, demo, guest } = context;
  const answer = await cloud.call(demo, 'GET', `/servers/${guest.id}`);
  const imageRef = (answer.json as { server: { image: { id: string } } }).server.image.id;
  const act = (): Promise<void> => cloud.act(guest, { rebuild: { imageRef } }, 'ACTIVE');
  return follow(context, guest, act, 'ACTIVE');
}

async function shelved(context: CheckContext): Promise<string> {
  const { cloud, demo } = context;
  const guest = await cloud.boot(demo, `${PREFIX}shelved`);
  try {
    const act = (): Promise<void> => cloud.act(guest, { shelve: null }, 'SHELVED_OFFLOADED');
    return await follow(context, guest, act, 'SHELVED_OFFLOADED');
  } finally {
    await cloud.remove(guest);
  }
}

async function deleted(context: CheckContext): Promise<string> {
  const { cloud, demo } = context;
  const guest = await cloud.boot(demo, `${PREFIX}deleted-by-news`);
  const words = await follow(context, guest, () => cloud.remove(guest), null);
  if ((await endings(context, guest)).length === 0)
    throw new Error('the audit does not say that a notification has ended the session');
  return words;
}

/** What Kerbside knows of a console, as an administrator sees it. */
async function consoleOf({ door, admin }: CheckContext, guest: Guest): Promise<Record<string, unknown>> {
  const answer = await door.as(admin, 'GET', `/v1/consoles/${SOURCE}/${guest.id}`);
  return (JSON.parse(answer.body) as { console: Record<string, unknown> }).console;
}

/** The compute host of a guest, as Nova tells administrators. */
/** The compute host that Nova says a guest runs on. */
export async function hostOf({ cloud, admin }: CheckContext, guest: Guest): Promise<string> {
  const answer = await cloud.call(admin, 'GET', `/servers/${guest.id}`);
  return (answer.json as { server: Record<string, string> }).server['OS-EXT-SRV-ATTR:host'] ?? '';
}

async function migrated(context: CheckContext): Promise<string> {
  const { cloud, door, demo, admin } = context;
  const guest = await cloud.boot(demo, `${PREFIX}migrated`);
  try {
    const from = await hostOf(context, guest);
    const to = from === 'lab' ? 'lab2' : 'lab';
    const { ended } = await session(context, guest);
    const before = await consoleOf(context, guest);
    const body = { 'os-migrateLive': { host: to, block_migration: 'auto' } };
    const asked = Date.now();
    const answer = await cloud.call(admin, 'POST', `/servers/${guest.id}/action`, body);
    if (answer.status !== 202)
      throw new Error(`Nova does not migrate: ${answer.status} ${JSON.stringify(answer.json)}`);
    await waitFor('Nova to be done', async () => (await hostOf(context, guest)) === to, {
      giveUpMs: 120_000,
      everyMs: 200,
    });
    const done = Date.now();
    const after = await waitFor(
      'the new address',
      async () => {
        const known = await consoleOf(context, guest);
        return known['host'] === to && known['hypervisor'] !== before['hypervisor'] ? known : undefined;
      },
      { giveUpMs: LIMIT_MS },
    );
    const known = Date.now();
    const end = await within('the end of the session', ended);
    // Nova deletes the tokens of the move, new ones too, until it is all done.
    await cloud.settled(guest);
    const fresh = await door.probe(await door.vvOf(await cloud.consoleUrl(demo, guest, 'spice-direct')));
    if (fresh.outcome !== 'linked') throw new Error(`nobody gets in after the move: ${fresh.outcome}`);
    fresh.link.close();
    const news = (await door.audit(guest.id)).filter((message) => /moving|moved/.test(message));
    if (news.length === 0) throw new Error('the audit does not tell of the move');
    const seconds = (at: number): string => ((at - asked) / 1000).toFixed(1);
    return (
      `${from} -> ${to}: Nova was done after ${seconds(done)} s, Kerbside knew ${String(after['hypervisor'])} after ` +
      `${seconds(known)} s, the old session ended with its QEMU after ${seconds(end)} s, a new one is admitted; audit: ${news.join('; ')}`
    );
  } finally {
    await cloud.remove(guest);
  }
}
