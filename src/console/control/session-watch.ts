// SPDX-License-Identifier: Apache-2.0
// Which sessions must end on this node: announced by other processes, found in the database by time and by this node's
// own channels. The workers that carry their channels are ordered to end them.
import { loggerFor } from '../../log.js';
import type { Timers } from '../../net/timers.js';
import type { SessionEnded } from '../../objects/channel-types.js';
import type { ConsoleSessions } from '../../objects/console-session.js';
import type { Liveness } from '../../service/heartbeat.js';
import type { CloseReason } from '../../close-reason.js';
import type { ChannelRegistry } from './channel-registry.js';
import type { WorkerSender } from './worker-pool.js';

const log = loggerFor('kerbside.console.control-plane');

/** A poll looks this many seconds further back than the last one began, for slow commits. */
const POLL_OVERLAP = 10;
/** Announced ends that are remembered for channels whose authorization was under way then. */
const MAX_REMEMBERED = 1000;

/** What a {@link SessionWatch} is made with. */
export interface WatchDependencies {
  readonly sessions: Pick<ConsoleSessions, 'sessionsToClose' | 'connectionsToClose'>;
  readonly registry: ChannelRegistry;
  /** Name of this node. */
  readonly node: string;
  /** Not confirmed: this node may have been taken for dead, and what the records say of its sessions may be undone. */
  readonly liveness: Liveness;
  readonly send: WorkerSender;
  /** Called whenever the database has answered a poll. */
  readonly answered: () => void;
  readonly timers: Timers;
}

type Over = Pick<SessionEnded, 'sessionId' | 'terminated' | 'replaced'>;

/** Ends the sessions of this node that are over. */
export class SessionWatch {
  /** When the last poll began that left nothing, milliseconds of the timers: no machine's clock is compared. */
  private polledAt: number;
  private polling = false;
  private pollFailing = false;
  private readonly announced = new Map<string, { ended: SessionEnded; at: number }>();
  private deferred: ReadonlySet<string> = new Set();

  constructor(private readonly parts: WatchDependencies) {
    this.polledAt = parts.timers.now();
  }

  /** Ends the session's channels of this generation and older that are on this node. */
  end(sessionId: string, generation: number, reason: CloseReason): void {
    const { registry, send } = this.parts;
    const ending = registry.ofSession(sessionId).filter((channel) => channel.generation <= generation);
    for (const channel of ending) channel.ordered ??= reason;
    for (const workerId of new Set(ending.map((channel) => channel.workerId))) {
      send(workerId, { op: 'end_session', sessionId, generation, reason });
    }
  }

  /** A process of the site has announced that a session is over. */
  onFanout(ended: SessionEnded): void {
    if (this.mayBeUndone(ended)) return;
    const { sessionId, generation } = ended;
    this.announced.delete(sessionId);
    this.announced.set(sessionId, { ended, at: this.parts.timers.now() });
    for (const [oldest] of this.announced) {
      if (this.announced.size <= MAX_REMEMBERED) break;
      this.announced.delete(oldest);
    }
    this.end(sessionId, generation, reasonOf(ended));
  }

  /**
   * Why a channel whose authorization began at `requestedAt` must not open: its session ended during that.
   *
   * @param requestedAt milliseconds of the timers
   */
  endedSince(requestedAt: number, sessionId: string, generation: number): CloseReason | null {
    const announced = this.announced.get(sessionId);
    if (announced === undefined || announced.at < requestedAt) return null;
    return announced.ended.generation < generation ? null : reasonOf(announced.ended);
  }

  /** Sessions whose main channel is on a node that may be back soon: for now only a termination ends them. */
  defer(sessionIds: readonly string[]): void {
    this.deferred = new Set(sessionIds);
  }

  /** Looks for sessions that were terminated, or whose main channel ended, anywhere in the cloud. */
  async poll(): Promise<void> {
    if (this.polling) return;
    this.polling = true;
    const startedAt = this.parts.timers.now();
    const lookBack = (startedAt - this.polledAt) / 1000 + POLL_OVERLAP;
    let left = false;
    try {
      for (const session of await this.parts.sessions.sessionsToClose(lookBack)) {
        if (this.mayBeUndone(session)) left = true;
        else this.end(session.sessionId, session.generation, reasonOf(session));
      }
      if (!left) this.polledAt = startedAt;
      this.parts.answered();
      if (this.pollFailing) log.warning('sessions to end are looked up again');
      this.pollFailing = false;
    } catch (error) {
      if (!this.pollFailing) log.error('sessions to end cannot be looked up', { error: error as Error });
      this.pollFailing = true;
    } finally {
      this.polling = false;
    }
  }

  /** The same as {@link poll} without any clock: ends this node's channels whose session is over. */
  async checkChannels(): Promise<void> {
    const { sessions, registry, node } = this.parts;
    try {
      for (const toClose of await sessions.connectionsToClose(node)) {
        const channel = registry.find(toClose.connectionRef);
        if (channel === undefined || this.mayBeUndone(toClose)) continue;
        this.end(channel.sessionId, channel.generation, reasonOf(toClose));
      }
    } catch (error) {
      log.debug('the sweep of ended sessions failed', { error: error as Error });
    }
  }

  private mayBeUndone({ sessionId, terminated }: Over): boolean {
    return !terminated && (this.deferred.has(sessionId) || !this.parts.liveness.isConfirmed());
  }
}

function reasonOf({ terminated, replaced }: Omit<Over, 'sessionId'>): CloseReason {
  if (replaced === true) return 'replaced';
  return terminated ? 'terminated by request' : 'main channel closed';
}
