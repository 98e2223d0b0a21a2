// SPDX-License-Identifier: Apache-2.0
// The right screen, always: guests that are rebooted, stopped and deleted, and the case that Nova itself gets wrong, a
// console token whose port has gone to another customer's guest.
import type { VvFile } from '../../fixtures/vv-file.js';
import { type Check, type CheckContext, directHash, expectRefused } from './check.js';
import { type Guest, PREFIX, type Resolved } from './cloud.js';
import { directPicture } from './site.js';

/** Guests of the stranger that are tried, until one is given the victim's port. */
const MOST_OTHERS = 4;

/** In the order that they run. */
export const LIFE_CHECKS: readonly Check[] = [
  { claim: 'a console survives a hard reboot of its guest', prove: rebooted },
  { claim: 'a stopped guest has no console, a started one has one again', prove: stopped },
  { claim: 'a token whose port went to another guest never shows that guest', prove: portReused },
  { claim: 'a deleted guest has no console', prove: deleted },
];

async function rebooted(context: CheckContext): Promise<string> {
  const { cloud, door, demo, guest } = context;
  const url = await cloud.consoleUrl(demo, guest, 'spice-direct');
  const before = await door.vvOf(url);
  await cloud.act(guest, { reboot: { type: 'HARD' } }, 'ACTIVE');
  const own = await directHash(context, guest);
  const old = await door.picture(before);
  if (old.hash !== null && old.hash !== own) throw new Error('the old file shows something else');
  const { hash } = await door.picture(await door.vvOf(url));
  if (hash !== own) throw new Error(`the URL of before shows ${hash ?? 'nothing'} after it`);
  return `the file of before ${old.hash === null ? 'is refused' : 'still works'}, its URL gives a new one that works`;
}

async function stopped(context: CheckContext): Promise<string> {
  const { cloud, door, demo, guest } = context;
  const url = await cloud.consoleUrl(demo, guest, 'spice-direct');
  const before = await door.vvOf(url);
  await cloud.act(guest, { 'os-stop': null }, 'SHUTOFF');
  const refused = await nothing(context, before, 'the file of before');
  const answer = await door.follow(url, 'application/json');
  if (answer.status === 200) throw new Error('its URL still gives a file');
  const broker = await door.broker(demo, guest.id);
  if (broker.status < 400 || broker.status >= 500)
    throw new Error(`the broker answers ${broker.status} ${broker.body}`);
  context.evidence(
    `stopped guest\nURL: ${answer.status} ${answer.body}\nbroker: ${broker.status} ${broker.body}`,
  );
  await cloud.act(guest, { 'os-start': null }, 'ACTIVE');
  const own = await directHash(context, guest);
  const { hash } = await door.picture(await door.vvOf(await cloud.consoleUrl(demo, guest, 'spice-direct')));
  if (hash !== own) throw new Error(`after the start the console shows ${hash ?? 'nothing'}`);
  return `${refused}; URL ${answer.status}, broker ${broker.status}; started again it works`;
}

const samePort = (one: Resolved, other: Resolved | null): boolean =>
  one.host === other?.host && one.port === other.port;

