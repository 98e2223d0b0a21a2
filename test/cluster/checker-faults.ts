// SPDX-License-Identifier: Apache-2.0
// The checker itself: each of its rules finds the wrong row that it is for. The records of a working cluster, with one
// session open and one terminated, are made wrong in memory, one way for each rule.
import { CHANNEL } from '../../src/console/spice/constants.js';
import type { Fault, Outcome, Trial } from './fault.js';
import { findWrong, RULES } from './records.js';
import { SETTINGS } from './site.js';
import { readRecords, readTruth, type Records, type SessionRecord, type Truth } from './snapshot.js';

/** In the order that they run. */
export const CHECKER_FAULTS: readonly Fault[] = [{ name: 'none: the checker finds wrong rows', run: prove }];

/** What a rule is tried on. */
interface Scene {
  readonly records: Records;
  readonly truth: Truth;
  /** The session that is open. */
  readonly active: SessionRecord;
  /** The session that was terminated. */
  readonly ended: SessionRecord;
}

type Row = Records['connections'][number];

function rowOf({ records, active }: Scene): Row {
  return records.connections.find((row) => row.session_id === active.session_id && row.closed === null)!;
}

function mainRow({ records, active }: Scene): Row {
  return records.connections.find((row) => row.connection_ref === active.main_ref)!;
}

function closedRow({ records }: Scene): Row {
  return records.connections.find((row) => row.closed !== null)!;
}

function proxies({ truth }: Scene): Truth['processes'] {
  return truth.processes.filter(({ binary }) => binary === 'kerbside-proxy');
}

/** One way in which the records can be wrong, by the rule that must find it. */
const WRONGS: Readonly<Record<string, (scene: Scene) => void>> = {
  'an open row has a live channel': ({ truth }) => {
    truth.channels.pop();
  },
  'a live channel has an open row': (scene) => {
    Object.assign(rowOf(scene), { closed: scene.records.now, state: 'closed', reason: 'wrong' });
  },
  'an open row is on a proxy that runs': (scene) => {
    for (const process of proxies(scene)) process.running = false;
  },
  'a proxy counts as many channels as it has open rows': (scene) => {
    proxies(scene)[0]!.channels = 99;
  },
  'a channel has one row': (scene) => {
    scene.records.connections.push({ ...rowOf(scene), id: 0 });
  },
  'an authorized channel becomes connected or closed': (scene) => {
    Object.assign(rowOf(scene), { state: 'authorized', created: scene.records.now - 600 });
  },
  'a closed row says when and why': (scene) => {
    closedRow(scene).reason = null;
  },
  'an active session has its main channel': (scene) => {
    scene.active.main_ref = null;
  },
  'a live main channel has an active session': ({ active }) => {
    active.state = 'closing';
  },
  'a claim on the main channel has a channel': (scene) => {
    mainRow(scene).generation -= 1;
  },
  'no session is closing forever': ({ records, ended }) => {
    ended.closing_since = records.now - SETTINGS.reconnectGrace - 60;
    ended.state = 'closing';
  },
  'a session that is over has no open row': ({ active, records }) => {
    active.terminated_at = records.now;
  },
  'a terminated session has ended and its token is spent': ({ ended }) => {
    ended.revoked = null;
  },
  'a session has one token': ({ active }) => {
    active.tokens = 0;
  },
  'a lease is held by a process that lives': ({ records }) => {
    records.leases[0]!.holder = 'nobody';
  },
  'a running program is up in the services': ({ records }) => {
    records.services[0]!.heartbeat -= 30;
  },
  'a program that does not run is down in the services': ({ truth }) => {
    truth.processes[0]!.running = false;
  },
};

async function prove(trial: Trial): Promise<Outcome> {
  const { site, users } = trial;
  const [stays, goes] = [await users.open(), await users.open()];
  await trial.terminate(goes.sessionId);
  await goes.ended();
  const seconds = await trial.recordsRight(
    'the records of a working cluster are right',
    performance.now(),
    15_000,
  );
  const records = await readRecords(site);
  const truth = await readTruth(site, users.desktops, trial.terminated);
  for (const { name } of RULES) {
    const scene = sceneOf(structuredClone({ records, truth }), stays.sessionId, goes.sessionId);
    WRONGS[name]?.(scene);
    const found = findWrong(scene.records, scene.truth).some((words) => words.startsWith(`${name}: `));
    if (!found) trial.claim(`the checker finds when not: ${name}`, false);
  }
  const main = truth.channels.filter(({ channelType }) => channelType === CHANNEL.main).length;
  trial.claim(
    'every rule finds the row that it is for',
    trial.failures.length === 0,
    `${RULES.length} rules, ${main} session`,
  );
  return { open: 2, lost: 0, seconds };
}

function sceneOf(
  { records, truth }: { records: Records; truth: Truth },
  active: string,
  ended: string,
): Scene {
  const session = (id: string): SessionRecord => {
    const found = records.sessions.find(({ session_id }) => session_id === id);
    if (found === undefined) throw new Error(`session ${id} is not recorded`);
    return found;
  };
  return { records, truth, active: session(active), ended: session(ended) };
}
