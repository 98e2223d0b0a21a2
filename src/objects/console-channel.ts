// SPDX-License-Identifier: Apache-2.0
// The records of channels: a channel that was admitted (channel-admission.ts) is accepted by its backend, its session comes
// up, it ends; or its process or its node is gone, and others close its row. What ends whole sessions is in
// console-session.ts. Every move is one conditional statement, so that any number of workers on any number of nodes may
// write at the same moment.
import {
  closeConnections,
  closeLost,
  listOwnConnections,
  markConnected,
  viewConnection,
} from '../db/api/console-connections.js';
import type { ConnectionEnd } from '../db/api/console-connections.js';
import { activateSession, findSession, releaseMains } from '../db/api/console-sessions.js';
import type { CloseReason } from '../close-reason.js';
import type { Database } from '../db/database.js';
import { Conflict } from '../exception.js';
import type {
  ChannelEnd,
  EndedChannel,
  LiveRecord,
  LostConnection,
  Recovery,
  SessionEnded,
  SessionRecordOptions,
} from './channel-types.js';
import { systemClock } from './clock.js';
import type { Clock } from './clock.js';
import { isReplaced } from './concurrent-sessions.js';
import { MAIN_CHANNEL } from './console-session-state.js';
import { closeNodeRecords, recoverChannels, toLostConnection } from './session-recovery.js';

/** The channels of this site's sessions. */
export class ConsoleChannels {
  private readonly db: Database;
  private readonly announce: (ended: SessionEnded) => void;
  private readonly now: Clock;
  private readonly service: string | null;

  constructor(db: Database, options: SessionRecordOptions = {}) {
    this.db = db;
    this.announce = options.announce ?? (() => undefined);
    this.now = options.now ?? systemClock;
    this.service = options.service ?? null;
  }

  /** The backend accepted these channels: connection authorized -> connected, in one statement. */
  async linked(...connectionRefs: readonly string[]): Promise<void> {
    await markConnected(this.db, connectionRefs, this.now());
  }

  /**
   * The backend's MAIN_INIT arrived: session pending or closing -> active. Await it before MAIN_INIT goes out.
   * @throws Conflict when the session was terminated or taken over meanwhile: close the channel
   */
  async establish(sessionId: string, generation: number, backendConnectionId: number): Promise<void> {
    if (await activateSession(this.db, sessionId, generation, backendConnectionId)) return;
    const row = await findSession(this.db, sessionId);
    const done =
      row?.state === 'active' &&
      row.generation === generation &&
      row.backend_connection_id === backendConnectionId;
    if (!done) throw new Conflict(`session ${sessionId} was ended before its main channel came up`);
  }

  /** The channel ended, however far it got. Idempotent. */
  async closed(connectionRef: string, end: ChannelEnd): Promise<void> {
    const view = await viewConnection(this.db, connectionRef);
    if (view === null) return;
    const now = this.now();
    const isMain = view.main_ref === connectionRef;
    // The session first: if this process dies between the two, the open row leads the next start to the rest.
    if (isMain) await releaseMains(this.db, [connectionRef], now);
    if (view.closed === null)
      await closeConnections(this.db, [{ connection_ref: connectionRef, ...toConnectionEnd(end) }], now);
    if (!isMain || (view.session_state !== 'active' && view.terminated_at === null)) return;
    const { session_id: sessionId, generation } = view;
    const terminated = view.terminated_at !== null;
    const why = terminated && isReplaced(view.session_reason) ? ({ replaced: true } as const) : {};
    this.announce({ sessionId, generation, terminated, ...why });
  }

  /** closed() for channels of which all is known, any number in two statements. */
  async closeChannels(ended: readonly EndedChannel[]): Promise<void> {
    const now = this.now();
    const mains = ended.filter(({ main }) => main !== null).map(({ connectionRef }) => connectionRef);
    // The sessions first, as above.
    await releaseMains(this.db, mains, now);
    await closeConnections(
      this.db,
      ended.map(({ connectionRef, end }) => ({ connection_ref: connectionRef, ...toConnectionEnd(end) })),
      now,
    );
    for (const { main } of ended) {
      if (main?.established !== true) continue;
      const { sessionId, generation } = main;
      this.announce({ sessionId, generation, terminated: false });
    }
  }

  /** At start-up: closes this node's open rows (reason 'node restarted') and says which. */
  async clearNode(node: string): Promise<LostConnection[]> {
    return this.lose(node, null, 'node restarted');
  }

  /** A worker died: closes its open rows (reason 'proxy worker died') and says which. */
  async closeWorker(node: string, pid: number): Promise<LostConnection[]> {
    return this.lose(node, pid, 'proxy worker died');
  }

  /**
   * This node may have been taken for dead, and its channels `live` still run: puts into the records what may go on,
   * and says which must end. May be called at any time, any number of times. A channel that ends while this runs must
   * be given to closed() once more afterwards.
   */
  async recover(node: string, live: readonly LiveRecord[]): Promise<Recovery> {
    return recoverChannels(this.db, node, live, this.now());
  }

  /**
   * Closes what a dead node left open (reason 'node lost', audit 'Node lost'), as long as none of its proxies is up; says
   * what it was.
   */
  async closeNode(node: string): Promise<LostConnection[]> {
    const lost = await closeNodeRecords(this.db, node, this.service, this.now());
    this.announceMains(lost);
    return lost;
  }

  private async lose(node: string, pid: number | null, reason: CloseReason): Promise<LostConnection[]> {
    const now = this.now();
    const rows = await listOwnConnections(this.db, node, pid);
    const mains = rows.filter((row) => row.channel_type === MAIN_CHANNEL).map((row) => row.connection_ref);
    await releaseMains(this.db, mains, now);
    await closeLost(
      this.db,
      rows.map((row) => row.connection_ref),
      reason,
      now,
    );
    const lost = rows.map(toLostConnection);
    this.announceMains(lost);
    return lost;
  }

  private announceMains(lost: readonly LostConnection[]): void {
    for (const { sessionId, generation, channelType } of lost)
      if (channelType === MAIN_CHANNEL) this.announce({ sessionId, generation, terminated: false });
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
