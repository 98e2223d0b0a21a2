// SPDX-License-Identifier: Apache-2.0
// Background work repeats, never overlaps, survives its faults and ends when told.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { PeriodicTask } from '../../../src/conductor/periodic-task.js';

describe('PeriodicTask', () => {
  const log: string[] = [];
  let task: PeriodicTask | undefined;

  function aTask(run: (signal: AbortSignal) => Promise<void>, interval = 0.005): PeriodicTask {
    log.length = 0;
    task = new PeriodicTask({
      name: 'work',
      interval,
      run,
      log: {
        error: (_message, fields) => log.push((fields?.['error'] as Error).message),
        info: (message) => log.push(message),
      },
    });
    return task;
  }

  afterEach(() => task?.close());

  it('runs at once and again after each interval', async () => {
    let runs = 0;
    await aTask(() => Promise.resolve(void (runs += 1))).runNow();
    expect(runs).toBe(1);
    await sleep(100);
    expect(runs).toBeGreaterThan(2);
  });

  it('never overlaps: runs asked for meanwhile become one, afterwards', async () => {
    let running = 0;
    let most = 0;
    let runs = 0;
    const work = aTask(async () => {
      most = Math.max(most, (running += 1));
      runs += 1;
      await sleep(20);
      running -= 1;
    }, 60);
    await Promise.all([work.runNow(), work.runNow(), work.runNow(), work.runNow()]);
    expect([most, runs]).toEqual([1, 2]);
  });

  it('reports each distinct fault once, tries again, and says when it works again', async () => {
    const faults = ['away', 'away', 'refused', 'refused', ''];
    let runs = 0;
    const work = aTask(() => {
      const fault = faults[runs];
      runs += 1;
      return fault ? Promise.reject(new Error(fault)) : Promise.resolve();
    });
    await work.runNow();
    while (runs < 7) await sleep(5);
    expect(log).toEqual(['away', 'refused', 'background task works again']);
  });

  it('ends the run under way when it is closed, and runs no more', async () => {
    let runs = 0;
    const work = aTask((signal) => {
      runs += 1;
      return sleep(60_000, undefined, { signal });
    });
    const run = work.runNow();
    const next = work.runNow();
    await work.close();
    await Promise.all([run, next, work.runNow()]);
    await sleep(20);
    expect([runs, log]).toEqual([1, []]);
  });
});
