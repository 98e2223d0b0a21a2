// SPDX-License-Identifier: Apache-2.0
// Takes over what the original Kerbside knows: consoles, tokens that still hold, the audit trail. May run again at any time,
// also after it was interrupted: what is there already stays as it is.
import { eventsBetween, insertAuditEvents } from '../db/api/audit-events.js';
import { findSession, insertSession } from '../db/api/console-sessions.js';
import { insertToken } from '../db/api/console-tokens.js';
import type { Database } from '../db/database.js';
import { DuplicateRow } from '../db/faults.js';
import type { OriginalConsole, OriginalDatabase, OriginalEvent, OriginalToken } from '../db/original.js';
import { InvalidInput } from '../exception.js';
import { hashToken } from './console-token.js';
import type { Consoles } from './console.js';

/** What was taken over, and what was not. */
export interface ImportOutcome {
  consoles: number;
  tokens: number;
  events: number;
  /** Rows that do not fit, one line each. No secrets. */
  readonly refused: string[];
}

const PAGE = 500;
const SESSION_ID = /^[A-Za-z0-9]{1,12}$/;
const WIDTH = { source: 255, uuid: 36, channel: 32, node: 255, message: 8192 } as const;

/**
 * Takes everything over.
 *
 * @param o.now epoch seconds; tokens that have expired by then are left
 * @param o.progress called after each page of the audit trail with the number of events read and of all
 */
export async function importOriginal(
  db: Database,
  original: OriginalDatabase,
  consoles: Pick<Consoles, 'identify' | 'put'>,
  o: { readonly now: number; readonly progress: (done: number, total: number) => void },
): Promise<ImportOutcome> {
  const outcome: ImportOutcome = { consoles: 0, tokens: 0, events: 0, refused: [] };
  await importConsoles(original, consoles, outcome);
  for (const token of await original.tokens(o.now)) await importToken(db, token, outcome);
  await importEvents(db, original, outcome, o.progress);
  return outcome;
}

async function importConsoles(
  original: OriginalDatabase,
  consoles: Pick<Consoles, 'identify' | 'put'>,
  outcome: ImportOutcome,
): Promise<void> {
  let after = { source: '', uuid: '' };
  for (;;) {
    const page = await original.consoles(after, PAGE);
    for (const row of page) {
      // What this Kerbside has found out itself is newer.
      if ((await consoles.identify(row.source, row.uuid)) !== null) continue;
      if (await putConsole(consoles, row, outcome)) outcome.consoles += 1;
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = { source: last.source, uuid: last.uuid };
  }
}

async function putConsole(
  consoles: Pick<Consoles, 'put'>,
  row: OriginalConsole,
  outcome: ImportOutcome,
): Promise<boolean> {
  try {
    await consoles.put(row.source, {
      uuid: row.uuid,
      name: row.name ?? row.uuid,
      hypervisor: row.hypervisor,
      hypervisorIp: row.hypervisor_ip,
      insecurePort: port(row.insecure_port),
      securePort: port(row.secure_port),
      hostSubject: row.host_subject,
      ticket: row.ticket ?? '',
    });
    return true;
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    outcome.refused.push(`console ${row.source}/${row.uuid}: ${error.message}`);
    return false;
  }
}

/** The original writes 0, and once wrote -1, where there is no port. */
function port(value: number | null): number | null {
  return value !== null && value > 0 && value < 65_536 ? value : null;
}

// The session first: a token without a session would be useless, and could not be found again. A session without its
// token, which an interruption leaves behind, gets it with the next run.
async function importToken(db: Database, row: OriginalToken, outcome: ImportOutcome): Promise<void> {
  const { token, session_id, source, uuid, created, expires } = row;
  if (!SESSION_ID.test(session_id) || token === '') {
    outcome.refused.push(`token of console ${source}/${uuid}: its session id is none`);
    return;
  }
  if (!(await inserted(insertSession(db, { session_id, source, uuid, created })))) {
    const session = await findSession(db, session_id);
    // Only one that was neither begun nor ended: a token that was used or revoked since then stays so.
    if (session?.state !== 'pending' || session.terminated_at !== null) return;
    if (session.source !== source || session.uuid !== uuid) return;
  }
  const token_hash = hashToken(token);
  const fresh = {
    token_hash,
    session_id,
    source,
    uuid,
    issued_to: 'original',
    created,
    expires,
    principals: null,
    replaces: 0,
  };
  if (await inserted(insertToken(db, fresh))) outcome.tokens += 1;
}

/** Waits for an insertion; false when the row is there already. */
async function inserted(insertion: Promise<void>): Promise<boolean> {
  try {
    await insertion;
    return true;
  } catch (error) {
    if (error instanceof DuplicateRow) return false;
    throw error;
  }
}

async function importEvents(
  db: Database,
  original: OriginalDatabase,
  outcome: ImportOutcome,
  progress: (done: number, total: number) => void,
): Promise<void> {
  const total = await original.countEvents();
  let done = 0;
  for (
    let after: Parameters<OriginalDatabase['events']>[0] | null = { source: '', uuid: '', timestamp: '' };
    ;
  ) {
    const page = await original.events(after, PAGE);
    const fresh = await withoutKnown(db, page.events.map(fitted));
    await insertAuditEvents(db, fresh);
    outcome.events += fresh.length;
    done += page.events.length;
    progress(done, total);
    if (page.next === null) return;
    after = page.next;
  }
}

function fitted(event: OriginalEvent): OriginalEvent {
  return {
    source: event.source.slice(0, WIDTH.source),
    uuid: event.uuid.slice(0, WIDTH.uuid),
    timestamp: event.timestamp,
    session_id: event.session_id?.slice(0, 12) ?? null,
    channel: event.channel?.slice(0, WIDTH.channel) ?? null,
    node: event.node?.slice(0, WIDTH.node) ?? null,
    pid: event.pid,
    message: event.message.slice(0, WIDTH.message),
  };
}

/** The events that an earlier run has not written yet. */
async function withoutKnown(db: Database, events: readonly OriginalEvent[]): Promise<OriginalEvent[]> {
  const fresh: OriginalEvent[] = [];
  const known = new Map<string, Set<string>>();
  for (const event of events) {
    const console = `${event.source}/${event.uuid}`;
    const there = known.get(console) ?? new Set(await knownOf(db, event, events));
    known.set(console, there);
    if (!there.has(identity(event))) fresh.push(event);
  }
  return fresh;
}

// An event of a page belongs to the time between the first and the last of its console in it.
async function knownOf(
  db: Database,
  { source, uuid }: OriginalEvent,
  page: readonly OriginalEvent[],
): Promise<string[]> {
  const times = page
    .filter((event) => event.source === source && event.uuid === uuid)
    .map(({ timestamp }) => timestamp);
  const rows = await eventsBetween(db, source, uuid, Math.min(...times), Math.max(...times));
  return rows.map(identity);
}

function identity(event: Pick<OriginalEvent, 'timestamp' | 'message' | 'session_id' | 'channel'>): string {
  return JSON.stringify([event.timestamp, event.message, event.session_id, event.channel]);
}
