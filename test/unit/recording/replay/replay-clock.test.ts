// SPDX-License-Identifier: Apache-2.0
// The time of a replay: as fast as is asked for, standing while it is paused, never back.
import { describe, expect, it } from '@jest/globals';
import { ReplayClock } from '../../../../src/recording/replay/replay-clock.js';
import { ManualTimers, settled } from '../../../fixtures/manual-timers.js';

const never = (): boolean => false;

/** When something waited for came, in milliseconds of the wall; null: not yet. */
function waiting(clock: ReplayClock, timers: ManualTimers, time: number): { came: number | null } {
  const state: { came: number | null } = { came: null };
  void clock.until(time, never).then(() => (state.came = timers.now()));
  return state;
}

describe('the clock of a replay', () => {
  it('goes with the wall, twice as fast, half as fast', async () => {
    for (const [speed, expected] of [
      [1, 1000],
      [2, 500],
      [0.5, 2000],
    ] as const) {
      const timers = new ManualTimers();
      const state = waiting(new ReplayClock(timers, speed), timers, 1000);
      await timers.pass(expected - 1);
      await settled();
      expect(state.came).toBeNull();
      await timers.pass(1);
      await settled();
      expect(state.came).toBe(expected);
    }
  });

  it('changes its speed in the middle of a wait', async () => {
    const timers = new ManualTimers();
    const clock = new ReplayClock(timers, 1);
    const state = waiting(clock, timers, 1000);
    await timers.pass(400);
    clock.multiply(2);
    await timers.pass(1000);
    await settled();
    expect([clock.speed, state.came]).toEqual([2, 700]);
    for (let time = 0; time < 20; time += 1) clock.multiply(2);
    expect(clock.speed).toBe(1024);
    for (let time = 0; time < 20; time += 1) clock.multiply(0.5);
    expect(clock.speed).toBe(0.125);
  });

  it('stands while it is paused, and goes on from there', async () => {
    const timers = new ManualTimers();
    const clock = new ReplayClock(timers, 1);
    const state = waiting(clock, timers, 1000);
    await timers.pass(600);
    clock.togglePause();
    expect([clock.paused, clock.now]).toEqual([true, 600]);
    await timers.pass(100_000);
    await settled();
    expect([clock.now, state.came]).toEqual([600, null]);
    clock.togglePause();
    await timers.pass(400);
    await settled();
    expect([clock.paused, state.came]).toEqual([false, 101_000]);
  });

  it('jumps ahead, also while it is paused, and never back', async () => {
    const timers = new ManualTimers();
    const clock = new ReplayClock(timers, 1);
    const state = waiting(clock, timers, 9000);
    await settled();
    clock.togglePause();
    clock.ahead(10_000);
    await settled();
    expect([clock.now, state.came]).toEqual([10_000, 0]);
    clock.ahead(5000);
    expect(clock.now).toBe(10_000);
  });

  it('holds nobody who waits for no end', async () => {
    const timers = new ManualTimers();
    const clock = new ReplayClock(timers, 1);
    let over = false;
    const done = clock.until(1000, () => over);
    await settled();
    over = true;
    clock.nudge();
    await done;
    expect(timers.pending).toBe(0);
  });
});
