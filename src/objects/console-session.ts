// SPDX-License-Identifier: Apache-2.0
// A console session: one user at one console, from the first main channel to the last channel's end, reconnects
// included. Decides who may open a channel. Every move is one conditional statement, so that any number of
// workers on any number of nodes may ask at the same moment.
import { randomInt } from 'node:crypto';
import {
  closeConnection,
  closeLost,
  deleteConnection,
  doomedConnections,
  insertMainConnection,
  insertSecondaryConnection,
  listOpenConnections,
  listOpenSessionIds,
  listOwnConnections,
  markConnected,
  viewConnection,
} from '../db/api/console-connections.js';
import type { ConnectionEnd, NewConnection } from '../db/api/console-connections.js';
import {
  activateSession,
  claimMain,
  endedSessions,
  findSession,
  releaseMains,
  runningSessionsOf,
  terminateSession,
  terminateSessionsOf,
} from '../db/api/console-sessions.js';
import { listUnspent, revokeTokenOf, revokeTokens, viewToken } from '../db/api/console-tokens.js';
import type { TokenView } from '../db/api/console-tokens.js';
import type { CloseReason } from '../close-reason.js';
import type { Database } from '../db/database.js';
import { DuplicateRow } from '../db/faults.js';
import { Conflict } from '../exception.js';
import { systemClock } from './clock.js';
import type { Clock } from './clock.js';
import type {
  ChannelEnd,
  ChannelGrant,
  ChannelRefusal,
  ChannelRequest,
  ConnectionToClose,
  LiveRecord,
  LostConnection,
  OpenSession,
  Recovery,
  SessionEnded,
  SessionToClose,
} from './console-channel.js';
import { grant, inDoubt, lostRace, newConnection, refusal, toOpenChannel } from './console-grant.js';
import { admit, MAIN_CHANNEL } from './console-session-state.js';
import type { Refusal, SessionState } from './console-session-state.js';
import { fingerprintOfHash, hashToken } from './console-token.js';
import { toConnectInfo } from './console-row.js';
import { pageOf } from './page.js';
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

const U32_END = 2 ** 32;
/** More than any session reaches: the end of a terminated session is the end of every generation. */
const EVERY_GENERATION = 2 ** 31 - 1;
const ID_ATTEMPTS = 5;
/** A session that changes between reading and claiming is read once more. */
const READS = 2;
const LONGEST_REASON = 255;

/** The sessions of this site and their channels. */
export class ConsoleSessions {
  readonly #db: Database;
  readonly #grace: number;
  readonly #announce: (ended: SessionEnded) => void;
  readonly #now: Clock;

  constructor(db: Database, options: ConsoleSessionOptions) {
    this.#db = db;
    this.#grace = options.reconnectGrace;
    this.#announce = options.announce ?? ignore;
    this.#now = options.now ?? systemClock;
  }

