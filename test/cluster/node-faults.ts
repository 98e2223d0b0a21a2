// SPDX-License-Identifier: Apache-2.0
// Nodes that are restarted one after the other under load, and a node that the network is cut off from the others.
import { delay } from '../fixtures/program.js';
import type { Desktop } from './desktop.js';
import type { Fault, Outcome, Trial } from './fault.js';
import { milliseconds } from './kill-faults.js';
import type { Segment } from './network.js';
import type { NodeName } from './node.js';
import { SETTINGS } from './site.js';
import { Traffic } from './traffic.js';

/** In the order that they run. */
export const NODE_FAULTS: readonly Fault[] = [
  { name: 'rolling restart of all nodes', run: rollingRestart },
  { name: 'proxy1 cut off from database and broker', run: (trial) => partition(trial, ['control']) },
  { name: 'proxy1 cut off from everything', run: (trial) => partition(trial, ['control', 'data']) },
  { name: 'SIGSTOP of proxy1 until it looks dead', run: stoppedProxy },
  { name: 'kill -9 of everything at once, started again', run: powerCut },
];

const SESSIONS = 50;
/** Of them, pairs of which each runs through one proxy alone. */
const PAIRS = 20;
const NODE_LOST = SETTINGS.serviceDownTime + SETTINGS.reportInterval;
/** Long enough that the others take the node for dead. */
const CUT_SECONDS = NODE_LOST + 2;
/** TCP sends again at ever longer intervals: after so long a cut it may take as long again. */
const HEALED_MS = CUT_SECONDS * 1000;

