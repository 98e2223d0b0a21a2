// SPDX-License-Identifier: Apache-2.0
// Tells open pages that something has changed, as server-sent events. One query every few seconds for all of them, and none
// while there are none. An event says what to ask for again and nothing else: what somebody may see, the API decides.
import type { Response } from 'express';
import { loggerFor } from '../../log.js';
import type { ChangeMarks } from '../../objects/overview.js';

/** How often is asked, ms. */
const EVERY_MS = 2000;
/** A stream ends after this time, ms: the page opens it again, and its token is looked at again. */
const LIFE_MS = 600_000;
/** Silence after which a comment is sent, ms: proxies cut what is silent. */
const QUIET_MS = 15_000;
/** Pages at the same time; others ask by themselves. */
const MOST_PAGES = 500;
/** Bytes that may wait for a page that does not read. */
const MOST_WAITING = 65_536;

const log = loggerFor('kerbside.api.ui');

/** What changes are called. */
const TOPICS = {
  sessions: 'sessions',
  connections: 'sessions',
  events: 'audit',
  seen: 'sources',
  errored: 'sources',
  down: 'services',
} as const satisfies Record<keyof ChangeMarks, string>;

/** What is told. */
export type Topic = (typeof TOPICS)[keyof ChangeMarks];

/** The times of a feed, for tests. */
export interface FeedTimes {
  readonly every: number;
  readonly life: number;
}

/** The open pages of this node. */
export class ChangeFeed {
  private readonly pages = new Set<Response>();
  private timer: NodeJS.Timeout | undefined;
  private last: ChangeMarks | undefined;
  private spoke = 0;
  private closed = false;

  constructor(
    private readonly marks: () => Promise<ChangeMarks | undefined>,
    private readonly times: FeedTimes = { every: EVERY_MS, life: LIFE_MS },
  ) {}

  /** How many pages are listening. */
  get size(): number {
    return this.pages.size;
  }

  /** Begins a stream. false: there are too many, or the service ends. */
  attach(response: Response): boolean {
    if (this.closed || this.pages.size >= MOST_PAGES) return false;
    response.status(200).set({
      'Content-Type': 'text/event-stream; charset=utf-8',
      'X-Accel-Buffering': 'no',
    });
    response.write('retry: 3000\n\nevent: hello\ndata: []\n\n');
    const end = setTimeout(() => response.end(), this.times.life);
    this.pages.add(response);
    response.once('close', () => {
      clearTimeout(end);
      this.pages.delete(response);
    });
    this.timer ??= setTimeout(() => void this.look(), 0);
    return true;
  }

  /** Ends all streams. */
  close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    for (const page of this.pages) page.end();
    return Promise.resolve();
  }

  private async look(): Promise<void> {
    try {
      const marks = await this.marks();
      if (marks !== undefined) this.tell(changed(this.last, marks));
      this.last = marks;
    } catch (error) {
      log.debug('changes cannot be looked for', { error: error instanceof Error ? error : String(error) });
    }
    this.timer = undefined;
    if (this.closed) return;
    if (this.pages.size === 0) this.last = undefined;
    else this.timer = setTimeout(() => void this.look(), this.times.every);
  }

  private tell(topics: readonly Topic[]): void {
    const now = performance.now();
    if (topics.length === 0 && now - this.spoke < QUIET_MS) return;
    this.spoke = now;
    const text = topics.length === 0 ? ': quiet\n\n' : `event: change\ndata: ${JSON.stringify(topics)}\n\n`;
    for (const page of this.pages) {
      if (page.writableLength > MOST_WAITING) page.destroy();
      else page.write(text);
    }
  }
}

/** What differs; nothing when there is nothing to compare with. */
export function changed(before: ChangeMarks | undefined, after: ChangeMarks): Topic[] {
  if (before === undefined) return [];
  const keys = Object.keys(TOPICS) as (keyof ChangeMarks)[];
  return [...new Set(keys.filter((key) => before[key] !== after[key]).map((key) => TOPICS[key]))];
}
