// SPDX-License-Identifier: Apache-2.0
// The rules that the records must keep whatever has happened, each a pure function over what the database says and what
// is really there. A finding is a row that is wrong, in words.
import { CHANNEL } from '../../src/console/spice/constants.js';
import type { ConsoleConnectionRow } from '../../src/db/models/console-connection.js';
import { SETTINGS } from './site.js';
import type { LiveChannel, LiveProcess, Records, SessionRecord, Truth } from './snapshot.js';

/** One rule. */
export interface Rule {
  readonly name: string;
  readonly find: (records: Records, truth: Truth) => string[];
}

/** No main channel takes longer to come up than the deadlines of [proxy], seconds. */
const LONGEST_LINK = 45;
/** src/objects/reaper.ts: it looks every 5 s; a new leader may have to take over first. */
const REAPER_SLACK = 10 + SETTINGS.leaseTime;
/** A heartbeat may be this much late, seconds. */
const HEARTBEAT_SLACK = 4;
/** The tasks that one conductor at a time does. */
export const LEASES = ['sources', 'reaping', 'retention', 'services', 'audit chain'] as const;

/** The rules. */
export const RULES: readonly Rule[] = [
  { name: 'an open row has a live channel', find: rowsWithoutChannel },
  { name: 'a live channel has an open row', find: channelsWithoutRow },
  { name: 'an open row is on a proxy that runs', find: rowsOnDeadNodes },
  { name: 'a proxy counts as many channels as it has open rows', find: miscounted },
  { name: 'a channel has one row', find: duplicates },
  { name: 'an authorized channel becomes connected or closed', find: halfDone },
  { name: 'a closed row says when and why', find: badlyClosed },
  { name: 'an active session has its main channel', find: activeWithoutMain },
  { name: 'a live main channel has an active session', find: mainWithoutActive },
  { name: 'a claim on the main channel has a channel', find: emptyClaims },
  { name: 'no session is closing forever', find: closingForever },
  { name: 'a session that is over has no open row', find: rowsOfEndedSessions },
  { name: 'a terminated session has ended and its token is spent', find: unterminated },
  { name: 'a session has one token', find: tokenCounts },
  { name: 'a lease is held by a process that lives', find: badLeases },
  { name: 'a running program is up in the services', find: missingServices },
  { name: 'a program that does not run is down in the services', find: falseServices },
];

/** Every wrong row, as `rule: words`. */
export function findWrong(records: Records, truth: Truth): string[] {
  return RULES.flatMap(({ name, find }) => find(records, truth).map((words) => `${name}: ${words}`));
}

function open(records: Records): ConsoleConnectionRow[] {
  return records.connections.filter(({ closed }) => closed === null);
}

function words(row: ConsoleConnectionRow): string {
  return `row ${row.id}, session ${row.session_id}, channel ${row.channel_type}:${row.channel_id} on ${row.node}`;
}

function isSame(row: ConsoleConnectionRow, channel: LiveChannel): boolean {
  return (
    row.session_id === channel.sessionId &&
    row.channel_type === channel.channelType &&
    row.channel_id === channel.channelId &&
    row.client_ip === channel.address &&
    row.client_port === channel.port
  );
}

function rowsWithoutChannel(records: Records, { channels }: Truth): string[] {
  return open(records)
    .filter((row) => !channels.some((channel) => isSame(row, channel)))
    .map(words);
}

function channelsWithoutRow(records: Records, { channels }: Truth): string[] {
  const rows = open(records).filter(({ state }) => state === 'connected');
  return channels
    .filter((channel) => !rows.some((row) => isSame(row, channel)))
    .map(
      ({ sessionId, channelType, port }) => `session ${sessionId}, channel ${channelType} from port ${port}`,
    );
}

function rowsOnDeadNodes(records: Records, { processes }: Truth): string[] {
  const living = new Set(running(processes, 'kerbside-proxy').map(({ node }) => node));
  return open(records)
    .filter(({ node }) => !living.has(node))
    .map(words);
}

function miscounted(records: Records, { processes }: Truth): string[] {
  return running(processes, 'kerbside-proxy').flatMap(({ node, channels }) => {
    const rows = open(records).filter((row) => row.node === node).length;
    return channels === rows ? [] : [`${node} counts ${channels ?? 'nothing'}, rows: ${rows}`];
  });
}

function duplicates(records: Records): string[] {
  const seen = new Set<string>();
  return open(records).flatMap((row) => {
    const key = `${row.session_id} ${row.channel_type}:${row.channel_id}`;
    if (seen.has(key)) return [words(row)];
    seen.add(key);
    return [];
  });
}

function halfDone(records: Records): string[] {
  return open(records)
    .filter(({ state, created }) => state === 'authorized' && created < records.now - LONGEST_LINK)
    .map(words);
}

function badlyClosed(records: Records): string[] {
  const ended = records.connections.filter(({ state, closed }) => state === 'closed' || closed !== null);
  return ended
    .filter(
      ({ state, closed, reason, created }) =>
        state !== 'closed' || closed === null || (reason ?? '') === '' || closed < created - 1,
    )
    .map(words);
}

