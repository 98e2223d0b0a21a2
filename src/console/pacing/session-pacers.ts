// SPDX-License-Identifier: Apache-2.0
// The pacers of a relay worker's sessions: each lives as long as a channel of its session that has to do with it.
import { SessionPacer, type PacerLimits } from './session-pacer.js';

/** Finds the pacer of a session. */
export class SessionPacers {
  private readonly bySession = new Map<string, { readonly pacer: SessionPacer; users: number }>();

  /**
   * The session's pacer, for one more channel.
   *
   * @returns the pacer, and the function that the channel's end is told by
   */
  join(sessionId: string, limits: PacerLimits): { readonly pacer: SessionPacer; readonly leave: () => void } {
    const entry = this.bySession.get(sessionId) ?? { pacer: new SessionPacer(limits), users: 0 };
    this.bySession.set(sessionId, entry);
    entry.users += 1;
    let joined = true;
    const leave = (): void => {
      if (!joined) return;
      joined = false;
      entry.users -= 1;
      if (entry.users === 0) this.bySession.delete(sessionId);
    };
    return { pacer: entry.pacer, leave };
  }

  /** The session's pacer, if a channel of it is here. */
  find(sessionId: string): SessionPacer | undefined {
    return this.bySession.get(sessionId)?.pacer;
  }
}
