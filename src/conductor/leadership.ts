// SPDX-License-Identifier: Apache-2.0
// Which tasks this process does: those whose leases it holds. A standby reads the leases about once a second and takes those
// that are free. A holder renews its leases and computes, by the monotonic clock from before the statement, until when they
// are valid; after that (the database is unavailable, the process was frozen) its tasks stop, before another process can take
// the lease:
//
//   0 -------- 1/3 -------- 0.6 -------- 0.8 -------- 1 lease_time
//   renewed    renewed      tasks end    lease ends   another has it
import type { Logger } from '../log.js';
import { Unavailable } from '../exception.js';
import { withDeadline } from '../net/deadline.js';
import type { ClockReading } from '../objects/clock.js';
import type { Database } from '../objects/database.js';
import type { Lease, Leases } from '../objects/lease.js';
import { DatabaseClock } from './database-clock.js';
import { LeaseLost, Term } from './term.js';
import type { LedTask } from './term.js';

/** What a {@link Leadership} is made with. */
export interface LeadershipOptions {
  readonly db: Database;
  readonly leases: Leases;
  /** `[conductor] lease_time`, seconds: how long it takes at most until another process does what a dead one did. */
  readonly leaseTime: number;
  readonly tasks: readonly LedTask[];
  readonly log: Logger;
}

interface Post {
  readonly task: LedTask;
  /** null: another process does the task, or nobody. */
  term: Term | null;
  /** The end of the last term, while it is under way: no new term begins before it. */
  ending: Promise<void> | null;
}

const RENEW_SHARE = 1 / 3;
const VALID_SHARE = 0.6;
const LEASE_SHARE = 0.8;
/** Checks in one lease time, and the part of it that one statement may take. */
const CHECKS = 15;
const STATEMENT_SHARE = 0.2;
/** Seconds between two checks. */
const SHORTEST_PAUSE = 0.1;
const LONGEST_PAUSE = 1;
/** Seconds that giving up the leases may take when the process ends. */
const GIVE_UP_TIMEOUT = 1;
/** Seconds for which a clock that was set forward takes nothing away from what was written before: a day. */
const CAUTION = 86_400;

/** Does the tasks whose leases this process holds. */
export class Leadership {
  private readonly posts: readonly Post[];
  private readonly clock: DatabaseClock;
  private readonly pause: number;
  private timer: NodeJS.Timeout | undefined;
  private passing: Promise<void> | null = null;
  private renewedAt = -Infinity;
  private first = true;
  private failing = false;
  private closed = false;

  constructor(private readonly options: LeadershipOptions) {
    this.posts = options.tasks.map((task) => ({ task, term: null, ending: null }));
    this.pause = Math.min(LONGEST_PAUSE, Math.max(SHORTEST_PAUSE, options.leaseTime / CHECKS));
    this.clock = new DatabaseClock(3 * this.pause);
  }

  /** Checks the leases for the first time, takes those that are free, and repeats that until it is closed. Never rejects. */
  async start(): Promise<void> {
    await this.pass();
  }

  /** The tasks that this process does now. */
  held(): string[] {
    return this.posts.filter(({ term }) => term?.isValid() === true).map(({ task }) => task.name);
  }

  /** For how many seconds the database has answered without a break, and its clock has not jumped. */
  connectedFor(): number {
    return this.clock.connectedFor(performance.now());
  }

  /** The database's time, epoch seconds: tasks use it, so that the clock of this machine may be wrong. */
  databaseTime(): number {
    return this.clock.databaseTime(performance.now());
  }

  /** The same for what is over when its time is: a clock that was set forward lately ends nothing before its time. */
  dueTime(): number {
    return this.clock.dueTime(performance.now(), CAUTION);
  }

  /** Takes note of what the database said of its clock; to be called before anything is done about its answer. */
  observe(reading: ClockReading): void {
    const jump = this.clock.observe(reading);
    if (jump !== null) this.options.log.warning('the clock of the database has jumped', { seconds: jump });
  }

