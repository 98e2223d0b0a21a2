// SPDX-License-Identifier: Apache-2.0
// The notifications of sessions that have ended. They wait a moment, until the other nodes have recorded the traffic of their
// channels, and for as long as the database is unavailable.
import { loggerFor } from '../../log.js';
import type { Database } from '../../objects/database.js';
import { sessionUsage, type SessionUsage } from '../../objects/session-usage.js';
import type { OwnNotifications } from './own-notifications.js';

const log = loggerFor('kerbside.notifications.own');

/** From the end of a main channel to its notification: other nodes end theirs within a poll interval. */
const SETTLE_MS = 3000;
/** To the next try while the database is unavailable, and tries at most: an hour. */
const RETRY_MS = 5000;
const TRIES = 720;
/** Ends that wait at most; the oldest is left out when there are more. */
const MOST_WAITING = 10_000;

/** Which process publishes: the node of the main channels, or a conductor that has closed those of a silent node. */
export type EndPublisher = 'node' | 'conductor';

interface Waiting {
  readonly sessionId: string;
  readonly generation: number;
  tries: number;
  timer: NodeJS.Timeout;
}

/** Publishes the ends of sessions. */
export class SessionEnds {
  private readonly waiting = new Set<Waiting>();
  private readonly publishing = new Set<Promise<void>>();
  private failing = false;

  constructor(
    private readonly db: Database,
    private readonly own: OwnNotifications,
    private readonly publisher: EndPublisher,
  ) {}

  /** The main channel of this generation has ended and is closed in the records. Who closed it there publishes it. */
  add(sessionId: string, generation: number): void {
    if (!this.own.wanted) return;
    for (const oldest of this.waiting) {
      if (this.waiting.size < MOST_WAITING) break;
      clearTimeout(oldest.timer);
      this.waiting.delete(oldest);
    }
    const entry: Waiting = { sessionId, generation, tries: 0, timer: setTimeout(() => undefined, 0) };
    this.waiting.add(entry);
    this.schedule(entry, SETTLE_MS);
  }

  /** Publishes at once what waits, as far as the records go. */
  async close(): Promise<void> {
    const waiting = [...this.waiting];
    for (const { timer } of waiting) clearTimeout(timer);
    for (const entry of waiting) this.publish(entry);
    await Promise.all(this.publishing);
    for (const { timer } of this.waiting) clearTimeout(timer);
  }

  private schedule(entry: Waiting, delay: number): void {
    clearTimeout(entry.timer);
    entry.timer = setTimeout(() => this.publish(entry), delay);
  }

  private publish(entry: Waiting): void {
    // Removed first: an entry that still waits would be published twice.
    this.waiting.delete(entry);
    const work = this.publishFromRecords(entry).finally(() => this.publishing.delete(work));
    this.publishing.add(work);
  }

  // A node that was only cut off may have opened its channel again, and publishes the end of that itself; what was closed for
  // it was published by a conductor, even if the channel ran on until the node was back.
  private isOurs({ ended, lostWithNode }: SessionUsage): boolean {
    return ended !== null && lostWithNode === (this.publisher === 'conductor');
  }

  private async publishFromRecords(entry: Waiting): Promise<void> {
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
      this.schedule(entry, RETRY_MS);
    }
  }
}
