// SPDX-License-Identifier: Apache-2.0
// Which cases a run measures, and how thoroughly.
import { GUESTS } from './guests.js';
import { LINKS, readLink } from './link-profile.js';
import type { Activity, Case, Effort } from './trial.js';

/** As many bits of noise as a colour has: nothing can be compressed. */
export const HEAVY: Activity = '8';
const USUAL_GUEST = 'std';

/** Of a full run, of a quick one. */
export const FULL: Effort = { presses: 12, warmMs: 4000, limitMs: 60_000, patienceMs: 20_000 };
export const QUICK: Effort = { presses: 5, warmMs: 3000, limitMs: 30_000, patienceMs: 20_000 };

/** The one case of a quick run. */
export const QUICK_CASE: Case = { link: '80:10', activity: HEAVY, guest: USUAL_GUEST };

const on = (guest: string, link: string, ...activities: readonly Activity[]): Case[] =>
  activities.map((activity) => ({ link, activity, guest }));

/** The cases of a full run: the heaviest load on every link, then other loads and other guests where they matter. */
export const FULL_CASES: readonly Case[] = [
  ...LINKS.flatMap((link) => on(USUAL_GUEST, link, HEAVY)),
  ...on(USUAL_GUEST, '80:10', '3', 'text', 'typing', 'idle'),
  ...on(USUAL_GUEST, '80:50', '3'),
  ...on(USUAL_GUEST, '80:2', 'text'),
  ...on(USUAL_GUEST, '20:50', 'text'),
  ...on(USUAL_GUEST, 'lan', 'text', 'typing', 'idle'),
  ...on('virtio', '80:10', HEAVY, 'text'),
  ...on('qxl', '80:10', HEAVY, 'text'),
  ...on('heads', '80:10', HEAVY),
  ...on('heads', '80:50', HEAVY),
  ...on('video', '80:10', HEAVY, '0'),
];

/** What the command line narrows the cases to. */
export interface Narrowed {
  readonly links?: string | undefined;
  readonly activities?: string | undefined;
  readonly guests?: string | undefined;
}

/** All combinations of what is named; what is not named is the usual. Null: nothing is. @throws Error of unknown names */
export function readCases(narrowed: Narrowed): Case[] | null {
  const { links, activities, guests } = narrowed;
  if (links === undefined && activities === undefined && guests === undefined) return null;
  const wanted = {
    links: links?.split(',') ?? [QUICK_CASE.link],
    activities: (activities?.split(',') ?? [HEAVY]).map(readActivity),
    guests: (guests?.split(',') ?? [USUAL_GUEST]).map(readGuest),
  };
  for (const link of wanted.links) readLink(link);
  return wanted.guests.flatMap((guest) =>
    wanted.links.flatMap((link) => wanted.activities.map((activity) => ({ link, activity, guest }))),
  );
}

function readActivity(text: string): Activity {
  if (text === 'idle' || text === 'text' || text === 'typing') return text;
  if (/^[0-8]$/.test(text)) return text as Activity;
  throw new Error(`"${text}" is no activity: idle, text, typing, or 0 to 8 bits of noise`);
}

function readGuest(text: string): string {
  if (GUESTS.some(({ name }) => name === text)) return text;
  throw new Error(`"${text}" is no guest: ${GUESTS.map(({ name }) => name).join(', ')}`);
}

/** Whether all of the area changes all the time. */
export function isAnimated(activity: Activity): boolean {
  return activity !== 'idle' && activity !== 'text' && activity !== 'typing';
}
