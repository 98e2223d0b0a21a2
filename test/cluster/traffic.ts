// SPDX-License-Identifier: Apache-2.0
// Users of the REST service who ask again and again through the balancer, and what they were answered.
import { delay } from '../fixtures/program.js';
import type { Site } from './site.js';

const PAUSE_MS = 100;

/** What one request came to. */
export interface Reply {
  /** Of performance.now(), when it was asked. */
  readonly at: number;
  /** 0: no answer. */
  readonly status: number;
  readonly milliseconds: number;
  readonly words: string;
}

/** Requests in a loop: a listing, then a .vv file, which writes to the database. */
export class Traffic {
  readonly replies: Reply[] = [];
  private readonly loop: Promise<void>;
  private running = true;

  constructor(private readonly site: Site) {
    this.loop = this.run();
  }

  /** Those that were not answered by 200. */
  get failed(): Reply[] {
    return this.replies.filter(({ status }) => status !== 200);
  }

  /** Seconds from `since` to the end of the last failed request; 0 when none failed. */
  outage(since: number): number {
    const last = this.failed.filter(({ at }) => at >= since - 1).at(-1);
    return last === undefined ? 0 : (last.at + last.milliseconds - since) / 1000;
  }

  /** `120 requests, 2 failed (503 x2)`. */
  get words(): string {
    const counts = new Map<string, number>();
    for (const { status, words } of this.failed) {
      const key = status === 0 ? words : `${status}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    const failed = [...counts].map(([what, count]) => `${what} x${count}`).join(', ');
    return `${this.replies.length} requests, ${this.failed.length} failed${failed === '' ? '' : ` (${failed})`}`;
  }

  async stop(): Promise<void> {
    this.running = false;
    await this.loop;
  }

  private async run(): Promise<void> {
    const paths = ['/session', this.site.path(this.site.desks[1]!)];
    for (let count = 0; this.running; count += 1) {
      const at = performance.now();
      const { status, words } = await this.site.api('GET', paths[count % paths.length]!).then(
        (answer) => ({ status: answer.status, words: answer.body.slice(0, 80) }),
        (error: unknown) => ({ status: 0, words: error instanceof Error ? error.message : String(error) }),
      );
      this.replies.push({ at, status, words, milliseconds: performance.now() - at });
      await delay(PAUSE_MS);
    }
  }
}
