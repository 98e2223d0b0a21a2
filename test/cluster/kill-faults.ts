// SPDX-License-Identifier: Apache-2.0
// kill -9 of each program while sessions run: whoever had nothing to do with it goes on, whoever had comes back, and
// the records are right soon.
import { delay } from '../fixtures/program.js';
import type { Fault, Outcome, Trial } from './fault.js';
import type { Node, NodeName } from './node.js';
import { SETTINGS } from './site.js';
import { Traffic } from './traffic.js';

/** In the order that they run. */
export const KILL_FAULTS: readonly Fault[] = [
  { name: 'kill -9 of api1', run: killApi },
  { name: 'kill -9 of proxy1', run: killProxy },
  { name: 'kill -9 of proxy1, started again at once', run: killAndStartProxy },
  { name: 'kill -9 of the leading conductor', run: killLeader },
  { name: 'SIGSTOP of the leading conductor', run: stopLeader },
  { name: 'leading conductor cut off from the database', run: cutLeader },
  { name: 'kill -9 of HAProxy, started again', run: killBalancer },
];

const PAIRS = 2;
const SPREAD = 2;
/** Three heartbeats, and the one at which another program looks. */
const NODE_LOST = SETTINGS.serviceDownTime + SETTINGS.reportInterval;
/** The lease, and the pause at which another program tries to take it. */
const TAKE_OVER = SETTINGS.leaseTime + SETTINGS.leaseTime / 3;
/** What HAProxy needs to notice. */
const BALANCER_SECONDS = 3;

async function killApi(trial: Trial): Promise<Outcome> {
  const { site, users } = trial;
  await users.openMixed(PAIRS, SPREAD);
  const traffic = new Traffic(site);
  await delay(1500);
  const struck = performance.now();
  await site.node('api1').kill();
  await delay(BALANCER_SECONDS * 1000);
  await traffic.stop();
  const outage = traffic.outage(struck);
  trial.claim('the other API serves all requests in time', outage < BALANCER_SECONDS, traffic.words);
  const open = users.desktops.length;
  const lost = users.lost.length;
  trial.claim('no session is lost', lost === 0, `${lost} lost`);
  await trial.prove('every session works', () => users.roundTrips(), milliseconds);
  const seconds = await trial.recordsRight('the records are right', struck, NODE_LOST * 1000);
  return { open, lost, seconds };
}

async function killProxy(trial: Trial): Promise<Outcome> {
  const { site, users } = trial;
  const struck = await strikeProxy(trial);
  const lost = users.lost.length;
  // The other node has the dead one's word for it that the main channel lives, until that one counts as lost.
  await trial.prove(
    'their users come back through the other proxy with the same token',
    () => users.reconnect(SETTINGS.reconnectGrace * 1000),
    (seconds) =>
      `the slowest after ${((performance.now() - struck) / 1000).toFixed(1)} s (tried for ${seconds.toFixed(1)} s)`,
  );
  const seconds = (performance.now() - struck) / 1000;
  trial.claim(
    'no later than the node counts as lost',
    seconds <= NODE_LOST + BALANCER_SECONDS,
    `${seconds.toFixed(1)} s`,
  );
  await trial.recordsRight('the records are right within three heartbeats', struck, NODE_LOST * 1000);
  await trial.prove('every session works', () => users.roundTrips(), milliseconds);
  const audited = await site.rows<{ session_id: string; times: number }>(
    "SELECT session_id, COUNT(*) AS times FROM {schema}.audit_events WHERE message = 'Node lost' AND node = 'proxy1' " +
      `AND session_id IN (${users.desktops.map(({ sessionId }) => `'${sessionId}'`).join()}) GROUP BY session_id`,
  );
  trial.claim(
    'the audit says once of each session that it lost its node',
    audited.length === lost && audited.every(({ times }) => times === 1),
    `${audited.length} sessions`,
  );
  const start = performance.now();
  await site.node('proxy1').start();
  await trial.recordsRight('and when it is started again', start, NODE_LOST * 1000);
  return { open: users.desktops.length, lost, seconds };
}

async function killAndStartProxy(trial: Trial): Promise<Outcome> {
  const { site, users } = trial;
  const struck = await strikeProxy(trial);
  const lost = users.lost.length;
  await site.node('proxy1').start();
  await trial.prove(
    'their users come back with the same token as soon as it runs',
    () => users.reconnect(10_000),
    () => `${((performance.now() - struck) / 1000).toFixed(1)} s after the kill`,
  );
  const seconds = (performance.now() - struck) / 1000;
  await trial.recordsRight('the records are right', struck, NODE_LOST * 1000);
  await trial.prove('every session works', () => users.roundTrips(), milliseconds);
  return { open: users.desktops.length, lost, seconds };
}

