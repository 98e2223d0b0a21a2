// SPDX-License-Identifier: Apache-2.0
// Who may open a channel of a console session: the ticket is looked up, the session's state decides, and the channel's
// row is written. Every decision is one conditional statement, so that any number of workers on any number of nodes may
// ask at the same moment.
import { randomInt } from 'node:crypto';
import {
  deleteConnection,
  insertAtDestination,
  insertMainConnection,
  insertSecondaryConnections,
} from '../db/api/console-connections.js';
import type { NewConnection } from '../db/api/console-connections.js';
import { holderOf } from '../db/api/console-holders.js';
import { claimMain, releaseMains } from '../db/api/console-sessions.js';
import { claimDestination, claimReturn } from '../db/api/session-migrations.js';
import { viewToken } from '../db/api/console-tokens.js';
import type { TokenView } from '../db/api/console-tokens.js';
import type { Database } from '../db/database.js';
import { DuplicateRow } from '../db/faults.js';
import { systemClock } from './clock.js';
import type { Clock } from './clock.js';
import { ChannelInDoubt } from './channel-types.js';
import type {
  ChannelGrant,
  ChannelDenial,
  ChannelRequest,
  ConsoleHold,
  PreparedChannel,
} from './channel-types.js';
import { grant, inDoubt, lostRace, migrationOf, newConnection, denial, targetOf } from './console-grant.js';
import {
  concurrencyFor,
  type ConcurrentSessions,
  type ConcurrentSessionsSetting,
} from './concurrent-sessions.js';
import { concurrentSessionsIn } from './own-settings.js';
import { admit, MAIN_CHANNEL } from './console-session-state.js';
import { hashToken } from './console-token.js';

const U32_END = 2 ** 32;
const ID_ATTEMPTS = 5;
/** A session that changes between reading and claiming is read once more. */
const READS = 2;

/** What channels are admitted by. */
export interface AdmissionOptions {
  /** `[console] reconnect_grace`, seconds. */
  readonly reconnectGrace: number;
  /** `[console] concurrent_sessions`, unless source or console say otherwise. */
  readonly concurrentSessions: ConcurrentSessionsSetting;
  /** Epoch seconds; tests replace it. */
  readonly now?: Clock;
}

/** A row that is written, and what its session is to the console. */
interface Opened {
  readonly row: NewConnection;
  readonly hold: ConsoleHold;
}

/** Admits channels. */
export class ChannelAdmission {
  private readonly db: Database;
  private readonly grace: number;
  private readonly concurrent: ConcurrentSessionsSetting;
  private readonly now: Clock;

  constructor(db: Database, { reconnectGrace, concurrentSessions, now = systemClock }: AdmissionOptions) {
    this.db = db;
    this.grace = reconnectGrace;
    this.concurrent = concurrentSessions;
    this.now = now;
  }

  /**
   * Decides one channel and writes its row: 2 statements, 3 for a main channel.
   * @throws DatabaseError when the database is unavailable; ChannelInDoubt when the row may have been written
   */
  async authorize(request: ChannelRequest): Promise<ChannelGrant | ChannelDenial> {
    const hash = hashToken(request.ticket);
    let denied: ChannelDenial = { kind: 'denied', reason: 'token_unknown' };
    for (let read = 1; read <= READS; read += 1) {
      const view = await viewToken(this.db, hash);
      if (view === null) return { kind: 'denied', reason: 'token_unknown' };
      const now = this.now();
      const concurrency = concurrencyOf(view, this.concurrent);
      const reason = admit(view, request, { now, grace: this.grace, concurrency });
      denied = denial(view, reason ?? lostRace(request));
      if (reason !== null) return denied;
      // Before anything is written: a ticket that cannot be decrypted is an error, and must leave no claim behind.
      const migration = migrationOf(view, request);
      const connectInfo = targetOf(this.db, view, migration);
      const opened = await this.open(view, request, concurrency, now);
      if (opened !== null)
        return grant(view, opened.row, { connectInfo, migration, hold: opened.hold }, hash);
    }
    return denied;
  }

  /** What a channel beside the main channel `main`, which alone takes a console, is granted once {@link join} has written its row. */
  prepare(main: ChannelGrant, request: ChannelRequest): PreparedChannel {
    const row = newConnection({ session_id: main.sessionId }, request, main.generation, this.now());
    return { row, grant: { ...main, connectionRef: row.connection_ref, hold: 'shares' } };
  }

  /**
   * Writes the rows of channels of one main channel, in one statement that decides again: false when the session was
   * terminated, or its main channel ended, meanwhile, and none is written.
   * @throws DatabaseError when the database is unavailable; the rows may have been written
   */
  async join(channels: readonly PreparedChannel[]): Promise<boolean> {
    return insertSecondaryConnections(
      this.db,
      channels.map(({ row }) => row),
    );
  }

