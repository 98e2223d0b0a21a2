// SPDX-License-Identifier: Apache-2.0
// A console session: one user at one console, from the first main channel to the last channel's end, reconnects
// included: what ends it, and which sessions of this site are over or open. Who may open a channel is decided in
// channel-admission.ts, what is recorded of channels is in console-channel.ts. Every move is one conditional statement, so
// that any number of workers on any number of nodes may write at the same moment.
import { connectionsToClose, type OpenSessionsOf } from '../db/api/console-connections.js';
import {
  endedSessions,
  findSession,
  releaseMains,
  runningSessionsOf,
  sessionUsers,
  terminateSession,
  terminateSessionsOf,
} from '../db/api/console-sessions.js';
import type { Termination } from '../db/api/console-sessions.js';
import { listUnspent, revokeTokenOf, revokeTokens } from '../db/api/console-tokens.js';
import type { Database } from '../db/database.js';
import { systemClock } from './clock.js';
import type { Clock } from './clock.js';
import type {
  ConnectionToClose,
  OpenSession,
  SessionEnded,
  SessionRecordOptions,
  SessionToClose,
} from './channel-types.js';
import { isReplaced } from './concurrent-sessions.js';
import type { SessionState } from './console-session-state.js';
import { fingerprintOfHash } from './console-token.js';
import { listOpenSessions } from './open-sessions.js';
import type { Page, PageRequest } from './page.js';

/** What GET and POST on one session need to know. */
export interface SessionSummary {
  sessionId: string;
  source: string;
  uuid: string;
  state: SessionState;
}

/** What one call that ends all sessions of a console has ended, oldest first; not what another one has, or is ending. */
export interface ConsoleTermination {
  /** First 12 hex digits of the SHA-256 of each session's token, if it was not spent. */
  fingerprints: string[];
  sessionIds: string[];
}

/** Whose a session is, and where its client came from last, as the audit trail has it. */
export interface SessionUser {
  readonly issued_to: string | null;
  /** null: no client has come. */
  readonly client_ip: string | null;
}

/** More than any session reaches: the end of a terminated session is the end of every generation. */
const EVERY_GENERATION = 2 ** 31 - 1;
const LONGEST_REASON = 255;

/** The sessions of this site. */
export class ConsoleSessions {
  private readonly db: Database;
  private readonly announce: (ended: SessionEnded) => void;
  private readonly now: Clock;

  constructor(db: Database, { announce = () => undefined, now = systemClock }: SessionRecordOptions = {}) {
    this.db = db;
    this.announce = announce;
    this.now = now;
  }

  /** Sessions changed within the last `seconds` whose channels must end, by the database's clock. Poll with some overlap. */
  async sessionsToClose(seconds: number): Promise<SessionToClose[]> {
    const rows = await endedSessions(this.db, seconds);
    return rows.map((row) => ({
      sessionId: row.session_id,
      generation: row.ended_generation,
      ...endOf(row),
    }));
  }

  /** The same without a clock: every open connection of `node` that must end now. For a slow check. */
  async connectionsToClose(node: string): Promise<ConnectionToClose[]> {
    const rows = await connectionsToClose(this.db, node);
    return rows.map((row) => ({
      connectionRef: row.connection_ref,
      sessionId: row.session_id,
      ...endOf(row),
    }));
  }

  /** Ends a session permanently. One that is over already is ended, and announced, once more. */
  async terminateSession(sessionId: string, reason: string): Promise<Termination> {
    const now = this.now();
    // The session is the gate: from here on no claim and no channel passes, whatever happens to this process.
    const came = await terminateSession(this.db, sessionId, reason.slice(0, LONGEST_REASON), now);
    if (came === 'absent') return came;
    this.announceTermination(sessionId);
    await revokeTokenOf(this.db, sessionId, now);
    return came;
  }

  /** Ends every session of a console permanently, unused tokens included. */
  async terminateConsole(source: string, uuid: string, reason: string): Promise<ConsoleTermination> {
    const now = this.now();
    const tokens = await listUnspent(this.db, source, uuid);
    const sessionIds = await terminateSessionsOf(
      this.db,
      { source, uuid },
      reason.slice(0, LONGEST_REASON),
      now,
    );
    const ended = new Set(sessionIds);
    // Those that another call is ending are announced too: its process may have died before it did.
    for (const id of new Set([...tokens.map(({ session_id }) => session_id), ...ended]))
      this.announceTermination(id);
    await revokeTokens(
      this.db,
      tokens.map(({ token_hash }) => token_hash),
      now,
    );
    const ours = tokens.filter(({ session_id }) => ended.has(session_id));
    return { fingerprints: ours.map(({ token_hash }) => fingerprintOfHash(token_hash)), sessionIds };
  }

  /**
   * The hypervisor of a console is gone: ends the channels of its running sessions. Unspent tokens stay, and so does the
   * right to come back within the grace: the state of the instance is looked up when a user connects. Gives the sessions'
   * ids.
   */
  async interruptConsole(source: string, uuid: string): Promise<string[]> {
    const running = await runningSessionsOf(this.db, source, uuid);
    await releaseMains(
      this.db,
      running.map(({ main_ref }) => main_ref),
      this.now(),
    );
    for (const { session_id, generation } of running)
      this.announce({ sessionId: session_id, generation, terminated: false });
    return running.map(({ session_id }) => session_id);
  }

  /**
   * A session has lost one of its channels for good: ends the others of this generation. Its token admits a new main
   * channel within the grace. false: its main channel had ended before, or is one of another generation.
   */
  async interruptSession(sessionId: string, generation: number): Promise<boolean> {
    const row = await findSession(this.db, sessionId);
    if (row === null || row.main_ref === null || row.generation !== generation) return false;
    if (row.terminated_at !== null) return false;
    await releaseMains(this.db, [row.main_ref], this.now());
    this.announce({ sessionId, generation, terminated: false });
    return true;
  }

  /** One session; null when unknown. */
  async find(sessionId: string): Promise<SessionSummary | null> {
    const row = await findSession(this.db, sessionId);
    if (row === null) return null;
    return { sessionId, source: row.source, uuid: row.uuid, state: row.state };
  }

  /** Whose these sessions are; those that are gone are left out. */
  async usersOf(sessionIds: readonly string[]): Promise<ReadonlyMap<string, SessionUser>> {
    const rows = await sessionUsers(this.db, sessionIds);
    return new Map(rows.map(({ session_id, ...user }) => [session_id, user]));
  }

  /** Sessions with open channels, by session id; all, those on the consoles of one project, or on those that somebody sees. */
  listOpen(page: PageRequest, of: OpenSessionsOf = {}): Promise<Page<OpenSession>> {
    return listOpenSessions(this.db, page, of);
  }

  private announceTermination(sessionId: string): void {
    this.announce({ sessionId, generation: EVERY_GENERATION, terminated: true });
  }
}

/** How a session has ended. */
function endOf({
  terminated_at,
  reason,
}: {
  readonly terminated_at: number | null;
  readonly reason: string | null;
}): Pick<SessionToClose, 'terminated' | 'replaced'> {
  const terminated = terminated_at !== null;
  return terminated && isReplaced(reason) ? { terminated, replaced: true } : { terminated };
}
