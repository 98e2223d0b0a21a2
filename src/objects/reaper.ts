// SPDX-License-Identifier: Apache-2.0
// What time takes away: expired tokens, ended sessions, old audit events. Safe to run on several nodes at once.
import type { Database } from '../db/database.js';

export interface ReaperOptions {
  /** `[console] reconnect_grace`, seconds. */
  readonly reconnectGrace: number;
}

export interface Reaped {
  /** Tokens that expired unused. */
  tokens: number;
  /** Sessions moved to closed. */
  sessions: number;
  /** Closed sessions and connections removed. */
  purged: number;
}

/** Tokens expired and unused, sessions past their grace, rows closed for more than a day. `now`: epoch seconds. */
export declare function reapExpired(db: Database, options: ReaperOptions, now: number): Promise<Reaped>;

export interface AuditRetention {
  /** Oldest age kept, seconds; absent = any. */
  readonly maxAge?: number | undefined;
  /** Most events kept; absent = any. */
  readonly maxEvents?: number | undefined;
}

/** Removes audit events over the limits, in batches. Gives how many. */
export declare function reapAuditEvents(
  db: Database,
  retention: AuditRetention,
  now: number,
): Promise<number>;