  /** Ends all tasks and gives their leases up, so that a standby takes them at once. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.passing;
    const names = this.posts.filter(({ term }) => term !== null).map(({ task }) => task.name);
    for (const post of this.posts) this.end(post);
    await Promise.all(this.posts.map(async ({ ending }) => ending));
    if (names.length === 0) return;
    // Leases that cannot be given up expire.
    await within(this.options.leases.giveUp(names), GIVE_UP_TIMEOUT).catch((error: unknown) =>
      this.options.log.debug('leases were not given up and run out by themselves', {
        error: error instanceof Error ? error : String(error),
      }),
    );
  }

  private async pass(): Promise<void> {
    this.passing = this.checkLeases();
    await this.passing;
    this.passing = null;
    if (this.closed) return;
    this.timer = setTimeout(() => void this.pass(), this.pause * 1000);
  }

  private async checkLeases(): Promise<void> {
    const { leases, log } = this.options;
    try {
      await this.renew();
      const sent = performance.now();
      const seen = await this.ask(leases.look());
      this.observe({ sent, received: performance.now(), databaseTime: seen.now });
      const taken: string[] = [];
      for (const post of this.posts) if (await this.decide(post, seen)) taken.push(post.task.name);
      if (taken.length > 0)
        log.info('background tasks are done by this process', { tasks: taken.join(', ') });
      this.first = false;
      if (this.failing) log.info('leases are looked at again');
      this.failing = false;
    } catch (error) {
      this.clock.failed();
      if (!this.failing)
        log.error('leases cannot be looked at; background tasks stop when theirs run out', {
          error: error as Error,
        });
      this.failing = true;
    }
  }

  private async renew(): Promise<void> {
    const { leases, leaseTime } = this.options;
    const sent = performance.now();
    if (sent - this.renewedAt < leaseTime * RENEW_SHARE * 1000) return;
    const held = this.posts.flatMap(({ task, term }) => (term === null ? [] : [{ name: task.name, term }]));
    if (held.length === 0) return;
    const names = held.map(({ name }) => name);
    const renewed = await this.ask(leases.renew(names, leaseTime * LEASE_SHARE));
    // The read that follows shows which of them another process has now.
    if (renewed < names.length) return;
    this.renewedAt = sent;
    for (const { term } of held) term.extend(sent + leaseTime * VALID_SHARE * 1000);
  }

  // true: the task starts here.
  private async decide(post: Post, seen: { now: number; leases: readonly Lease[] }): Promise<boolean> {
    const { leases, leaseTime } = this.options;
    const { name } = post.task;
    const lease = seen.leases.find((found) => found.name === name);
    if (post.term !== null) {
      if (lease === undefined || !leases.isOwn(lease)) this.end(post);
      return false;
    }
    if (post.ending !== null || this.closed) return false;
    const seconds = leaseTime * LEASE_SHARE;
    const o = { ofFormerRun: this.first };
    if (!leases.isFree(lease, seen.now, seconds, o)) return false;
    // A clock that jumped makes every lease look expired: its holder gets the time to renew it.
    const own = lease !== undefined && leases.isOwn(lease);
    if (!own && performance.now() < this.clock.jumpedAt + seconds * 1000) return false;
    const sent = performance.now();
    if (!(await this.ask(leases.take(name, seconds, o)))) return false;
    this.begin(post, sent + leaseTime * VALID_SHARE * 1000);
    return true;
  }

  private begin(post: Post, validUntil: number): void {
    const term = new Term(validUntil, () => this.end(post, term));
    post.term = term;
    term.begin(
      post.task,
      this.options.db.guarded(() => this.check(post, term)),
    );
  }

  // Before every statement of a task: a process that was frozen must not continue with expired leases.
  private check(post: Post, term: Term): void {
    if (post.term === term && term.isValid()) return;
    this.end(post, term);
    throw new LeaseLost(post.task.name);
  }

  private end(post: Post, of: Term | null = post.term): void {
    const { term } = post;
    if (term === null || term !== of) return;
    post.term = null;
    if (!this.closed)
      this.options.log.warning('background task is given up: its lease was lost', { task: post.task.name });
    post.ending = term.end().then(() => {
      post.ending = null;
    });
  }

  private ask<T>(work: Promise<T>): Promise<T> {
    return within(work, this.options.leaseTime * STATEMENT_SHARE);
  }
}

/** @throws Unavailable when the database does not answer in time */
function within<T>(work: Promise<T>, seconds: number): Promise<T> {
  return withDeadline(work, seconds * 1000, () => new Unavailable(`no answer within ${String(seconds)} s`));
}