async function portReused(context: CheckContext): Promise<string> {
  const { cloud, door, admin, demo, stranger, dir, evidence } = context;
  const victim = await cloud.boot(demo, `${PREFIX}victim`);
  const url = await cloud.consoleUrl(demo, victim, 'spice-direct');
  const before = await door.vvOf(url);
  const spare = await door.vvOf(url);
  const place = await cloud.resolve(admin, url);
  await cloud.act(victim, { 'os-stop': null }, 'SHUTOFF');
  const others: Guest[] = [];
  try {
    let now: Resolved | null = null;
    // Where there are several hosts, the scheduler may give the first ones to another than the victim's.
    while (others.length < MOST_OTHERS && (now === null || !samePort(now, place))) {
      const other = await cloud.boot(stranger, `${PREFIX}other${others.length}`, 'bootsector-other');
      others.push(other);
      now = await cloud.resolve(admin, await cloud.consoleUrl(stranger, other, 'spice-direct'));
    }
    const stale = await cloud.resolve(admin, url);
    if (now === null || place === null || !samePort(now, place) || stale?.port !== place.port) {
      throw new Error('the cloud did not give the port to the other guest: nothing was proved');
    }
    const secret = await directPicture(now.host, now.port, dir);
    evidence(
      `port ${place.port} was the guest's of demo, is now the stranger's; Nova still answers demo's token with ` +
        `instance ${stale.instance_uuid} port ${stale.port}\nthe stranger's screen: ${secret}`,
    );
    const words = [`stopped: ${await neverShows(context, victim, url, before, secret)}`];
    words.push(`Nova away: ${await guestProvesItself(context, victim, spare)}`);
    // Running again on another port: Nova has nothing against the token now, and still names the old port.
    await cloud.act(victim, { 'os-start': null }, 'ACTIVE');
    words.push(`running elsewhere: ${await neverShows(context, victim, url, before, secret)}`);
    evidence(`audit of demo's guest\n${(await door.audit(victim.id)).join('\n')}`);
    return words.join('; ');
  } finally {
    await Promise.all([victim, ...others].map((guest) => cloud.remove(guest)));
  }
}

// With Nova away nobody can tell Kerbside that the port has another owner. The guest itself does, by its UUID.
async function guestProvesItself({ cloud, door }: CheckContext, victim: Guest, vv: VvFile): Promise<string> {
  await cloud.stopService('nova-api');
  try {
    const { hash } = await door.picture(vv);
    if (hash !== null) throw new Error('with Nova away the file shows a screen');
  } finally {
    await cloud.up();
  }
  const wrong = (await door.audit(victim.id)).filter((message) =>
    message.includes('screen of another machine'),
  );
  if (wrong.length === 0) throw new Error('the audit does not tell of another machine');
  const counted = /^kerbside_\w*wrong_guests_total\{[^}]*mismatch[^}]*\} [1-9]/m;
  if (!counted.test(await door.kerbside.metrics()))
    throw new Error('the metric of wrong guests counted nothing');
  return 'refused by the UUID that the guest tells, audited and counted';
}

async function neverShows(
  { door }: CheckContext,
  victim: Guest,
  url: string,
  before: VvFile,
  secret: string,
): Promise<string> {
  const shown = async (what: string, vv: VvFile): Promise<string> => {
    const { hash } = await door.picture(vv);
    if (hash === secret) throw new Error(`${what} of ${victim.name} shows the stranger's screen`);
    return hash === null ? `${what} refused` : `${what} shows its own guest`;
  };
  const words = [await shown('old file', before)];
  const answer = await door.follow(url);
  if (answer.status === 200) words.push(await shown('new file', await door.vvOf(url)));
  else words.push(`URL ${answer.status}`);
  return words.join(', ');
}

async function deleted(context: CheckContext): Promise<string> {
  const { cloud, door, demo } = context;
  const guest = await cloud.boot(demo, `${PREFIX}deleted`);
  const url = await cloud.consoleUrl(demo, guest, 'spice-direct');
  const early = await door.vvOf(url);
  const live = await door.probe(await door.vvOf(url));
  if (live.outcome !== 'linked') throw new Error(`no session before: ${live.outcome}`);
  await cloud.remove(guest);
  const limit = new Promise<null>((resolve) => setTimeout(() => resolve(null), 15_000));
  if ((await Promise.race([live.link.closed, limit])) === null) throw new Error('the open session lives on');
  const refused = await nothing(context, early, 'a file of before');
  const answer = await door.follow(url, 'application/json');
  if (answer.status !== 404) throw new Error(`its URL answers ${answer.status}`);
  const broker = await door.broker(demo, guest.id);
  if (broker.status !== 404) throw new Error(`the broker answers ${broker.status}`);
  return `the open session ended; ${refused}; URL and broker 404`;
}

/** @throws Error when a file shows anything. */
async function nothing({ door }: CheckContext, vv: VvFile, what: string): Promise<string> {
  const { hash } = await door.picture(vv);
  if (hash !== null) throw new Error(`${what} still shows a screen`);
  return `${what} ${expectRefused(what, await door.probe(vv))}`;
}
