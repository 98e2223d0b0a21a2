// SPDX-License-Identifier: Apache-2.0
// MariaDB and RabbitMQ go away, in order or by kill -9, and come back: running sessions go on, new ones are refused with
// a clear reason while the database is away, and what was acknowledged before or meanwhile holds afterwards.
import type { ApiAnswer } from '../fixtures/kerbside-process.js';
import { delay, waitFor } from '../fixtures/program.js';
import type { Desktop } from './desktop.js';
import type { Fault, Outcome, Trial } from './fault.js';
import { milliseconds } from './kill-faults.js';
import { SETTINGS } from './site.js';

/** In the order that they run. */
export const OUTAGE_FAULTS: readonly Fault[] = [
  {
    name: 'RabbitMQ stopped and started',
    run: (trial) => brokerAway(trial, () => trial.site.broker.shutdown()),
  },
  {
    name: 'kill -9 of RabbitMQ, started again',
    run: (trial) => brokerAway(trial, () => trial.site.broker.kill()),
  },
  {
    name: 'MariaDB stopped and started',
    run: (trial) => databaseAway(trial, () => trial.site.database.kill('SIGTERM')),
  },
  {
    name: 'kill -9 of MariaDB, started again',
    run: (trial) => databaseAway(trial, () => trial.site.database.kill('SIGKILL')),
  },
  {
    name: 'MariaDB away until all nodes look dead',
    run: (trial) => databaseAway(trial, () => trial.site.database.kill('SIGTERM'), LONG_AWAY_MS),
  },
  { name: 'MariaDB frozen until all nodes look dead', run: databaseFrozen },
  { name: 'queues deleted, password changed', run: brokerHostile },
];

const AWAY_MS = 6000;
/** Longer than a node may be silent. */
const LONG_AWAY_MS = (SETTINGS.serviceDownTime + SETTINGS.reportInterval) * 1000;
/** A program whose queue is gone makes a new one. */
const QUEUES_BACK_MS = 5000;
const FANOUT_ROUNDS = 4;
/** The longest pause between two attempts to connect to the broker, and the splay. */
const BROKER_BACK_MS = 35_000;
const RECORDS_MS = (SETTINGS.serviceDownTime + 2 * SETTINGS.reportInterval) * 1000;

async function brokerAway(trial: Trial, stop: () => Promise<void>): Promise<Outcome> {
  const { site, users } = trial;
  await users.openMixed(2, 1);
  await stop();
  let came: number | undefined;
  try {
    await trial.prove('running sessions go on', () => users.keepWorking(AWAY_MS), milliseconds);
    const desktop = await trial.prove(
      'a new session starts',
      () => users.open(),
      () => '',
    );
    if (desktop !== undefined) {
      const seconds = await ends(trial, desktop.sessionId);
      trial.claim(
        'and is terminated within the poll interval',
        seconds !== null && seconds <= SETTINGS.pollInterval + 1,
        `${seconds?.toFixed(2) ?? 'never'} s`,
      );
    }
  } finally {
    await site.broker.restart();
    came = performance.now();
  }
  await trial.prove(
    'every program is connected again',
    () => connected(trial),
    () => '',
  );
  const seconds = (performance.now() - came) / 1000;
  await fanoutWorks(trial);
  const lost = lostByFault(trial);
  trial.claim('no session is lost', lost === 0, `${lost} lost`);
  await trial.recordsRight('the records are right', came, RECORDS_MS);
  return { open: users.desktops.length, lost, seconds };
}

/** Terminates a session; seconds until its last channel ended, null after ten. */
async function ends(trial: Trial, sessionId: string): Promise<number | null> {
  const desktop = trial.users.desktops.find((other) => other.sessionId === sessionId);
  const asked = performance.now();
  const status = await trial.terminate(sessionId);
  if (status !== 200 || desktop === undefined) return null;
  const ended = await Promise.race([desktop.ended().then(() => true), delay(10_000).then(() => false)]);
  return ended ? (performance.now() - asked) / 1000 : null;
}