async function rollingRestart(trial: Trial): Promise<Outcome> {
  const { site, users } = trial;
  await users.openMixed(PAIRS, SESSIONS - 2 * PAIRS);
  const traffic = new Traffic(site);
  const placement = await users.placement();
  const through = (name: NodeName): number =>
    [...placement.values()].filter((nodes) => nodes.has(name)).length;
  trial.claim(
    `${SESSIONS} sessions are open`,
    users.lost.length === 0,
    `proxy1 ${through('proxy1')}, proxy2 ${through('proxy2')}`,
  );
  let lost = 0;
  let slowest = 0;
  const started = performance.now();
  for (const node of site.nodes.values()) {
    const mine = await sessionsOn(trial, node.name);
    const begun = performance.now();
    const status = await node.drain();
    const seconds = (performance.now() - begun) / 1000;
    const gone = users.lost;
    const waited = gone.length === 0 || seconds >= SETTINGS.drainTimeout;
    lost += gone.length;
    trial.claim(
      `${node.name} stops in order, and ends its own sessions alone after [proxy] drain_timeout`,
      status === 0 && waited && sameSessions(gone, mine),
      `status ${status} after ${seconds.toFixed(1)} s, ${gone.length} sessions lost`,
    );
    if (gone.length > 0) {
      const came = await trial.prove(
        'their users come back through the other proxy with the same token',
        () => users.reconnect(SETTINGS.reconnectGrace * 1000),
        (took) => `the slowest after ${took.toFixed(1)} s`,
      );
      slowest = Math.max(slowest, came ?? SETTINGS.reconnectGrace);
    }
    await node.start();
    await site.balancer.settled();
  }
  await traffic.stop();
  trial.claim('no request to the API failed', traffic.failed.length === 0, traffic.words);
  trial.claim('all sessions are there at the end', users.lost.length === 0, `${users.lost.length} are not`);
  await trial.prove('every session works', () => users.roundTrips(), milliseconds);
  await trial.recordsRight('the records are right', performance.now(), NODE_LOST * 1000);
  trial.note(`all nodes restarted in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  return { open: SESSIONS, lost, seconds: slowest };
}

async function sessionsOn(trial: Trial, name: NodeName): Promise<string[]> {
  const placement = await trial.users.placement();
  return [...placement].filter(([, nodes]) => nodes.has(name)).map(([session]) => session);
}

function sameSessions(desktops: readonly Desktop[], sessions: readonly string[]): boolean {
  const ids = desktops.map(({ sessionId }) => sessionId).toSorted();
  return ids.join() === sessions.toSorted().join();
}

/** The users by the proxies that their channels run through. */
interface Groups {
  cut: Desktop[];
  other: Desktop[];
  both: Desktop[];
}

async function groups(trial: Trial): Promise<Groups> {
  const placement = await trial.users.placement();
  const of = (wanted: string): Desktop[] =>
    trial.users.desktops.filter(
      ({ sessionId }) => [...(placement.get(sessionId) ?? [])].toSorted().join() === wanted,
    );
  return { cut: of('proxy1'), other: of('proxy2'), both: of('proxy1,proxy2') };
}

async function partition(trial: Trial, segments: readonly Segment[]): Promise<Outcome> {
  const { site, users } = trial;
  await users.openMixed(4, 2);
  const { cut, other, both } = await groups(trial);
  const [victim, mover] = cut;
  trial.claim(
    'there are sessions on either proxy and on both',
    cut.length > 2 && other.length > 0 && both.length > 0,
    `proxy1 ${cut.length}, proxy2 ${other.length}, both ${both.length}`,
  );
  if (victim === undefined || mover === undefined) throw new Error('no two sessions run on proxy1 alone');
  let twin: Desktop | undefined;
  const struck = performance.now();
  for (const segment of segments) site.network.cut('proxy1', segment);
  const served = segments.includes('data') ? other : [...cut, ...other];
  try {
    await delay(1000);
    trial.claim('a session on the node is terminated', (await trial.terminate(victim.sessionId)) === 200);
    await trial.prove(
      segments.includes('data')
        ? 'the others work meanwhile'
        : 'all others work meanwhile, those on the node too',
      () =>
        workUntil(
          served.filter((desktop) => desktop !== victim),
          struck + CUT_SECONDS * 1000,
        ),
      milliseconds,
    );
    const healthy = await site.balancer.healthy();
    trial.claim(
      'the balancer sends new connections to the other proxy',
      !healthy.includes('proxy1') && healthy.includes('proxy2'),
      healthy.join(', '),
    );
    await trial.prove(
      'new sessions start meanwhile',
      async () => {
        for (let count = 0; count < 3; count += 1) await (await users.open()).close();
      },
      () => '',
    );
    await takenForDead(trial);
    await trial.prove(
      'a session of the node goes on through the other proxy with the same token',
      async () => {
        twin = await users.join(mover);
      },
      () => '',
    );
  } finally {
    for (const segment of segments) site.network.heal('proxy1', segment);
  }
  const healed = performance.now();
  const ended = await Promise.race([victim.ended().then(() => true), delay(HEALED_MS).then(() => false)]);
  const took = (performance.now() - healed) / 1000;
  trial.claim('the terminated session ends when the node is back', ended, `${took.toFixed(1)} s`);
  const moved = await Promise.race([mover.ended().then(() => true), delay(HEALED_MS).then(() => false)]);
  trial.claim(
    'of a session that went on elsewhere only the channels on the node end',
    moved && twin?.whole === true,
    `old channels ${mover.open.length}, new ${twin?.open.length ?? 0}`,
  );
  const seconds = await trial.recordsRight('the records are right', healed, HEALED_MS);
  const expected = [victim, mover];
  const lost = [...cut, ...other, ...both].filter((desktop) => !desktop.whole && !expected.includes(desktop));
  trial.claim(
    'of the others only sessions over both proxies lost channels',
    lost.every((desktop) => both.includes(desktop)),
    `${lost.length} lost`,
  );
  await trial.prove(
    'every session that is left works',
    () =>
      workOnce(
        users.desktops.filter((desktop) => desktop.whole),
        HEALED_MS,
      ),
    milliseconds,
  );
  const came = await trial.prove(
    'whoever lost channels comes back with the same token',
    async () => Math.max(0, ...(await Promise.all(lost.map((desktop) => desktop.reconnect(20_000))))),
    (slowest) => `the slowest after ${slowest.toFixed(1)} s`,
  );
  await trial.recordsRight('the records are right then, too', performance.now(), 10_000);
  return {
    open: cut.length + other.length + both.length,
    lost: lost.length,
    seconds: Math.max(seconds, came ?? 0),
  };
}

async function takenForDead(trial: Trial): Promise<void> {
  const rows = await trial.site.rows<{ count: number }>(
    "SELECT COUNT(*) AS count FROM {schema}.console_connections WHERE closed IS NULL AND node = 'proxy1'",
  );
  trial.claim(
    'the others take the node for dead',
    rows[0]?.count === 0,
    `${rows[0]?.count ?? '?'} open rows`,
  );
}

async function workUntil(desktops: readonly Desktop[], until: number): Promise<number> {
  let slowest = 0;
  while (performance.now() < until) {
    slowest = Math.max(slowest, await workOnce(desktops, 5000));
    await delay(500);
  }
  return slowest;
}

async function workOnce(desktops: readonly Desktop[], timeoutMs: number): Promise<number> {
  return Math.max(0, ...(await Promise.all(desktops.map((desktop) => desktop.roundTrip(timeoutMs)))));
}

// Its relay workers go on; what decides and records stands still.
async function stoppedProxy(trial: Trial): Promise<Outcome> {
  const { site, users } = trial;
  await users.openMixed(2, 2);
  const { cut, both } = await groups(trial);
  const open = users.desktops.length;
  const node = site.node('proxy1');
  const struck = performance.now();
  node.signal('SIGSTOP');
  try {
    await trial.prove(
      'sessions on either proxy alone go on',
      () =>
        workUntil(
          users.desktops.filter((desktop) => !both.includes(desktop)),
          struck + CUT_SECONDS * 1000,
        ),
      milliseconds,
    );
    await takenForDead(trial);
  } finally {
    node.signal('SIGCONT');
  }
  const went = performance.now();
  const seconds = await trial.recordsRight('the records are right', went, NODE_LOST * 1000);
  const { lost } = users;
  trial.claim(
    'only sessions over both proxies lost channels',
    lost.every((desktop) => both.includes(desktop)),
    `${lost.length} lost, ${cut.length} were on proxy1 alone`,
  );
  await trial.prove(
    'whoever lost channels comes back',
    () => users.reconnect(20_000),
    (slowest) => `${slowest.toFixed(1)} s`,
  );
  await trial.prove('every session works', () => users.roundTrips(), milliseconds);
  return { open, lost: lost.length, seconds };
}

async function powerCut(trial: Trial): Promise<Outcome> {
  const { site, users } = trial;
  await users.openMixed(2, 2);
  const ended = await users.open();
  const unused = await users.arrive();
  const open = users.desktops.length - 2;
  const status = await trial.terminate(ended.sessionId);
  const struck = performance.now();
  await Promise.all([
    ...[...site.nodes.values()].map((node) => node.kill()),
    site.database.kill(),
    site.broker.kill(),
    site.balancer.kill(),
  ]);
  trial.claim('a session is terminated right before', status === 200);
  const lost = users.lost.filter(
    ({ channels, sessionId }) => channels.length > 0 && sessionId !== ended.sessionId,
  );
  await Promise.all([site.database.restart(), site.broker.restart()]);
  await Promise.all([...site.nodes.values()].map((node) => node.start()));
  await site.balancer.start();
  const up = performance.now();
  await trial.prove(
    'all users come back with the same token',
    async () => Math.max(...(await Promise.all(lost.map((desktop) => desktop.reconnect(30_000))))),
    (slowest) =>
      `${slowest.toFixed(1)} s after all was started, ${((performance.now() - struck) / 1000).toFixed(1)} s after the cut`,
  );
  const seconds = (performance.now() - up) / 1000;
  const words = [await ended.tryToken(), await unused.tryToken()];
  trial.claim(
    'what was terminated stays so, an unused token is good',
    words.join() === 'permission denied,linked',
    words.join(', '),
  );
  await trial.recordsRight('the records are right', up, NODE_LOST * 1000);
  await trial.prove('every session works', () => users.roundTrips(), milliseconds);
  return { open, lost: lost.length, seconds };
}