  private async open(
    view: TokenView,
    request: ChannelRequest,
    concurrency: ConcurrentSessions,
    now: number,
  ): Promise<Opened | null> {
    const isMain = request.channelType === MAIN_CHANNEL;
    const atDestination = migrationOf(view, request)?.kind === 'destination';
    if (isMain && !atDestination) return this.claim(view, request, holdFor(view, concurrency), now);
    const row = await this.openBeside(view, request, { isMain, atDestination }, now);
    // What the session is to its console its main channel has settled.
    return row === null ? null : { row, hold: 'shares' };
  }

  private openBeside(
    view: TokenView,
    request: ChannelRequest,
    { isMain, atDestination }: { readonly isMain: boolean; readonly atDestination: boolean },
    now: number,
  ): Promise<NewConnection | null> {
    if (!atDestination) return this.joinOne(view, request, now);
    return isMain ? this.claimAtDestination(view, request, now) : this.joinAtDestination(view, request, now);
  }

  // As below; but the session's main channel stays the one to the source until the client has gone over.
  private async claimAtDestination(
    view: TokenView,
    request: ChannelRequest,
    now: number,
  ): Promise<NewConnection | null> {
    const { session_id: sessionId, generation, migration_number: number } = view;
    const row = { ...newConnection(view, request, generation + 1, now), migration: number };
    const { connection_ref: connectionRef } = row;
    await insertMainConnection(this.db, row);
    try {
      const claim = { sessionId, generation, connectionRef, number: number ?? 0 };
      if (await claimDestination(this.db, claim)) return row;
    } catch (error) {
      throw new ChannelInDoubt(connectionRef, error as Error);
    }
    await deleteConnection(this.db, connectionRef).catch((error: unknown) => inDoubt(row, error)());
    return null;
  }

  private async joinAtDestination(
    view: TokenView,
    request: ChannelRequest,
    now: number,
  ): Promise<NewConnection | null> {
    const row = {
      ...newConnection(view, request, view.generation + 1, now),
      migration: view.migration_number,
    };
    return (await insertAtDestination(this.db, row)) ? row : null;
  }

  // The row comes before the claim: a claim without a row could not be found again after a crash.
  private async claim(
    view: TokenView,
    request: ChannelRequest,
    hold: ConsoleHold,
    now: number,
  ): Promise<Opened | null> {
    const row = newConnection(view, request, view.generation + 1, now);
    try {
      await insertMainConnection(this.db, row);
      const connection_id = await this.claimWithFreshId(view, row.connection_ref, hold, now);
      if (connection_id !== null) return { row: { ...row, connection_id }, hold };
    } catch (error) {
      await releaseMains(this.db, [row.connection_ref], now).catch(inDoubt(row, error));
      await deleteConnection(this.db, row.connection_ref).catch(inDoubt(row, error));
      throw error;
    }
    await deleteConnection(this.db, row.connection_ref).catch((error: unknown) => inDoubt(row, error)());
    return null;
  }

  private async claimWithFreshId(
    view: TokenView,
    connectionRef: string,
    hold: ConsoleHold,
    now: number,
  ): Promise<number | null> {
    for (let attempt = 1; ; attempt += 1) {
      const connectionId = randomInt(1, U32_END);
      const claim = {
        sessionId: view.session_id,
        generation: view.generation,
        connectionRef,
        connectionId,
        graceStart: now - this.grace,
        holds: hold === 'holds',
      };
      try {
        const claimed =
          view.migration_state === 'switched'
            ? await claimReturn(this.db, { ...claim, number: view.migration_number ?? 0 }, now)
            : await claimMain(this.db, claim);
        return claimed ? connectionId : null;
      } catch (error) {
        if (!(error instanceof DuplicateRow)) throw error;
        // Somebody took the console since the look at it: it is looked at once more.
        if (hold === 'holds' && (await holderOf(this.db, view.source, view.uuid)) !== null) return null;
        if (attempt === ID_ATTEMPTS) throw error;
      }
    }
  }

  private async joinOne(
    view: TokenView,
    request: ChannelRequest,
    now: number,
  ): Promise<NewConnection | null> {
    const row = newConnection(view, request, view.generation, now);
    try {
      return (await insertSecondaryConnections(this.db, [row])) ? row : null;
    } catch (error) {
      await deleteConnection(this.db, row.connection_ref).catch(inDoubt(row, error));
      throw error;
    }
  }
}

/** What holds at the console of a token, for its user. @param otherwise where neither console nor source say anything */
export function concurrencyOf(
  view: Pick<TokenView, 'settings' | 'source_settings' | 'replaces'>,
  otherwise: ConcurrentSessionsSetting,
): ConcurrentSessions {
  return concurrencyFor(concurrentSessionsIn(view) ?? otherwise, view.replaces !== 0);
}

function holdFor(view: TokenView, concurrency: ConcurrentSessions): ConsoleHold {
  if (concurrency === 'share') return 'shares';
  return view.held_by === null ? 'holds' : 'takes';
}
