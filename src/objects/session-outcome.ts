// SPDX-License-Identifier: Apache-2.0
// What became of a desktop, for the one who has its token: whether the token still opens it, and how its main channel
// ended last. It changes nothing.
import { newestChannel } from '../db/api/console-connections.js';
import { viewToken } from '../db/api/console-tokens.js';
import type { Database } from '../db/database.js';
import { concurrencyOf, type AdmissionOptions } from './channel-admission.js';
import type { ConcurrentSessionsSetting } from './concurrent-sessions.js';
import { systemClock } from './clock.js';
import type { Clock } from './clock.js';
import { admit, MAIN_CHANNEL } from './console-session-state.js';
import type { DenialReason } from './console-session-state.js';
import { hashToken } from './console-token.js';

/** What became of a desktop. */
export interface SessionOutcome {
  /** Why the token opens nothing now; null: it does. */
  readonly denial: DenialReason | null;
  /** A main channel is open, or its end is still to be written. */
  readonly open: boolean;
  /** The end of the newest main channel; null: none was opened, or it is open. */
  readonly ended: SessionEnd | null;
}

/** How a main channel ended. */
export interface SessionEnd {
  /** A CloseReason; null: it is not known. */
  readonly reason: string | null;
  /** Epoch seconds. */
  readonly at: number;
}

/** Tells outcomes. */
export class SessionOutcomes {
  private readonly grace: number;
  private readonly concurrent: ConcurrentSessionsSetting;
  private readonly now: Clock;

  constructor(
    private readonly db: Database,
    { reconnectGrace, concurrentSessions, now = systemClock }: AdmissionOptions,
  ) {
    this.grace = reconnectGrace;
    this.concurrent = concurrentSessions;
    this.now = now;
  }

  /**
   * What became of the desktop that `token` is for: one statement, or two.
   * @throws DatabaseError when the database is unavailable
   */
  async of(token: string): Promise<SessionOutcome> {
    const view = await viewToken(this.db, hashToken(token));
    if (view === null) return { denial: 'token_unknown', open: false, ended: null };
    const main = { channelType: MAIN_CHANNEL, connectionId: 0 };
    const concurrency = concurrencyOf(view, this.concurrent);
    const denial = admit(view, main, { now: this.now(), grace: this.grace, concurrency });
    const newest = await newestChannel(this.db, view.session_id, MAIN_CHANNEL);
    if (newest === null || newest.closed === null) return { denial, open: newest !== null, ended: null };
    return { denial, open: false, ended: { reason: newest.reason, at: newest.closed } };
  }
}
