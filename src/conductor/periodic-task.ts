// SPDX-License-Identifier: Apache-2.0
// One piece of background work and the timer that belongs to it. Runs never overlap; a run that fails is reported
// once for each distinct fault and tried again at the next turn; nothing a task does can end the process.
import type { Logger } from '../log.js';
import { systemTimers } from '../net/timers.js';
import type { Timers } from '../net/timers.js';

/** What a {@link PeriodicTask} is made with. */
export interface TaskOptions {
  /** Names the task in the log. */
  readonly name: string;
  /** Seconds from the end of one run to the start of the next. */
  readonly interval: number;
  /**
   * Where in the interval it has its place, from 0 to 1 (default): the turn after one that was asked for comes after half of the interval
   * and this part of the other half, so that tasks which were asked at one moment do not stay together.
   */
  readonly phase?: number;
  /** The work. The signal fires when the task is closed. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  readonly log: Pick<Logger, 'error' | 'info'>;
  /** Default: the machine's. */
  readonly timers?: Timers;
}

/** Runs its work at once when started, and again and again until it is closed. */
export class PeriodicTask {
  private readonly abort = new AbortController();
  private readonly timers: Timers;
  private callOff: () => void = () => undefined;
  private current: Promise<void> | undefined;
  private again: Promise<void> | undefined;
  private fault: string | undefined;

  constructor(private readonly options: TaskOptions) {
    this.timers = options.timers ?? systemTimers;
  }

  /** Runs as soon as no other run is under way; resolves when that run has ended, well or not. */
  runNow(): Promise<void> {
    if (this.abort.signal.aborted) return Promise.resolve();
    if (this.current === undefined) return this.begin(this.afterAsked());
    this.again ??= this.current.then(() => {
      this.again = undefined;
      return this.runNow();
    });
    return this.again;
  }

  /** Stops permanently: no further run, and the one under way is aborted and waited for. */
  async close(): Promise<void> {
    this.abort.abort();
    this.callOff();
    await this.current;
  }

  private afterAsked(): number {
    const { interval, phase = 1 } = this.options;
    return (interval * (1 + phase)) / 2;
  }

  private begin(pause: number): Promise<void> {
    this.current = this.turn(pause);
    return this.current;
  }

  /** @param pause seconds from its end to the next one */
  private async turn(pause: number): Promise<void> {
    this.callOff();
    try {
      await this.options.run(this.abort.signal);
      this.recovered();
    } catch (error) {
      this.failed(error);
    }
    this.current = undefined;
    if (this.abort.signal.aborted) return;
    const { interval } = this.options;
    this.callOff = this.timers.after(pause * 1000, () => void this.begin(interval));
  }

  private recovered(): void {
    if (this.fault === undefined) return;
    this.fault = undefined;
    this.options.log.info('background task works again', { task: this.options.name });
  }

  private failed(error: unknown): void {
    if (this.abort.signal.aborted) return;
    const failure = error instanceof Error ? error : new Error(String(error));
    if (failure.message === this.fault) return;
    this.fault = failure.message;
    this.options.log.error('background task failed and will be tried again', {
      task: this.options.name,
      interval: this.options.interval,
      error: failure,
    });
  }
}