/** Sessions of every kind, then kill -9 of proxy1; gives when. Claims who lost what. */
async function strikeProxy(trial: Trial): Promise<number> {
  const { site, users } = trial;
  await users.openMixed(PAIRS, SPREAD);
  await trial.recordsRight('the records are right before', performance.now(), 5000);
  const placement = await users.placement();
  const on = (name: NodeName): string[] =>
    [...placement].filter(([, nodes]) => nodes.has(name)).map(([session]) => session);
  const both = on('proxy1').filter((session) => placement.get(session)?.has('proxy2'));
  trial.claim(
    'there are sessions on either proxy and on both',
    both.length > 0 && both.length < on('proxy1').length && both.length < on('proxy2').length,
    `proxy1 ${on('proxy1').length}, proxy2 ${on('proxy2').length}, both ${both.length}`,
  );
  const struck = performance.now();
  await site.node('proxy1').kill();
  await delay(1000);
  const lost = users.lost.map(({ sessionId }) => sessionId);
  trial.claim(
    'only those sessions lost channels that ran through it',
    lost.toSorted().join() === on('proxy1').toSorted().join(),
    `${lost.length} of ${users.desktops.length}`,
  );
  await trial.prove('the others work', () => users.roundTrips(), milliseconds);
  return struck;
}

async function leader(trial: Trial): Promise<Node> {
  const [lease] = await trial.site.rows<{ holder: string }>(
    "SELECT holder FROM {schema}.leases WHERE name = 'reaping'",
  );
  const node = trial.site.role('conductor').find(({ name, binary }) => lease?.holder === `${name} ${binary}`);
  if (node === undefined) throw new Error('no conductor leads');
  return node;
}

async function holders(trial: Trial): Promise<string> {
  const rows = await trial.site.rows<{ name: string; holder: string }>(
    'SELECT name, holder FROM {schema}.leases ORDER BY name',
  );
  return [...new Set(rows.map(({ holder }) => holder))].join(', ');
}

async function killLeader(trial: Trial): Promise<Outcome> {
  const { users } = trial;
  await users.openMixed(1, 1);
  const node = await leader(trial);
  const struck = performance.now();
  await node.kill();
  await trial.prove('sessions go on', () => users.keepWorking(3000), milliseconds);
  const seconds = await trial.recordsRight(
    'the other takes over within the lease time',
    struck,
    TAKE_OVER * 1000,
  );
  const lost = users.lost.length;
  trial.claim('no session is lost', lost === 0, `${lost} lost, ${await holders(trial)} leads`);
  return { open: users.desktops.length, lost, seconds };
}

async function stopLeader(trial: Trial): Promise<Outcome> {
  const { users } = trial;
  await users.openMixed(1, 1);
  const node = await leader(trial);
  const struck = performance.now();
  node.signal('SIGSTOP');
  const seconds = await takenOver(trial, node, struck).finally(() => node.signal('SIGCONT'));
  await delay(2000);
  const after = await leader(trial);
  trial.claim('the one that was held up does not lead any more', after !== node, `${after.name} leads`);
  await trial.recordsRight('the records are right afterwards', performance.now(), NODE_LOST * 1000);
  const lost = users.lost.length;
  trial.claim('no session is lost', lost === 0, `${lost} lost`);
  return { open: users.desktops.length, lost, seconds };
}

async function cutLeader(trial: Trial): Promise<Outcome> {
  const { site, users } = trial;
  await users.openMixed(1, 1);
  const node = await leader(trial);
  const struck = performance.now();
  site.network.cut(node.name, 'control');
  const seconds = await takenOver(trial, node, struck).finally(() => site.network.heal(node.name, 'control'));
  await trial.recordsRight('the records are right afterwards', performance.now(), NODE_LOST * 1000);
  const after = await leader(trial);
  trial.claim('the one that was cut off does not lead any more', after !== node, `${after.name} leads`);
  const lost = users.lost.length;
  trial.claim('no session is lost', lost === 0, `${lost} lost`);
  return { open: users.desktops.length, lost, seconds };
}

async function takenOver(trial: Trial, node: Node, struck: number): Promise<number> {
  for (;;) {
    const seconds = (performance.now() - struck) / 1000;
    const [row] = await trial.site.rows<{ count: number }>(
      'SELECT COUNT(*) AS count FROM {schema}.leases ' +
        `WHERE holder = '${node.name} ${node.binary}' OR expires < UNIX_TIMESTAMP(NOW(6))`,
    );
    if (row?.count === 0 || seconds > TAKE_OVER) {
      trial.claim(
        'the other takes over within the lease time',
        row?.count === 0,
        `${seconds.toFixed(1)} s, ${await holders(trial)} leads`,
      );
      return seconds;
    }
    await delay(200);
  }
}

async function killBalancer(trial: Trial): Promise<Outcome> {
  const { site, users } = trial;
  await users.openMixed(1, 1);
  const struck = performance.now();
  await site.balancer.kill();
  await delay(1000);
  const lost = users.lost.length;
  await site.balancer.start();
  await trial.prove(
    'all users come back with the same token',
    () => users.reconnect(20_000),
    () => `${((performance.now() - struck) / 1000).toFixed(1)} s after the kill`,
  );
  const seconds = (performance.now() - struck) / 1000;
  await trial.prove('every session works', () => users.roundTrips(), milliseconds);
  await trial.recordsRight('the records are right', struck, NODE_LOST * 1000);
  return { open: users.desktops.length, lost, seconds };
}

/** Words for the slowest round trip. */
export function milliseconds(slowest: number): string {
  return `slowest round trip ${slowest.toFixed(0)} ms`;
}
