// SPDX-License-Identifier: Apache-2.0
// A console session: one user at one console, from the first main channel to the last channel's end, reconnects
// included: what becomes of it and of its channels, and what ends it. Who may open a channel is decided in
// channel-admission.ts. Every move is one conditional statement, so that any number of workers on any number of nodes may
// write at the same moment.
import {
  closeConnections,
  closeLost,
  doomedConnections,
  listOwnConnections,
  markConnected,
  viewConnection,
} from '../db/api/console-connections.js';
import type { ConnectionEnd } from '../db/api/console-connections.js';
import {
  activateSession,
  endedSessions,
  findSession,
  releaseMains,
  runningSessionsOf,
  terminateSession,
  terminateSessionsOf,
} from '../db/api/console-sessions.js';
import { listUnspent, revokeTokenOf, revokeTokens } from '../db/api/console-tokens.js';
import type { CloseReason } from '../close-reason.js';
import type { Database } from '../db/database.js';
import { Conflict } from '../exception.js';
import { ChannelAdmission } from './channel-admission.js';
import { systemClock } from './clock.js';
import type { Clock } from './clock.js';
import type {
  ChannelEnd,
  ChannelGrant,
  ChannelRefusal,
  ChannelRequest,
  ConnectionToClose,
  EndedChannel,
  LiveRecord,
  LostConnection,
  OpenSession,
  PreparedChannel,
  Recovery,
  SessionEnded,
  SessionToClose,
} from './console-channel.js';
import { MAIN_CHANNEL } from './console-session-state.js';
import type { Refusal, SessionState } from './console-session-state.js';
import { fingerprintOfHash } from './console-token.js';
import { listOpenSessions } from './open-sessions.js';
import { closeNodeRecords, recoverChannels } from './session-recovery.js';
import type { Page, PageRequest } from './page.js';

export type * from './console-channel.js';
export type { Refusal };

export interface ConsoleSessionOptions {
  /** `[console] reconnect_grace`, seconds. */
  readonly reconnectGrace: number;
  /** Hears of every session whose channels must end, once that is in the database; must not throw. */
  readonly announce?: (ended: SessionEnded) => void;
  /** Epoch seconds; tests replace it. */
  readonly now?: Clock;
}

/** What GET and POST on one session need to know. */
export interface SessionSummary {
  sessionId: string;
  source: string;
  uuid: string;
  state: SessionState;
}

/** What ending all sessions of a console ended: one entry for each token that was not spent, oldest first. */
export interface ConsoleTermination {
  /** First 12 hex digits of each token's SHA-256. */
  fingerprints: string[];
  sessionIds: string[];
}

/** More than any session reaches: the end of a terminated session is the end of every generation. */
const EVERY_GENERATION = 2 ** 31 - 1;
const LONGEST_REASON = 255;

/** The sessions of this site and their channels. */
export class ConsoleSessions {
  readonly #db: Database;
  readonly #admission: ChannelAdmission;
  readonly #announce: (ended: SessionEnded) => void;
  readonly #now: Clock;

  constructor(db: Database, options: ConsoleSessionOptions) {
    this.#db = db;
    this.#announce = options.announce ?? ignore;
    this.#now = options.now ?? systemClock;
    this.#admission = new ChannelAdmission(db, options.reconnectGrace, this.#now);
  }

  /**
   * Decides one channel and writes its row: 2 statements, 3 for a main channel.
   * @throws DatabaseError when the database is away; ChannelInDoubt when nobody knows whether the row was written
   */
  authorize(request: ChannelRequest): Promise<ChannelGrant | ChannelRefusal> {
    return this.#admission.authorize(request);
  }

  /** What a channel beside the main channel `main` is granted once {@link join} has written its row. */
  prepare(main: ChannelGrant, request: ChannelRequest): PreparedChannel {
    return this.#admission.prepare(main, request);
  }

  /**
   * Writes the rows of prepared channels of one main channel in one statement: false when the session was terminated, or
   * its main channel ended, meanwhile, and none is written.
   * @throws DatabaseError when the database is away, and nobody knows whether they were written
   */
  join(channels: readonly PreparedChannel[]): Promise<boolean> {
    return this.#admission.join(channels);
  }

