// SPDX-License-Identifier: Apache-2.0
// The audit trail: what happened to which console, in the words that the original uses.
import { countAuditEvents, insertAuditEvents, newestAuditEvents } from '../db/api/audit-events.js';
import type { Database } from '../db/database.js';
import { systemClock } from './clock.js';
import type { Clock } from './clock.js';

export interface AuditEntry {
  /** '' for events that belong to no console, such as logins. */
  source: string;
  uuid: string;
  session_id?: string | null | undefined;
  /** Channel name, as `main`. */
  channel?: string | null | undefined;
  node?: string | null | undefined;
  pid?: number | null | undefined;
  /** When it happened, epoch seconds; absent: now. */
  timestamp?: number | undefined;
  message: string;
}

export interface AuditEvent {
  id: number;
  source: string;
  uuid: string;
  session_id: string | null;
  channel: string | null;
  node: string | null;
  pid: number | null;
  /** Epoch seconds. */
  timestamp: number;
  message: string;
}

const MOST_IN_ONE_STATEMENT = 200;
/** Widths of the columns: a stranger's text (a uuid in a URL, a user name) is cut, never refused. */
const WIDTH = { source: 255, uuid: 36, sessionId: 12, channel: 32, node: 255, message: 8192 } as const;

/** Writes and reads the audit trail. */
export class AuditEvents {
  private readonly db: Database;
  private readonly now: Clock;

  constructor(db: Database, options: { now?: Clock } = {}) {
    this.db = db;
    this.now = options.now ?? systemClock;
  }

  /** Appends one event. */
  async record(entry: AuditEntry): Promise<void> {
    await insertAuditEvents(this.db, [toRow(entry, this.now())]);
  }

  /** Appends many events in few statements. */
  async recordMany(entries: readonly AuditEntry[]): Promise<void> {
    const now = this.now();
    for (let at = 0; at < entries.length; at += MOST_IN_ONE_STATEMENT) {
      const rows = entries.slice(at, at + MOST_IN_ONE_STATEMENT).map((entry) => toRow(entry, now));
      await insertAuditEvents(this.db, rows);
    }
  }

  /** The newest `limit` events of a console, oldest first, and how many there are in all. */
  async list(source: string, uuid: string, limit: number): Promise<{ events: AuditEvent[]; total: number }> {
    const events = await newestAuditEvents(this.db, source, uuid, limit);
    const total = await countAuditEvents(this.db, source, uuid);
    return { events: events.reverse(), total };
  }
}

function toRow(entry: AuditEntry, now: number): Omit<AuditEvent, 'id'> {
  return {
    source: entry.source.slice(0, WIDTH.source),
    uuid: entry.uuid.slice(0, WIDTH.uuid),
    timestamp: entry.timestamp ?? now,
    session_id: entry.session_id?.slice(0, WIDTH.sessionId) ?? null,
    channel: entry.channel?.slice(0, WIDTH.channel) ?? null,
    node: entry.node?.slice(0, WIDTH.node) ?? null,
    pid: entry.pid ?? null,
    message: entry.message.slice(0, WIDTH.message),
  };
}
