// SPDX-License-Identifier: Apache-2.0
// The audit trail: what happened to which console, in the words that the original uses.
import { countAuditEvents, insertAuditEvents, newestAuditEvents } from '../db/api/audit-events.js';
import type { NewAuditEvent } from '../db/api/audit-events.js';
import type { Database } from '../db/database.js';
import type { AuditEventRow } from '../db/models/audit-event.js';
import { systemClock } from './clock.js';
import type { Clock } from './clock.js';
import type { Requester } from './requester.js';

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
  /** Whose session it is about. */
  issued_to?: string | null | undefined;
  /** Where the client of that user is. */
  client_ip?: string | null | undefined;
  /** Who asked for it, where somebody did. */
  by?: Requester | undefined;
}

/** One event; times are epoch seconds. */
export type AuditEvent = AuditEventRow;

const MOST_IN_ONE_STATEMENT = 200;
/** Widths of the columns: a stranger's text (a uuid in a URL, a user name) is cut, never refused. */
const WIDTH = {
  ...{ source: 255, uuid: 36, sessionId: 12, channel: 32, node: 255, message: 8192 },
  ...{ name: 255, address: 45, requestId: 64 },
} as const;

/** Writes and reads the audit trail. */
export class AuditEvents {
  private readonly db: Database;
  private readonly now: Clock;
  private readonly service: string | null;

  /** @param options.service the program that writes, such as `kerbside-proxy` */
  constructor(db: Database, options: { now?: Clock; service?: string | undefined } = {}) {
    this.db = db;
    this.now = options.now ?? systemClock;
    this.service = options.service ?? null;
  }

  /** Appends one event. */
  async record(entry: AuditEntry): Promise<void> {
    await insertAuditEvents(this.db, [this.toRow(entry, this.now())]);
  }

  /** Appends many events in few statements. */
  async recordMany(entries: readonly AuditEntry[]): Promise<void> {
    const now = this.now();
    for (let at = 0; at < entries.length; at += MOST_IN_ONE_STATEMENT) {
      const rows = entries.slice(at, at + MOST_IN_ONE_STATEMENT).map((entry) => this.toRow(entry, now));
      await insertAuditEvents(this.db, rows);
    }
  }

  /** The newest `limit` events of a console, oldest first, and how many there are in all. */
  async list(source: string, uuid: string, limit: number): Promise<{ events: AuditEvent[]; total: number }> {
    const events = await newestAuditEvents(this.db, source, uuid, limit);
    const total = await countAuditEvents(this.db, source, uuid);
    return { events: events.reverse(), total };
  }

  private toRow(entry: AuditEntry, now: number): NewAuditEvent {
    return {
      source: entry.source.slice(0, WIDTH.source),
      uuid: entry.uuid.slice(0, WIDTH.uuid),
      timestamp: entry.timestamp ?? now,
      session_id: fitted(entry.session_id, WIDTH.sessionId),
      channel: fitted(entry.channel, WIDTH.channel),
      node: fitted(entry.node, WIDTH.node),
      pid: entry.pid ?? null,
      message: entry.message.slice(0, WIDTH.message),
      issued_to: fitted(entry.issued_to, WIDTH.name),
      client_ip: fitted(entry.client_ip, WIDTH.address),
      service: this.service,
      ...(entry.by === undefined ? {} : requestFacts(entry.by)),
    };
  }
}

function requestFacts(by: Requester): Partial<NewAuditEvent> {
  const requested_by = by.kind;
  switch (by.kind) {
    case 'user':
      return {
        requested_by,
        request_user: fitted(by.name, WIDTH.name),
        request_user_id: fitted(by.userId, WIDTH.name),
        request_id: fitted(by.requestId, WIDTH.requestId),
        request_ip: fitted(by.address, WIDTH.address),
      };
    case 'operator':
      return { requested_by, request_user: fitted(by.name, WIDTH.name) };
    case 'notification':
    case 'service':
      return { requested_by };
  }
}

/** What fits into its column; null for nothing. */
function fitted(text: string | null | undefined, width: number): string | null {
  return text === null || text === undefined || text === '' ? null : text.slice(0, width);
}