/** Every program says so in its row of the services, at a heartbeat from now on. */
async function connected(trial: Trial): Promise<true> {
  const [clock] = await trial.site.rows<{ now: number }>('SELECT UNIX_TIMESTAMP(NOW(6)) + 0e0 AS now');
  const since = clock?.now ?? 0;
  return waitFor(
    'connection of every program to the broker',
    async () => {
      const rows = await trial.site.rows<{ report: string | null; heartbeat: number }>(
        'SELECT report, heartbeat FROM {schema}.services',
      );
      return rows.every(
        ({ report, heartbeat }) =>
          heartbeat > since && /"messaging":\{"state":"connected"/.test(report ?? ''),
      );
    },
    { giveUpMs: BROKER_BACK_MS },
  );
}

/** Several sessions, because the poll alone would be in time for some. */
async function fanoutWorks(trial: Trial): Promise<void> {
  const times: (number | null)[] = [];
  for (let round = 0; round < FANOUT_ROUNDS; round += 1) {
    const desktop = await trial.users.open();
    times.push(await ends(trial, desktop.sessionId));
  }
  trial.claim(
    'termination is everywhere at once again',
    times.every((seconds) => seconds !== null && seconds < 1),
    times.map((seconds) => `${seconds?.toFixed(2) ?? 'never'} s`).join(', '),
  );
}

/** Sessions that are not whole, though nobody terminated them. */
function lostByFault({ users, terminated }: Trial): number {
  return users.lost.filter(
    ({ sessionId, channels }) => channels.length > 0 && !terminated.includes(sessionId),
  ).length;
}

async function databaseAway(trial: Trial, stop: () => Promise<void>, awayMs = AWAY_MS): Promise<Outcome> {
  const { site, users } = trial;
  await users.openMixed(2, 1);
  const [early, late, goer] = [await users.open(), await users.open(), await users.open()];
  const unused = await users.arrive();
  const barred = await users.arrive();
  const statuses = [await trial.terminate(early.sessionId), await trial.terminate(barred.sessionId)];
  await stop();
  trial.claim(
    'terminations are acknowledged right before',
    statuses.every((status) => status === 200),
  );
  let came: number | undefined;
  try {
    await trial.prove('running sessions go on', () => users.keepWorking(awayMs / 2), milliseconds);
    await refusedMeanwhile(trial, unused);
    const status = await trial.terminate(late.sessionId).catch(() => 0);
    trial.claim('no termination is acknowledged meanwhile', status !== 200, `status ${status}`);
    await goer.close();
    await trial.prove('and on', () => users.keepWorking(awayMs / 2), milliseconds);
  } finally {
    await site.database.restart();
    came = performance.now();
  }
  const back = await trial.prove(
    'new sessions start again',
    () => waitFor('new session', () => users.open(), { everyMs: 200 }),
    () => `${((performance.now() - came) / 1000).toFixed(1)} s after the database`,
  );
  const seconds = (performance.now() - came) / 1000;
  trial.claim(
    'an outage of the database ends no session',
    back !== undefined && lostByFaultBut(trial, goer.sessionId) === 0,
  );
  const token = await unused.openMain().then(
    () => 'it starts a session',
    (error: unknown) => String(error),
  );
  trial.claim('a token of before the outage is good', token === 'it starts a session', token);
  const words = [await early.tryToken(), await barred.tryToken()];
  trial.claim(
    'tokens that were terminated before are spent',
    words.every((word) => word === 'permission denied'),
    words.join(', '),
  );
  await trial.recordsRight('the records are right', came, RECORDS_MS);
  await endRecorded(trial, goer.sessionId, awayMs);
  await trial.prove('every session works', () => users.roundTrips(), milliseconds);
  return { open: users.desktops.length, lost: lostByFaultBut(trial, goer.sessionId), seconds };
}

/** Of a user who left meanwhile the records tell afterwards how much went through, and the audit that it ended. */
async function endRecorded(trial: Trial, sessionId: string, awayMs: number): Promise<void> {
  const rows = await trial.site.rows<{ reason: string; bytes_down: number | null }>(
    `SELECT reason, bytes_down FROM {schema}.console_connections WHERE session_id = '${sessionId}'`,
  );
  const known = rows.filter(({ reason, bytes_down }) => reason !== 'node lost' && bytes_down !== null);
  // Nodes that were taken for dead in between have no say in what ended then.
  trial.claim(
    'the end of a user who left meanwhile is recorded',
    known.length === rows.length || awayMs > SETTINGS.serviceDownTime * 1000,
    rows.map(({ reason, bytes_down }) => `${reason} ${bytes_down ?? '?'} bytes`).join(', '),
  );
}

function lostByFaultBut(trial: Trial, gone: string): number {
  return trial.users.lost.filter(
    ({ sessionId, channels }) =>
      sessionId !== gone && channels.length > 0 && !trial.terminated.includes(sessionId),
  ).length;
}

async function refusedMeanwhile(trial: Trial, unused: Desktop): Promise<void> {
  const { site } = trial;
  const asked = performance.now();
  const answers = await Promise.all(
    site.role('api').map((node) => site.api('GET', site.path(site.desks[1]!), node)),
  );
  trial.claim(
    'the API refuses new sessions with the reason',
    answers.every(({ status, body }) => status === 503 && /database/i.test(body)),
    `${brief(answers)}, ${((performance.now() - asked) / 1000).toFixed(1)} s`,
  );
  const health = await Promise.all(site.role('api').map((node) => site.api('GET', '/healthcheck', node)));
  trial.claim(
    '/healthcheck says so',
    health.every(({ status }) => status === 503),
    brief(health),
  );
  // A client that hears a result asks its user for another password, and this one is right.
  const words = await Promise.all(site.role('proxy').map(({ address }) => unused.tryToken(address)));
  trial.claim(
    'the proxies let nobody in and call no token wrong',
    words.every((word) => word.startsWith('closed at result')),
    words.join(', '),
  );
  trial.claim(
    'and their log has the reason',
    site
      .role('proxy')
      .every(({ log }) =>
        log.includes('the database is away: running sessions go on, new channels are refused'),
      ),
  );
}

function brief(answers: readonly ApiAnswer[]): string {
  return answers.map(({ status, body }) => `${status} ${body.replace(/\s+/g, ' ').trim()}`)[0] ?? '';
}

async function brokerHostile(trial: Trial): Promise<Outcome> {
  const { site, users } = trial;
  await users.openMixed(1, 1);
  const { broker, virtualHost } = site;
  await broker.evaluate(
    '[rabbit_amqqueue:delete(Q, false, false, <<"operator">>) || Q <- rabbit_amqqueue:list()], ok',
  );
  trial.note('all queues were deleted');
  await delay(QUEUES_BACK_MS);
  await fanoutWorks(trial);
  await broker.setPassword(virtualHost.user, 'another');
  await broker.closeConnections();
  await trial.prove(
    'with the password changed sessions go on',
    () => users.keepWorking(AWAY_MS),
    milliseconds,
  );
  await broker.setPassword(virtualHost.user, virtualHost.password);
  const back = performance.now();
  await trial.prove(
    'every program is connected again',
    () => connected(trial),
    () => '',
  );
  const seconds = (performance.now() - back) / 1000;
  await fanoutWorks(trial);
  const lost = lostByFault(trial);
  trial.claim('no session is lost', lost === 0, `${lost} lost`);
  await trial.recordsRight('the records are right', back, RECORDS_MS);
  return { open: users.desktops.length, lost, seconds };
}

async function databaseFrozen(trial: Trial): Promise<Outcome> {
  const { site, users } = trial;
  await users.openMixed(2, 1);
  const unused = await users.arrive();
  site.database.freeze(true);
  try {
    await trial.prove('running sessions go on', () => users.keepWorking(LONG_AWAY_MS / 2), milliseconds);
    await refusedMeanwhile(trial, unused);
    await trial.prove('and on', () => users.keepWorking(LONG_AWAY_MS / 2), milliseconds);
  } finally {
    site.database.freeze(false);
  }
  const came = performance.now();
  await trial.prove(
    'new sessions start again',
    () => waitFor('new session', () => users.open(), { everyMs: 200 }),
    () => `${((performance.now() - came) / 1000).toFixed(1)} s after the database`,
  );
  const seconds = (performance.now() - came) / 1000;
  await trial.recordsRight('the records are right', came, RECORDS_MS);
  await trial.prove('every session works', () => users.roundTrips(), milliseconds);
  const lost = lostByFault(trial);
  trial.claim('no session is lost', lost === 0, `${lost} lost`);
  return { open: users.desktops.length - 1, lost, seconds };
}
