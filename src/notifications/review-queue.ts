// SPDX-License-Identifier: Apache-2.0
// Asks clouds about single consoles as soon as something has happened to them: in the background, a few at once, each
// with a deadline, and what was asked for twice is asked once. Whatever is lost here, the next turn of the source finds.
import type { Logger } from '../log.js';
import type { Fanout } from '../messaging/fanout.js';
import { signalWithin } from '../net/deadline.js';
import { systemTimers } from '../net/timers.js';
import type { Timers } from '../net/timers.js';
import type { SourceDrivers } from '../sources/source-drivers.js';
import type { ConsoleReviews } from './console-keeper.js';

interface Wish {
  readonly source: string;
  readonly uuid: string;
  readonly tries: number;
}

/** Both formats tell the same within milliseconds: they are answered with one question. */
const SETTLE_MS = 30;
const AT_ONCE = 4;
/** Consoles that wait, at most; further ones are left to the next turn of their source. */
const MOST_WAITING = 10_000;
const DEADLINE_MS = 15_000;
/** Pauses before further tries: Nova refuses for a moment after a move. */
const PAUSES_MS = [1000, 4000];

/** The consoles that wait for a question. */
export class ReviewQueue implements ConsoleReviews {
  /** Wishes by console, those included whose pause is not over. */
  private readonly waiting = new Map<string, Wish>();
  /** Consoles whose turn it is, in order. */
  private readonly due: string[] = [];
  private readonly pauses = new Set<() => void>();
  private readonly abort = new AbortController();
  private readonly running = new Set<Promise<void>>();

  constructor(
    private readonly drivers: Pick<SourceDrivers, 'refresh'>,
    private readonly fanout: Fanout,
    private readonly log: Pick<Logger, 'warning' | 'debug'>,
    private readonly timers: Timers = systemTimers,
  ) {}

  request(source: string, uuid: string): void {
    this.enqueue({ source, uuid, tries: 0 }, SETTLE_MS);
  }

  /** Asks nothing more, and drops what is being asked. */
  async close(): Promise<void> {
    this.abort.abort();
    for (const callOff of this.pauses) callOff();
    this.pauses.clear();
    this.waiting.clear();
    this.due.length = 0;
    await Promise.all(this.running);
  }

  private enqueue(wish: Wish, pause: number): void {
    if (this.abort.signal.aborted) return;
    const key = JSON.stringify([wish.source, wish.uuid]);
    if (this.waiting.has(key) || this.waiting.size >= MOST_WAITING) return;
    this.waiting.set(key, wish);
    const callOff = this.timers.after(pause, () => {
      this.pauses.delete(callOff);
      this.due.push(key);
      this.next();
    });
    this.pauses.add(callOff);
  }

  private next(): void {
    while (this.running.size < AT_ONCE) {
      const key = this.due.shift() ?? '';
      const wish = this.waiting.get(key);
      if (wish === undefined) return;
      this.waiting.delete(key);
      const work = this.ask(wish).finally(() => {
        this.running.delete(work);
        this.next();
      });
      this.running.add(work);
    }
  }

  private async ask(wish: Wish): Promise<void> {
    const { source, uuid } = wish;
    const deadline = signalWithin(DEADLINE_MS, this.abort.signal);
    try {
      const found = await this.drivers.refresh(source, uuid, deadline);
      if (found === 'overtaken') this.again(wish);
      if (found === 'written')
        this.fanout.cast({ method: 'console_changed', args: { source, uuid, change: 'changed' } });
      if (found === 'removed')
        this.fanout.cast({ method: 'console_changed', args: { source, uuid, change: 'removed' } });
    } catch (error) {
      if (this.abort.signal.aborted) return;
      if (this.again(wish)) return;
      const fault = error instanceof Error ? error.message : String(error);
      this.log.warning('a console could not be looked at after news of its instance', {
        source,
        uuid,
        fault,
      });
    }
  }

  private again(wish: Wish): boolean {
    const pause = PAUSES_MS[wish.tries];
    if (pause === undefined) return false;
    this.enqueue({ ...wish, tries: wish.tries + 1 }, pause);
    return true;
  }
}
