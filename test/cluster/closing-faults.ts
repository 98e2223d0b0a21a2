// SPDX-License-Identifier: Apache-2.0
// The end of the day, after all that has happened: every session that began has ended in the records, too, and no log
// has a secret in it.
import { delay } from '../fixtures/program.js';
import type { Fault, Outcome, Trial } from './fault.js';
import { SETTINGS } from './site.js';
import { readRecords } from './snapshot.js';

/** In the order that they run. */
export const CLOSING_FAULTS: readonly Fault[] = [{ name: 'none: after all users have gone', run: endOfDay }];

/** A lost session may come back for so long; then the reaper, which looks every 5 s, closes it. */
const CLOSED_SECONDS = SETTINGS.reconnectGrace + 15;

async function endOfDay(trial: Trial): Promise<Outcome> {
  const { site, memory } = trial;
  const started = performance.now();
  let left: string[];
  let seconds: number;
  do {
    await delay(500);
    seconds = (performance.now() - started) / 1000;
    const { sessions, connections } = await readRecords(site);
    left = [
      ...sessions
        .filter(({ state }) => state !== 'closed' && state !== 'pending')
        .map(({ session_id }) => session_id),
      ...connections.filter(({ closed }) => closed === null).map(({ connection_ref }) => connection_ref),
    ];
  } while (left.length > 0 && seconds < CLOSED_SECONDS);
  trial.claim(
    'every session that began is closed',
    left.length === 0,
    `${left.length} left after ${seconds.toFixed(0)} s`,
  );
  const logs = [...site.nodes.values()].map(({ log }) => log);
  const leaked = [...memory.secrets].filter((secret) => logs.some((log) => log.includes(secret)));
  const lines = logs.reduce((sum, log) => sum + log.split('\n').length, 0);
  trial.claim(
    'no token and no password is in any log',
    leaked.length === 0,
    `${memory.secrets.size} secrets looked for in ${lines} lines`,
  );
  const ours = logs.flatMap((log) => log.split('\n').filter((line) => line.includes('unexpected failure')));
  trial.claim('no log tells of an unexpected failure', ours.length === 0, ours[0] ?? '');
  return { open: 0, lost: 0, seconds };
}
