// SPDX-License-Identifier: Apache-2.0
// What time takes away: expired tokens and ended sessions. Safe to run on several nodes at once: each
// step is decided by one conditional statement, and the process that moved the row audits it.
import { deleteUnusedList, listUnusedLists } from '../db/api/access-grants.js';
import { closeLost, purgeConnections } from '../db/api/console-connections.js';
import {
  closeSessions,
  expireSession,
  listOverdueSessions,
  listStaleClaims,
  purgeSessions,
  releaseMains,
} from '../db/api/console-sessions.js';
import { deleteToken, listExpiredUnused } from '../db/api/console-tokens.js';
import { deleteUsedTokensBefore } from '../db/api/used-tokens.js';
import type { Database } from '../db/database.js';
import { AuditEvents } from './audit-event.js';
import { AUDIT } from './audit-message.js';

export interface ReaperOptions {
  /** `[console] reconnect_grace`, seconds. */
  readonly reconnectGrace: number;
  /** Who reaps, for the audit trail: name of the node, and of the program. */
  readonly node?: string;
  readonly service?: string;
}

/** What one pass did. */
export interface Reaped {
  /** Tokens that expired unused. */
  tokens: number;
  /** Sessions moved to closed. */
  sessions: number;
  /** Closed sessions and connections removed. */
  purged: number;
}

const BATCH = 500;
/** Rows of what is over are kept this long, seconds. */
const KEEP_CLOSED = 86_400;
/** Used tokens are remembered so long after their end, seconds: a node whose clock is behind still takes them. */
const KEEP_USED = 3_600;
/** Channels of an ended session have this long to report their own end, seconds. */
const LEAST_CLOSING = 30;
/** No main channel takes this long to come up: `[proxy]` deadlines allow at most 60 s each. */
const STALE_CLAIM = 600;

/**
 * Tokens expired and unused, sessions past their grace, rows closed for more than a day.
 *
 * @param now epoch seconds, for what is written
 * @param due the same for what is over: earlier, when the clock was set forward
 */
export async function reapExpired(
  db: Database,
  options: ReaperOptions,
  now: number,
  due = now,
): Promise<Reaped> {
  await releaseStaleClaims(db, now, due);
  const tokens = await reapTokens(db, options, now, due);
  const sessions = await reapSessions(db, due - Math.max(options.reconnectGrace, LEAST_CLOSING), now);
  const purged =
    (await repeat(() => purgeConnections(db, due - KEEP_CLOSED, BATCH))) +
    (await repeat(() => purgeSessions(db, due - KEEP_CLOSED, BATCH)));
  await repeat(() => deleteUsedTokensBefore(db, due - KEEP_USED, BATCH));
  return { tokens, sessions, purged };
}

/** Lists of access that are looked at in one pass; the others wait for the next. */
const MOST_LISTS = 5_000;

/**
 * Removes lists of access that have held for no console since the pass before: its guest or its source has gone, or says something else. One
 * pass alone would meet lists that are just being written down for consoles that come.
 *
 * @param before those that held for none then
 * @returns how many were removed, and those that hold for none now
 */
export async function reapAccessLists(
  db: Database,
  before: ReadonlySet<string>,
): Promise<{ readonly removed: number; readonly unused: ReadonlySet<string> }> {
  const unused = new Set<string>();
  let removed = 0;
  for (const id of await listUnusedLists(db, MOST_LISTS)) {
    if (!before.has(id)) unused.add(id);
    else if (await deleteUnusedList(db, id)) removed += 1;
    await breathe();
  }
  return { removed, unused };
}

async function reapTokens(
  db: Database,
  { node, service }: ReaperOptions,
  now: number,
  due: number,
): Promise<number> {
  const audit = new AuditEvents(db, { now: () => now, service });
  return repeat(async () => {
    let reaped = 0;
    for (const token of await listExpiredUnused(db, due, BATCH)) {
      const { source, uuid, session_id, issued_to } = token;
      if (!(await expireSession(db, session_id, now))) continue;
      await audit.record({
        ...{ source, uuid, session_id, node, pid: process.pid, message: AUDIT.tokenReaped },
        ...{ issued_to, by: { kind: 'service' } as const },
      });
      await deleteToken(db, token.token_hash);
      reaped += 1;
    }
    return reaped;
  });
}

async function reapSessions(db: Database, before: number, now: number): Promise<number> {
  return repeat(async () => {
    const overdue = await listOverdueSessions(db, before, BATCH);
    return overdue.length === 0 ? 0 : closeSessions(db, overdue, before, now);
  });
}

async function releaseStaleClaims(db: Database, now: number, due: number): Promise<void> {
  const stale = await listStaleClaims(db, due - STALE_CLAIM, BATCH);
  if (stale.length === 0) return;
  await releaseMains(db, stale, now);
  await closeLost(db, stale, 'node lost', now);
}

async function repeat(step: () => Promise<number>): Promise<number> {
  let total = 0;
  for (;;) {
    const done = await step();
    if (done === 0) return total;
    total += done;
    await breathe();
  }
}

// SQLite's driver is synchronous: without this a long clean-up would hold up every request.
function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