  /** The backend accepted these channels: connection authorized -> connected, in one statement. */
  async linked(...connectionRefs: readonly string[]): Promise<void> {
    await markConnected(this.#db, connectionRefs, this.#now());
  }

  /**
   * The backend's MAIN_INIT arrived: session pending or closing -> active. Await it before MAIN_INIT goes out.
   * @throws Conflict when the session was terminated or taken over meanwhile: close the channel
   */
  async establish(sessionId: string, generation: number, backendConnectionId: number): Promise<void> {
    if (await activateSession(this.#db, sessionId, generation, backendConnectionId)) return;
    const row = await findSession(this.#db, sessionId);
    const done =
      row?.state === 'active' &&
      row.generation === generation &&
      row.backend_connection_id === backendConnectionId;
    if (!done) throw new Conflict(`session ${sessionId} was ended before its main channel came up`);
  }

  /** The channel ended, however far it got. Idempotent. */
  async closed(connectionRef: string, end: ChannelEnd): Promise<void> {
    const view = await viewConnection(this.#db, connectionRef);
    if (view === null) return;
    const now = this.#now();
    const isMain = view.main_ref === connectionRef;
    // The session first: if this process dies between the two, the open row leads the next start to the rest.
    if (isMain) await releaseMains(this.#db, [connectionRef], now);
    if (view.closed === null)
      await closeConnections(this.#db, [{ connection_ref: connectionRef, ...toConnectionEnd(end) }], now);
    if (!isMain || (view.session_state !== 'active' && view.terminated_at === null)) return;
    const { session_id: sessionId, generation } = view;
    this.#announce({ sessionId, generation, terminated: view.terminated_at !== null });
  }

  /** closed() for channels of which all is known, any number in two statements. */
  async closeChannels(ended: readonly EndedChannel[]): Promise<void> {
    const now = this.#now();
    const mains = ended.filter(({ main }) => main !== null).map(({ connectionRef }) => connectionRef);
    // The sessions first, as above.
    await releaseMains(this.#db, mains, now);
    await closeConnections(
      this.#db,
      ended.map(({ connectionRef, end }) => ({ connection_ref: connectionRef, ...toConnectionEnd(end) })),
      now,
    );
    for (const { main } of ended) {
      if (main?.established !== true) continue;
      const { sessionId, generation } = main;
      this.#announce({ sessionId, generation, terminated: false });
    }
  }

  /** Sessions changed within the last `seconds` whose channels must end, by the database's clock. Poll with some overlap. */
  async sessionsToClose(seconds: number): Promise<SessionToClose[]> {
    const rows = await endedSessions(this.#db, seconds);
    return rows.map((row) => ({
      sessionId: row.session_id,
      generation: row.ended_generation,
      terminated: row.terminated_at !== null,
    }));
  }

  /** The same without a clock: every open connection of `node` that must end now. For a slow sweep. */
  async connectionsToClose(node: string): Promise<ConnectionToClose[]> {
    const rows = await doomedConnections(this.#db, node);
    return rows.map((row) => ({
      connectionRef: row.connection_ref,
      sessionId: row.session_id,
      terminated: row.terminated_at !== null,
    }));
  }

  /** At start-up: closes this node's open rows (reason 'node restarted') and says which. */
  async clearNode(node: string): Promise<LostConnection[]> {
    return this.#lose(node, null, 'node restarted');
  }

  /** A worker died: closes its open rows (reason 'proxy worker died') and says which. */
  async closeWorker(node: string, pid: number): Promise<LostConnection[]> {
    return this.#lose(node, pid, 'proxy worker died');
  }

  /**
   * This node may have been taken for dead, and its channels `live` still run: puts into the records what may go on,
   * and says which must end. May be called at any time, any number of times. A channel that ends while this runs must
   * be given to closed() once more afterwards.
   */
  async recover(node: string, live: readonly LiveRecord[]): Promise<Recovery> {
    return recoverChannels(this.#db, node, live, this.#now());
  }

  /**
   * Closes what a dead node left open (reason 'node lost', audit 'Node lost'), as long as none of its proxies is up; says
   * what it was.
   */
  async closeNode(node: string): Promise<LostConnection[]> {
    const lost = await closeNodeRecords(this.#db, node, this.#now());
    this.#announceMains(lost);
    return lost;
  }

  /** Ends a session for good. false: no such session, or it is closed. */
  async terminateSession(sessionId: string, reason: string): Promise<boolean> {
    const now = this.#now();
    // The session is the gate: from here on no claim and no channel passes, whatever happens to this process.
    if (!(await terminateSession(this.#db, sessionId, reason.slice(0, LONGEST_REASON), now))) return false;
    this.#announceTermination(sessionId);
    await revokeTokenOf(this.#db, sessionId, now);
    return true;
  }

  /** Ends every session of a console for good, unused tokens included. */
  async terminateConsole(source: string, uuid: string, reason: string): Promise<ConsoleTermination> {
    const now = this.#now();
    const tokens = await listUnspent(this.#db, source, uuid);
    const hashes = tokens.map(({ token_hash }) => token_hash);
    await terminateSessionsOf(this.#db, { source, uuid }, reason.slice(0, LONGEST_REASON), now);
    for (const { session_id } of tokens) this.#announceTermination(session_id);
    await revokeTokens(this.#db, hashes, now);
    return {
      fingerprints: hashes.map(fingerprintOfHash),
      sessionIds: tokens.map(({ session_id }) => session_id),
    };
  }

  /**
   * The hypervisor of a console is gone: ends the channels of its running sessions. Unspent tokens stay, and so does the
   * right to come back within the grace: whoever connects is told then how the instance is. Gives the sessions' ids.
   */
  async interruptConsole(source: string, uuid: string): Promise<string[]> {
    const running = await runningSessionsOf(this.#db, source, uuid);
    await releaseMains(
      this.#db,
      running.map(({ main_ref }) => main_ref),
      this.#now(),
    );
    for (const { session_id, generation } of running)
      this.#announce({ sessionId: session_id, generation, terminated: false });
    return running.map(({ session_id }) => session_id);
  }

  /** One session; null when unknown. */
  async find(sessionId: string): Promise<SessionSummary | null> {
    const row = await findSession(this.#db, sessionId);
    if (row === null) return null;
    return { sessionId, source: row.source, uuid: row.uuid, state: row.state };
  }

  /** Sessions with open channels, by session id; all, or those on the consoles of one project. */
  listOpen(page: PageRequest, options: { projectId?: string | undefined } = {}): Promise<Page<OpenSession>> {
    return listOpenSessions(this.#db, page, options.projectId ?? null);
  }

  async #lose(node: string, pid: number | null, reason: CloseReason): Promise<LostConnection[]> {
    const now = this.#now();
    const rows = await listOwnConnections(this.#db, node, pid);
    const mains = rows.filter((row) => row.channel_type === MAIN_CHANNEL).map((row) => row.connection_ref);
    await releaseMains(this.#db, mains, now);
    await closeLost(
      this.#db,
      rows.map((row) => row.connection_ref),
      reason,
      now,
    );
    const lost = rows.map((row) => ({
      connectionRef: row.connection_ref,
      sessionId: row.session_id,
      generation: row.generation,
      channelType: row.channel_type,
      channelId: row.channel_id,
      source: row.source ?? '',
      uuid: row.uuid ?? '',
    }));
    this.#announceMains(lost);
    return lost;
  }

  #announceTermination(sessionId: string): void {
    this.#announce({ sessionId, generation: EVERY_GENERATION, terminated: true });
  }

  #announceMains(lost: readonly LostConnection[]): void {
    for (const { sessionId, generation, channelType } of lost)
      if (channelType === MAIN_CHANNEL) this.#announce({ sessionId, generation, terminated: false });
  }
}

function toConnectionEnd(end: ChannelEnd): ConnectionEnd {
  return {
    reason: end.reason,
    bytes_up: end.bytesUp,
    bytes_down: end.bytesDown,
    duration: end.duration,
  };
}

function ignore(): void {
  // Nobody hears of it.
}
