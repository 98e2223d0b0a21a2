// SPDX-License-Identifier: Apache-2.0
// The pacers of a relay worker's sessions: each lives as long as a channel of its session is in the worker. A session's
// channels may be in several workers: each of them paces those that it has, as connections share a link; that the user has
// done something is told to the others.
import type { PacedSession, WorkerNote } from '../ipc.js';
import { SessionPacer, type PacerLimits } from './session-pacer.js';

/** Between two notes about one session to the other workers, in milliseconds. */
const NOTE_PAUSE_MS = 50;

interface Entry {
  readonly pacer: SessionPacer;
  users: number;
  notedAt: number;
}

/** Finds the pacer of a session. */
export class SessionPacers {
  private readonly bySession = new Map<string, Entry>();
  /** Counted in sessions that have left. */
  private supersededDraws = 0;
  private keyToDraws: number[] = [];
  private idle = true;

  /** @param tell tells the session's other workers that its user has done something */
  constructor(private readonly tell: (sessionId: string) => void = () => undefined) {}

  /**
   * The session's pacer, for one more channel.
   *
   * @returns the pacer, and the function that the channel's end is told by
   */
  join(sessionId: string, limits: PacerLimits): { readonly pacer: SessionPacer; readonly leave: () => void } {
    const fresh = (): Entry => ({ pacer: new SessionPacer(limits), users: 0, notedAt: -Infinity });
    const entry = this.bySession.get(sessionId) ?? fresh();
    this.bySession.set(sessionId, entry);
    entry.users += 1;
    let joined = true;
    const leave = (): void => {
      if (!joined) return;
      joined = false;
      entry.users -= 1;
      if (entry.users > 0) return;
      this.bySession.delete(sessionId);
      this.count(entry.pacer);
    };
    return { pacer: entry.pacer, leave };
  }

  /** The session's pacer, if a channel of it is here. */
  find(sessionId: string): SessionPacer | undefined {
    return this.bySession.get(sessionId)?.pacer;
  }

  /** The user of a session has done something. @param now monotonic milliseconds */
  input(sessionId: string, now: number): void {
    const entry = this.bySession.get(sessionId);
    if (entry === undefined) return;
    entry.pacer.input(now);
    if (now - entry.notedAt < NOTE_PAUSE_MS) return;
    entry.notedAt = now;
    this.tell(sessionId);
  }

  /** How the sessions are paced now, and what was counted since the last report; null: there is nothing to say. */
  report(): WorkerNote | null {
    const sessions: PacedSession[] = [];
    for (const [sessionId, { pacer }] of this.bySession) {
      this.count(pacer);
      const { displays, supersededDraws } = pacer;
      if (displays > 0) sessions.push({ sessionId, displays, supersededDraws, ...pacer.figures });
    }
    const { supersededDraws, keyToDraws } = this;
    this.supersededDraws = 0;
    this.keyToDraws = [];
    const wasIdle = this.idle;
    this.idle = sessions.length === 0;
    if (this.idle && wasIdle && supersededDraws === 0 && keyToDraws.length === 0) return null;
    return { op: 'pacing', sessions, supersededDraws, keyToDraws };
  }

  private count(pacer: SessionPacer): void {
    const { supersededDraws, keyToDraws } = pacer.takeCounts();
    this.supersededDraws += supersededDraws;
    this.keyToDraws.push(...keyToDraws);
  }
}
