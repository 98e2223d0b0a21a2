// SPDX-License-Identifier: Apache-2.0
// Which sessions must end on this node: found in the database, by time and without a clock, and told to the workers
// that carry their channels.
import { loggerFor } from '../log.js';
import type { ConsoleSessions } from '../objects/console-session.js';
import type { CloseReason } from './close-reason.js';
import type { LiveChannels } from './live-channels.js';

const log = loggerFor('kerbside.console.control-plane');

/** A poll looks this many seconds further back than the last one, for other nodes' clocks and slow commits. */
const POLL_OVERLAP = 10;

/** Tells a worker to end a session's channels. */
export type SessionEnder = (
  workerId: number,
  sessionId: string,
  generation: number,
  reason: CloseReason,
) => void;

/** Ends the sessions of this node that are over. */
export class SessionEndings {
  private since = Date.now() / 1000 - POLL_OVERLAP;
  private polling = false;
  private pollFailing = false;

  constructor(
    private readonly sessions: ConsoleSessions,
    private readonly live: LiveChannels,
    private readonly node: string,
    private readonly endOnWorker: SessionEnder,
  ) {}

  /** Ends the session's channels of this generation and older that are on this node. */
  end(sessionId: string, generation: number, reason: CloseReason): void {
    const ending = this.live.ofSession(sessionId).filter((channel) => channel.generation <= generation);
    for (const workerId of new Set(ending.map((channel) => channel.workerId))) {
      this.endOnWorker(workerId, sessionId, generation, reason);
    }
  }

  /** Looks for sessions that were terminated, or whose main channel ended, anywhere in the cloud. */
  async poll(): Promise<void> {
    if (this.polling) return;
    this.polling = true;
    const startedAt = Date.now() / 1000;
    try {
      for (const session of await this.sessions.sessionsToClose(this.since)) {
        this.end(session.sessionId, session.generation, reasonOf(session));
      }
      this.since = startedAt - POLL_OVERLAP;
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
    try {
      for (const doomed of await this.sessions.connectionsToClose(this.node)) {
        const channel = this.live.find(doomed.connectionRef);
        if (channel === undefined) continue;
        this.end(channel.sessionId, channel.generation, reasonOf(doomed));
      }
    } catch (error) {
      log.debug('the sweep of ended sessions failed', { error: error as Error });
    }
  }
}

function reasonOf({ terminated }: { readonly terminated: boolean }): CloseReason {
  return terminated ? 'terminated by request' : 'main channel closed';
}