  /**
   * Decides one channel and writes its row: 2 statements, 3 for a main channel.
   * @throws DatabaseError when the database is away; ChannelInDoubt when nobody knows whether the row was written
   */
  async authorize(request: ChannelRequest): Promise<ChannelGrant | ChannelRefusal> {
    const hash = hashToken(request.ticket);
    let refused: ChannelRefusal = { kind: 'refused', reason: 'token_unknown' };
    for (let read = 1; read <= READS; read += 1) {
      const view = await viewToken(this.#db, hash);
      if (view === null) return { kind: 'refused', reason: 'token_unknown' };
      const now = this.#now();
      const reason = admit(view, request, now, this.#grace);
      refused = refusal(view, reason ?? lostRace(request));
      if (reason !== null) return refused;
      // Before anything is written: a ticket that cannot be decrypted is an error, and must leave no claim behind.
      const connectInfo = toConnectInfo(this.#db, view);
      const row = await this.#open(view, request, now);
      if (row !== null) return grant(view, row, connectInfo, hash);
    }
    return refused;
  }

  /** The backend accepted the channel: connection authorized -> connected. */
  async linked(connectionRef: string): Promise<void> {
    await markConnected(this.#db, connectionRef, this.#now());
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
    if (view.closed === null) await closeConnection(this.#db, connectionRef, toConnectionEnd(end), now);
    if (!isMain || (view.session_state !== 'active' && view.terminated_at === null)) return;
    const { session_id: sessionId, generation } = view;
    this.#announce({ sessionId, generation, terminated: view.terminated_at !== null });
  }

  /** closed() for a channel that is known not to be a main one: one statement, the session stays as it is. */
  async otherClosed(connectionRef: string, end: ChannelEnd): Promise<void> {
    await closeConnection(this.#db, connectionRef, toConnectionEnd(end), this.#now());
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
    return { sessionId, source: row.source, uuid: row.uuid, state: row.state as SessionState };
  }

  /** Sessions with open channels, by session id; all, or those on the consoles of one project. */
  async listOpen(
    page: PageRequest,
    options: { projectId?: string | undefined } = {},
  ): Promise<Page<OpenSession>> {
    const ids = await listOpenSessionIds(
      this.#db,
      options.projectId ?? null,
      page.marker ?? '',
      page.limit + 1,
    );
    const shown = pageOf(
      ids,
      page.limit,
      (id) => id,
      (id) => id,
    );
    const sessions = new Map<string, OpenSession>();
    for (const row of await listOpenConnections(this.#db, shown.items)) {
      const sessionId = row.session_id;
      const session = sessions.get(sessionId) ?? {
        sessionId,
        source: row.source ?? '',
        uuid: row.uuid ?? '',
        name: row.name,
        projectId: row.project_id,
        channels: [],
      };
      session.channels.push(toOpenChannel(row));
      sessions.set(sessionId, session);
    }
    const items = shown.items.flatMap((id) => sessions.get(id) ?? []);
    return { items, next: shown.next };
  }

  #open(view: TokenView, request: ChannelRequest, now: number): Promise<NewConnection | null> {
    return request.channelType === MAIN_CHANNEL
      ? this.#claim(view, request, now)
      : this.#join(view, request, now);
  }

  // The row comes before the claim: a claim without a row could not be found again after a crash.
  async #claim(view: TokenView, request: ChannelRequest, now: number): Promise<NewConnection | null> {
    const row = newConnection(view, request, view.generation + 1, now);
    try {
      await insertMainConnection(this.#db, row);
      const proxyConnectionId = await this.#claimWithFreshId(view, row.connection_ref, now);
      if (proxyConnectionId !== null) return { ...row, connection_id: proxyConnectionId };
    } catch (error) {
      await releaseMains(this.#db, [row.connection_ref], now).catch(inDoubt(row, error));
      await deleteConnection(this.#db, row.connection_ref).catch(inDoubt(row, error));
      throw error;
    }
    await deleteConnection(this.#db, row.connection_ref).catch((error: unknown) => inDoubt(row, error)());
    return null;
  }

  async #claimWithFreshId(view: TokenView, connectionRef: string, now: number): Promise<number | null> {
    for (let attempt = 1; ; attempt += 1) {
      const connectionId = randomInt(1, U32_END);
      try {
        const claimed = await claimMain(this.#db, {
          sessionId: view.session_id,
          generation: view.generation,
          connectionRef,
          connectionId,
          graceStart: now - this.#grace,
        });
        return claimed ? connectionId : null;
      } catch (error) {
        if (!(error instanceof DuplicateRow) || attempt === ID_ATTEMPTS) throw error;
      }
    }
  }

  async #join(view: TokenView, request: ChannelRequest, now: number): Promise<NewConnection | null> {
    const row = newConnection(view, request, view.generation, now);
    try {
      return (await insertSecondaryConnection(this.#db, row)) ? row : null;
    } catch (error) {
      await deleteConnection(this.#db, row.connection_ref).catch(inDoubt(row, error));
      throw error;
    }
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
