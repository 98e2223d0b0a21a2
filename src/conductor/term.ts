// SPDX-License-Identifier: Apache-2.0
// One term of a task in this process: from the acquisition of its lease to its loss, by a monotonic clock.
import { Conflict } from '../exception.js';
import { systemTimers } from '../net/timers.js';
import type { Timers } from '../net/timers.js';
import type { Database } from '../objects/database.js';

/** Work that goes on until it is stopped. */
export interface Work {
  /** Ends it at once; resolves when nothing of it runs any more. Never rejects. */
  stop(): Promise<void>;
}

/** A task that one process at a time runs. */
export interface LedTask {
  /** Names its lease. */
  readonly name: string;
  /** Starts the work; `db` refuses every statement as soon as the lease may be another process's. */
  begin(db: Database): Work;
}

/** A task went on after its lease. */
export class LeaseLost extends Conflict {
  constructor(task: string) {
    super(`the lease of background task ${task} has run out at this process`);
  }
}

/** A term of a task. */
export class Term {
  private work: Work | null = null;
  private callOff: () => void = () => undefined;
  private over = false;

  /**
   * @param validUntil when it ends unless it is extended, milliseconds of `timers`
   * @param onExpiry called when it ends so
   */
  constructor(
    private validUntil: number,
    private readonly onExpiry: () => void,
    private readonly timers: Timers = systemTimers,
  ) {}

  /** Whether the lease is certainly this process's at this moment. */
  isValid(): boolean {
    return !this.over && this.timers.now() < this.validUntil;
  }

  /** Starts the task. */
  begin(task: LedTask, db: Database): void {
    this.arm();
    this.work = task.begin(db);
  }

  /** The lease was renewed. One that has expired stays expired. */
  extend(validUntil: number): void {
    if (!this.isValid()) return;
    this.validUntil = Math.max(this.validUntil, validUntil);
    this.arm();
  }

  /** Ends the work; resolves when nothing of it runs any more. */
  async end(): Promise<void> {
    this.over = true;
    this.callOff();
    await this.work?.stop();
  }

  private arm(): void {
    this.callOff();
    const left = Math.max(0, this.validUntil - this.timers.now());
    this.callOff = this.timers.after(left, () => this.onExpiry());
  }
}
