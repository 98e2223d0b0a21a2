// SPDX-License-Identifier: Apache-2.0
// Keystone goes away and comes back while users work: open desktops live on, requests are answered in time and with the
// right codes, and everything works again without a hand.
import type { ProbeLink } from '../../fixtures/link-probe.js';
import { delay, waitFor } from '../../fixtures/program.js';
import { type Check, type CheckContext, expectStatus } from './check.js';

/** In the order that they run. */
export const OUTAGE_CHECKS: readonly Check[] = [
  { claim: 'Keystone stopped and started under load', prove: keystoneAway },
  { claim: 'no token and no password is in the log of Kerbside', prove: silentLog },
];

const CALLERS = 6;
const AWAY_MS = 12_000;
/** http_connect_timeout of the site is 5 s; Nova takes some of its own. */
const LONGEST_MS = 15_000;
const BACK_MS = 60_000;

interface Answer {
  what: string;
  status: number;
  milliseconds: number;
}

/** Calls again and again until told to stop. */
class Load {
  readonly answers: Answer[] = [];
  private running = true;
  private readonly callers: Promise<void>[];

  constructor({ door, demo, guest }: CheckContext, url: string) {
    const calls: [what: string, call: () => Promise<{ status: number }>][] = [
      ['list', () => door.as(demo, 'GET', '/v1/consoles')],
      ['broker', () => door.broker(demo, guest.id)],
      ['exchange', () => door.follow(url, 'application/json')],
    ];
    this.callers = Array.from({ length: CALLERS }, (_, index) => this.call(...calls[index % calls.length]!));
  }

  /** Statuses since an answer, counted: `list 200 x12`. */
  counted(since: number): string {
    const counts = new Map<string, number>();
    for (const { what, status } of this.answers.slice(since)) {
      counts.set(`${what} ${status}`, (counts.get(`${what} ${status}`) ?? 0) + 1);
    }
    return [...counts].map(([name, count]) => `${name} x${count}`).join(', ');
  }

  async stop(): Promise<void> {
    this.running = false;
    await Promise.all(this.callers);
  }

  private async call(what: string, call: () => Promise<{ status: number }>): Promise<void> {
    while (this.running) {
      const started = Date.now();
      const status = await call().then(
        (answer) => answer.status,
        () => 0,
      );
      this.answers.push({ what, status, milliseconds: Date.now() - started });
      await delay(150);
    }
  }
}

async function keystoneAway(context: CheckContext): Promise<string> {
  const { cloud, door, demo, guest, evidence } = context;
  const url = await cloud.consoleUrl(demo, guest, 'spice-direct');
  const desktop = await door.probe(await door.vvOf(url));
  if (desktop.outcome !== 'linked') throw new Error(`no desktop: ${desktop.outcome}`);
  // Kerbside has not seen this token and cannot know whose it is while Keystone is away.
  const unseen = await cloud.login('demo', 'demo');
  const load = new Load(context, url);
  try {
    await delay(3000);
    const before = load.counted(0);
    const away = load.answers.length;
    await cloud.stopService('keystone');
    const started = Date.now();
    expectStatus('a token that was never seen', await door.as(unseen, 'GET', '/v1/consoles'), 503);
    const patience = Date.now() - started;
    await delay(AWAY_MS);
    const during = load.counted(away);
    const wrong = load.answers
      .slice(away)
      .filter(({ status }) => status !== 200 && status !== 201 && status !== 503);
    const health = await door.as('', 'GET', '/healthcheck');
    await cloud.up();
    await waitFor(
      'working service after Keystone came back',
      async () => {
        const answers = await Promise.all([
          door.as(demo, 'GET', '/v1/consoles'),
          door.broker(demo, guest.id),
        ]);
        answers.push(await door.as(unseen, 'GET', '/v1/consoles'));
        return answers.every(({ status }) => status === 200 || status === 201);
      },
      { giveUpMs: BACK_MS },
    );
    expectStatus(
      'the exchange afterwards',
      await door.follow(await cloud.consoleUrl(demo, guest, 'spice-direct')),
      200,
    );
    evidence(`Keystone away under load\nbefore: ${before}\nduring: ${during}`);
    // Closing the port cuts requests that were under way.
    if (wrong.length > 0) throw new Error(`while Keystone was away: ${during}`);
    const slowest = Math.max(...load.answers.map(({ milliseconds }) => milliseconds));
    if (slowest > LONGEST_MS) throw new Error(`an answer took ${slowest} ms`);
    expectStatus('/healthcheck meanwhile', health, 200);
    if (await ended(desktop.link)) throw new Error('the open desktop was closed');
    return `away: ${during}; an unseen token 503 after ${patience} ms; slowest ${slowest} ms; the open desktop lived on`;
  } finally {
    await load.stop();
    desktop.link.close();
  }
}

async function ended({ closed }: ProbeLink): Promise<boolean> {
  return Promise.race([closed.then(() => true), delay(0).then(() => false)]);
}

// The last of all checks: by now every kind of secret went through, good and bad.
function silentLog({ cloud, door }: CheckContext): Promise<string> {
  const log = door.kerbside.program.output();
  if (log.includes(cloud.password))
    return Promise.reject(new Error('the password of the service is in the log'));
  const leaked = door.leaked();
  if (leaked.length > 0) {
    return Promise.reject(new Error(`${leaked.length} secrets are: ${leaked.join('..., ')}...`));
  }
  const lines = log.split('\n').length;
  return Promise.resolve(`${door.secrets.size} secrets looked for in ${lines} lines`);
}
