// SPDX-License-Identifier: Apache-2.0
// The notifications of sessions that have ended. They wait a moment, until the other nodes have written what passed on
// their channels, and for as long as the database is away.
import { loggerFor } from '../../log.js';
import type { Database } from '../../objects/database.js';
import { sessionUsage, type SessionUsage } from '../../objects/session-usage.js';
import type { OwnNotifications } from './own-notifications.js';

const log = loggerFor('kerbside.notifications.own');

/** Milliseconds from the end of a main channel to its notification: other nodes end theirs within a poll interval. */
const SETTLE = 3000;
/** Milliseconds to the next try while the database is away, and tries at most: an hour. */
const RETRY = 5000;
const TRIES = 720;
/** Ends that wait at most; the oldest is left out when there are more. */
const MOST_WAITING = 10_000;

/** Who tells: the node of the main channels, or a conductor that has closed those of a node that was silent. */
export type Teller = 'node' | 'conductor';

interface Waiting {
  readonly sessionId: string;
  readonly generation: number;
  tries: number;
  timer: NodeJS.Timeout;
}

/** Tells the ends of sessions. */
export class SessionEnds {
  private readonly waiting = new Set<Waiting>();
  private readonly telling = new Set<Promise<void>>();
  private failing = false;

  constructor(
    private readonly db: Database,
    private readonly own: OwnNotifications,
    private readonly teller: Teller,
  ) {}

  /** The main channel of this generation has ended, and the records say so, and by whom: only that one tells of it. */
  add(sessionId: string, generation: number): void {
    if (!this.own.wanted) return;
    for (const oldest of this.waiting) {
      if (this.waiting.size < MOST_WAITING) break;
      clearTimeout(oldest.timer);
      this.waiting.delete(oldest);
    }
    const entry: Waiting = { sessionId, generation, tries: 0, timer: setTimeout(() => undefined, 0) };
    this.waiting.add(entry);
    this.schedule(entry, SETTLE);
  }

  /** Tells at once what waits, as far as the records go. */
  async close(): Promise<void> {
    const waiting = [...this.waiting];
    for (const { timer } of waiting) clearTimeout(timer);
    for (const entry of waiting) this.tell(entry);
    await Promise.all(this.telling);
    for (const { timer } of this.waiting) clearTimeout(timer);
  }

  private schedule(entry: Waiting, delay: number): void {
    clearTimeout(entry.timer);
    entry.timer = setTimeout(() => this.tell(entry), delay);
  }

  private tell(entry: Waiting): void {
    // What is being told does not wait any more: it would be told twice.
    this.waiting.delete(entry);
    const work = this.look(entry).finally(() => this.telling.delete(work));
    this.telling.add(work);
  }

  // A node that was merely cut off may have opened its channel again, and tells of the end of that by itself; of what was
  // closed for it a conductor has told, even if the channel ran on until the node was back.
  private isOurs({ ended, lostWithNode }: SessionUsage): boolean {
    return ended !== null && lostWithNode === (this.teller === 'conductor');
  }

  private async look(entry: Waiting): Promise<void> {
    const { sessionId, generation } = entry;
    try {
      const usage = await sessionUsage(this.db, sessionId, generation);
      this.failing = false;
      if (usage !== null && this.isOurs(usage)) this.own.ended(usage);
    } catch (error) {
      if (!this.failing)
        log.warning('the ends of sessions cannot be told while the database is away', {
          error: error as Error,
        });
      this.failing = true;
      entry.tries += 1;
      if (entry.tries >= TRIES) return;
      this.waiting.add(entry);
      this.schedule(entry, RETRY);
    }
  }
}
