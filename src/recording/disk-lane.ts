// SPDX-License-Identifier: Apache-2.0
// The way to the disk for all recordings of a process: few operations at the same time, so that a disk that does not answer
// holds no more of the process's threads than that, and an end to the patience with each.
import { Unavailable } from '../exception.js';
import { systemTimers, type Timers } from '../net/timers.js';

/** Node has four threads for files, names of hosts and compression: half of them may hang. */
const AT_ONCE = 2;
/** Milliseconds that one operation may take. */
const PATIENCE_MS = 10_000;

/** Lets operations on the disk through, a few at a time. */
export class DiskLane {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly patienceMs = PATIENCE_MS,
    private readonly timers: Timers = systemTimers,
  ) {}

  /**
   * Does some work on the disk.
   *
   * @throws Unavailable when it is not done in time: it may still be, later
   */
  async run<T>(work: () => Promise<T>): Promise<T> {
    let inTime = (): void => undefined;
    let abandoned = false;
    const late = new Promise<never>((_resolve, reject) => {
      inTime = this.timers.after(this.patienceMs, () => {
        abandoned = true;
        reject(new Unavailable(`the disk has not answered for ${this.patienceMs / 1000} s`));
      });
    });
    const done = this.enter().then(async () => {
      try {
        if (abandoned) throw new Unavailable('the disk does not answer');
        return await work();
      } finally {
        this.leave();
      }
    });
    done.catch(() => undefined);
    try {
      return await Promise.race([done, late]);
    } finally {
      inTime();
    }
  }

  private enter(): Promise<void> {
    if (this.running < AT_ONCE) {
      this.running += 1;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private leave(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.running -= 1;
    else next();
  }
}
