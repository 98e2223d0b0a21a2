// SPDX-License-Identifier: Apache-2.0
// Background work repeats, never overlaps, survives its faults and ends when told.
import { beforeEach, describe, expect, it } from '@jest/globals';
import { PeriodicTask } from '../../../src/conductor/periodic-task.js';
import { ManualTimers, settled } from '../../fixtures/manual-timers.js';

const INTERVAL = 60;

describe('PeriodicTask', () => {
  let timers: ManualTimers;
  let log: string[];

  beforeEach(() => {
    timers = new ManualTimers();
    log = [];
  });

  function aTask(run: (signal: AbortSignal) => Promise<void>): PeriodicTask {
    return new PeriodicTask({
      ...{ name: 'work', interval: INTERVAL, run, timers },
      log: {
        error: (_message, fields) => log.push((fields?.['error'] as Error).message),
        info: (message) => log.push(message),
      },
    });
  }

  it('runs at once, and again an interval after each run has ended', async () => {
    let runs = 0;
    await aTask(() => Promise.resolve(void (runs += 1))).runNow();
    expect(runs).toBe(1);
    await timers.pass(INTERVAL * 1000 - 1);
    expect(runs).toBe(1);
    await timers.pass(1);
    expect(runs).toBe(2);
    await timers.pass(3 * INTERVAL * 1000);
    expect(runs).toBe(5);
  });

  it('has its place in the interval: tasks that begin together do not stay together', async () => {
    const runs: Record<string, number[]> = { early: [], middle: [], late: [] };
    const aTaskAt = (name: string, phase: number): PeriodicTask =>
      new PeriodicTask({
        ...{
          name,
          interval: INTERVAL,
          phase,
          timers,
          log: { error: () => undefined, info: () => undefined },
        },
        run: () => Promise.resolve(void runs[name]?.push(timers.now() / 1000)),
      });
    const tasks = [aTaskAt('early', 0), aTaskAt('middle', 0.5), aTaskAt('late', 1)];
    await Promise.all(tasks.map((task) => task.runNow()));
    await timers.pass(3 * INTERVAL * 1000);
    expect(runs).toEqual({ early: [0, 30, 90, 150], middle: [0, 45, 105, 165], late: [0, 60, 120, 180] });
    // Asked for together once more, as by a reload.
    await Promise.all(tasks.map((task) => task.runNow()));
    await timers.pass(INTERVAL * 1000);
    expect(Object.values(runs).map((times) => times.slice(4))).toEqual([
      [180, 210],
      [180, 225],
      [180, 240],
    ]);
  });

  it('never overlaps: runs asked for meanwhile become one, afterwards', async () => {
    let running = 0;
    let most = 0;
    const ends: (() => void)[] = [];
    const work = aTask(async () => {
      most = Math.max(most, (running += 1));
      await new Promise<void>((resolve) => ends.push(resolve));
      running -= 1;
    });
    const asked = [work.runNow(), work.runNow(), work.runNow(), work.runNow()];
    for (const run of [0, 1]) {
      await settled();
      expect(ends).toHaveLength(run + 1);
      ends[run]?.();
    }
    await Promise.all(asked);
    expect([most, ends.length]).toEqual([1, 2]);
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
    await timers.pass(6 * INTERVAL * 1000);
    expect(runs).toBe(7);
    expect(log).toEqual(['away', 'refused', 'background task works again']);
  });

  it('ends the run under way when it is closed, and runs no more', async () => {
    let runs = 0;
    const work = aTask((signal) => {
      runs += 1;
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('told to end')));
      });
    });
    const run = work.runNow();
    const next = work.runNow();
    await work.close();
    await Promise.all([run, next, work.runNow()]);
    expect(timers.pending).toBe(0);
    expect([runs, log]).toEqual([1, []]);
  });
});
