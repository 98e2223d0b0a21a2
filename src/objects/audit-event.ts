// SPDX-License-Identifier: Apache-2.0
// The audit trail: what happened to which console, in the words that the original uses.
import type { Database } from '../db/database.js';

export interface AuditEntry {
  /** '' for events that belong to no console, such as logins. */
  source: string;
  uuid: string;
  session_id?: string | null | undefined;
  /** Channel name, as `main`. */
  channel?: string | null | undefined;
  node?: string | null | undefined;
  pid?: number | null | undefined;
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

export declare class AuditEvents {
  constructor(db: Database, options?: { now?: () => number });
  record(entry: AuditEntry): Promise<void>;
  /** Many events in few statements. */
  recordMany(entries: readonly AuditEntry[]): Promise<void>;
  /** The newest `limit` events of a console, oldest first, and how many there are in all. */
  list(source: string, uuid: string, limit: number): Promise<{ events: AuditEvent[]; total: number }>;
}