function mainOf(records: Records, session: SessionRecord): ConsoleConnectionRow | undefined {
  return open(records).find(
    (row) =>
      row.connection_ref === session.main_ref &&
      row.channel_type === CHANNEL.main &&
      row.generation === session.generation,
  );
}

function activeWithoutMain(records: Records): string[] {
  return records.sessions
    .filter((session) => session.state === 'active' && mainOf(records, session) === undefined)
    .map(({ session_id }) => `session ${session_id}`);
}

function mainWithoutActive(records: Records, { channels }: Truth): string[] {
  const active = new Set(
    records.sessions
      .filter(({ state, terminated_at }) => state === 'active' && terminated_at === null)
      .map(({ session_id }) => session_id),
  );
  return channels
    .filter(({ channelType, sessionId }) => channelType === CHANNEL.main && !active.has(sessionId))
    .map(({ sessionId }) => `session ${sessionId}`);
}

function emptyClaims(records: Records): string[] {
  return records.sessions
    .filter((session) => session.main_ref !== null && mainOf(records, session) === undefined)
    .map(({ session_id, state }) => `session ${session_id} (${state})`);
}

function closingForever(records: Records): string[] {
  const oldest = records.now - SETTINGS.reconnectGrace - REAPER_SLACK;
  return records.sessions
    .filter(({ state, closing_since }) => state === 'closing' && (closing_since ?? 0) < oldest)
    .map(({ session_id, closing_since }) => `session ${session_id} since ${closing_since ?? 'never'}`);
}

function rowsOfEndedSessions(records: Records): string[] {
  const over = new Set(
    records.sessions
      .filter(({ state, terminated_at }) => state === 'closed' || terminated_at !== null)
      .map(({ session_id }) => session_id),
  );
  const known = new Set(records.sessions.map(({ session_id }) => session_id));
  return open(records)
    .filter(({ session_id }) => over.has(session_id) || !known.has(session_id))
    .map(words);
}

function unterminated(records: Records, { terminated, channels }: Truth): string[] {
  const byId = new Map(records.sessions.map((session) => [session.session_id, session]));
  return terminated.flatMap((id) => {
    const session = byId.get(id);
    if (session === undefined) return [`session ${id} is not recorded`];
    const faults = [
      session.terminated_at === null ? 'not terminated' : '',
      session.revoked === null ? 'its token is not revoked' : '',
      session.terminations === 1 ? '' : `${session.terminations} terminations`,
      session.state === 'closing' || session.state === 'closed' ? '' : session.state,
      channels.some(({ sessionId }) => sessionId === id) ? 'a channel lives' : '',
    ].filter((fault) => fault !== '');
    return faults.length === 0 ? [] : [`session ${id}: ${faults.join(', ')}`];
  });
}

function tokenCounts(records: Records): string[] {
  return records.sessions
    .filter(({ tokens, state }) => tokens > 1 || (tokens === 0 && state !== 'closed'))
    .map(({ session_id, tokens, state }) => `session ${session_id} (${state}): ${tokens}`);
}

function badLeases(records: Records, { processes }: Truth): string[] {
  return LEASES.flatMap((name) => {
    const lease = records.leases.find((row) => row.name === name);
    if (lease === undefined) return [`${name}: nobody holds it`];
    if (lease.expires <= records.now)
      return [`${name}: ran out ${(records.now - lease.expires).toFixed(1)} s ago`];
    const holder = processes.find(
      ({ node, binary, running: runs }) => runs && lease.holder === `${node} ${binary}`,
    );
    return holder === undefined ? [`${name}: ${lease.holder} does not run`] : [];
  });
}

function missingServices(records: Records, { processes }: Truth): string[] {
  return processes
    .filter((process) => process.running)
    .flatMap(({ node, binary, pid }) => {
      const rows = records.services.filter((row) => row.host === node && row.binary_name === binary);
      const [row] = rows;
      if (row === undefined || rows.length > 1) return [`${binary} on ${node}: ${rows.length} rows`];
      const age = records.now - row.heartbeat;
      const faults = [
        row.pid === pid ? '' : `pid ${row.pid}, not ${pid}`,
        row.down_since === null ? '' : 'down',
        row.draining === 0 ? '' : 'draining',
        age <= row.report_interval + HEARTBEAT_SLACK ? '' : `heartbeat ${age.toFixed(1)} s old`,
      ].filter((fault) => fault !== '');
      return faults.length === 0 ? [] : [`${binary} on ${node}: ${faults.join(', ')}`];
    });
}

function falseServices(records: Records, { processes }: Truth): string[] {
  return records.services
    .filter(
      (row) =>
        row.down_since === null &&
        !processes.some(
          ({ running: runs, node, binary }) => runs && node === row.host && binary === row.binary_name,
        ),
    )
    .map(({ host, binary_name }) => `${binary_name} on ${host} is up`);
}

function running(processes: readonly LiveProcess[], binary: string): LiveProcess[] {
  return processes.filter((process) => process.running && process.binary === binary);
}
