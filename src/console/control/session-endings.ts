// SPDX-License-Identifier: Apache-2.0
// Which sessions must end on this node: heard from the other processes, found in the database by time and without a
// clock, and told to the workers that carry their channels.
import { loggerFor } from '../../log.js';
import type { Timers } from '../../net/timers.js';
import type { SessionEnded } from '../../objects/channel-types.js';
import type { ConsoleSessions } from '../../objects/console-session.js';
import type { CloseReason } from '../../close-reason.js';
import type { LiveChannels } from './live-channels.js';

const log = loggerFor('kerbside.console.control-plane');

/** A poll looks this many seconds further back than the last one began, for slow commits. */
const POLL_OVERLAP = 10;
/** Ends that were heard, kept for the channels whose authorization was under way then. */
const MOST_HEARD = 1000;

/** Tells a worker to end a session's channels. */
export type SessionEnder = (
  workerId: number,
  sessionId: string,
  generation: number,
  reason: CloseReason,
) => void;

/** What the endings of a node are found by. */
export interface EndingParts {
  readonly sessions: ConsoleSessions;
  readonly live: LiveChannels;
  /** Name of this node. */
  readonly node: string;
  /** False: this node may have been taken for dead, and what the records say of its sessions may be undone. */
  readonly certain: () => boolean;
  readonly endOnWorker: SessionEnder;
  /** Called whenever the database has answered a poll. */
  readonly answered: () => void;
  readonly timers: Timers;
}

type Over = Pick<SessionEnded, 'sessionId' | 'terminated'>;

/** Ends the sessions of this node that are over. */
export class SessionEndings {
  /** When the last poll began that left nothing, milliseconds of the timers: no machine's clock is compared. */
  private polledAt: number;
  private polling = false;
  private pollFailing = false;
  private readonly heard = new Map<string, { ended: SessionEnded; at: number }>();
  private held: ReadonlySet<string> = new Set();

  constructor(private readonly parts: EndingParts) {
    this.polledAt = parts.timers.now();
  }

  /** Ends the session's channels of this generation and older that are on this node. */
  end(sessionId: string, generation: number, reason: CloseReason): void {
    const { live, endOnWorker } = this.parts;
    const ending = live.ofSession(sessionId).filter((channel) => channel.generation <= generation);
    for (const workerId of new Set(ending.map((channel) => channel.workerId))) {
      endOnWorker(workerId, sessionId, generation, reason);
    }
  }

  /** Another process says that a session is over. */
  hear(ended: SessionEnded): void {
    if (this.mayBeUndone(ended)) return;
    const { sessionId, generation } = ended;
    this.heard.delete(sessionId);
    this.heard.set(sessionId, { ended, at: this.parts.timers.now() });
    for (const [oldest] of this.heard) {
      if (this.heard.size <= MOST_HEARD) break;
      this.heard.delete(oldest);
    }
    this.end(sessionId, generation, reasonOf(ended));
  }

  /**
   * Why a channel that was authorized from `asked` on must not open: its session ended while the database was asked.
   *
   * @param asked milliseconds of the timers
   */
  overSince(asked: number, sessionId: string, generation: number): CloseReason | null {
    const heard = this.heard.get(sessionId);
    if (heard === undefined || heard.at < asked || heard.ended.generation < generation) return null;
    return reasonOf(heard.ended);
  }

  /** Sessions whose main channel is on a node that may be back soon: they end only when somebody terminates them. */
  hold(sessionIds: readonly string[]): void {
    this.held = new Set(sessionIds);
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
  async sweep(): Promise<void> {
    const { sessions, live, node } = this.parts;
    try {
      for (const doomed of await sessions.connectionsToClose(node)) {
        const channel = live.find(doomed.connectionRef);
        if (channel === undefined || this.mayBeUndone(doomed)) continue;
        this.end(channel.sessionId, channel.generation, reasonOf(doomed));
      }
    } catch (error) {
      log.debug('the sweep of ended sessions failed', { error: error as Error });
    }
  }

  private mayBeUndone({ sessionId, terminated }: Over): boolean {
    return !terminated && (this.held.has(sessionId) || !this.parts.certain());
  }
}

function reasonOf({ terminated }: { readonly terminated: boolean }): CloseReason {
  return terminated ? 'terminated by request' : 'main channel closed';
}
