// SPDX-License-Identifier: Apache-2.0
// A session takes a console that another one holds: that one ends, for good. Of any number of sessions that take a console at
// the same moment, on any number of nodes, one has it in the end: the unique index on who holds a console decides, and each of
// the others is ended, or ends itself.
import { anyOpen, holderOf, takeConsole } from '../db/api/console-holders.js';
import { terminateSession } from '../db/api/console-sessions.js';
import { revokeTokenOf } from '../db/api/console-tokens.js';
import type { Database } from '../db/database.js';
import { DuplicateRow } from '../db/faults.js';
import type { ChannelGrant, SessionRecordOptions } from './channel-types.js';
import type { SessionEnded } from './channel-types.js';
import { systemClock } from './clock.js';
import type { Clock } from './clock.js';
import { replacedBy } from './concurrent-sessions.js';

/** A session that gave way. */
export interface ReplacedSession {
  readonly sessionId: string;
  /** Whose it was; null: that is not known any more. */
  readonly issuedTo: string | null;
}

/** What came of it. `taken` false: the session that was to have the console has ended itself, or others were faster. */
export interface Takeover {
  readonly taken: boolean;
  readonly replaced: readonly ReplacedSession[];
}

/** The session that takes a console. */
export type Taker = Pick<ChannelGrant, 'sessionId' | 'connectionRef' | 'source' | 'uuid' | 'owner'>;

/** Each try ends one more session that came between. */
const TRIES = 8;
const EVERY_GENERATION = 2 ** 31 - 1;

/** Lets sessions give way to others. */
export class SessionReplacement {
  private readonly announce: (ended: SessionEnded) => void;
  private readonly now: Clock;

  constructor(
    private readonly db: Database,
    { announce = () => undefined, now = systemClock }: SessionRecordOptions = {},
  ) {
    this.announce = announce;
    this.now = now;
  }

  /**
   * Gives a console to a session whose main channel has the claim, and ends the one that holds it.
   * @throws DatabaseError when the database is unavailable; the other session may have ended even so
   */
  async takeOver(taker: Taker): Promise<Takeover> {
    const { sessionId, connectionRef, source, uuid, owner } = taker;
    const replaced: ReplacedSession[] = [];
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const holder = await holderOf(this.db, source, uuid);
      if (holder !== null && holder.session_id !== sessionId) {
        const { session_id, issued_to: issuedTo } = holder;
        if (await this.end(session_id, replacedBy(owner.issuedTo)))
          replaced.push({ sessionId: session_id, issuedTo });
      }
      try {
        return { taken: await takeConsole(this.db, sessionId, connectionRef), replaced };
      } catch (error) {
        if (!(error instanceof DuplicateRow)) throw error;
      }
    }
    return { taken: false, replaced };
  }

  /** Whether channels of these sessions are still open. */
  async isAnyOpen(sessions: readonly ReplacedSession[]): Promise<boolean> {
    if (sessions.length === 0) return false;
    return anyOpen(
      this.db,
      sessions.map(({ sessionId }) => sessionId),
    );
  }

  /** Ends a session; true: this call did, and no other. */
  private async end(sessionId: string, reason: string): Promise<boolean> {
    const now = this.now();
    const came = await terminateSession(this.db, sessionId, reason, now);
    if (came === 'absent') return false;
    this.announce({ sessionId, generation: EVERY_GENERATION, terminated: true, replaced: true });
    await revokeTokenOf(this.db, sessionId, now);
    return came === 'ended';
  }
}
