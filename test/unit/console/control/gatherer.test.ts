// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { Gatherer } from '../../../../src/console/control/gatherer.js';
import { ManualTimers } from '../../../fixtures/manual-timers.js';

/** A gatherer whose instants end when the test says so. */
function scene(fault: Error | null = null): {
  gatherer: Gatherer<number, number>;
  work: number[][];
  end: () => Promise<void>;
} {
  const timers = new ManualTimers();
  const work: number[][] = [];
  const gatherer = new Gatherer<number, number>(timers, 5, (items) => {
    work.push([...items]);
    return fault === null ? Promise.resolve(items.length) : Promise.reject(fault);
  });
  return { gatherer, work, end: () => timers.pass(5) };
}

describe('Gatherer', () => {
  it('works on what comes within an instant together, and answers each', async () => {
    const { gatherer, work, end } = scene();
    const answers = [gatherer.add(1), gatherer.add(2)];
    await end();
    answers.push(gatherer.add(3));
    await end();
    expect(await Promise.all(answers)).toEqual([2, 2, 1]);
    expect(work).toEqual([[1, 2], [3]]);
  });

  it('keeps kinds apart', async () => {
    const { gatherer, work, end } = scene();
    const answers = [gatherer.add(1, 'a'), gatherer.add(2, 'b'), gatherer.add(3, 'a')];
    await end();
    expect(await Promise.all(answers)).toEqual([2, 1, 2]);
    expect(work).toEqual([[1, 3], [2]]);
  });

  it('tells each of a fault, and goes on', async () => {
    const { gatherer, end } = scene(new Error('away'));
    for (let times = 0; times < 2; times += 1) {
      const answers = [gatherer.add(1), gatherer.add(2)];
      const rejected = answers.map((answer) => expect(answer).rejects.toThrow('away'));
      await end();
      await Promise.all(rejected);
    }
  });

  it('begins anew when there is as much as one statement takes', async () => {
    const { gatherer, work, end } = scene();
    const answers = Array.from({ length: 450 }, (_unused, item) => gatherer.add(item));
    await end();
    await Promise.all(answers);
    expect(work.map(({ length }) => length)).toEqual([200, 200, 50]);
  });

  it('begins at once when it is flushed, and waits for what is under way; the end of the instant finds nothing', async () => {
    const { gatherer, work, end } = scene();
    const answers = [gatherer.add(1), gatherer.add(2, 'b')];
    await gatherer.flush();
    expect(work).toEqual([[1], [2]]);
    await end();
    expect(await Promise.all(answers)).toEqual([1, 1]);
    expect(work).toHaveLength(2);
  });

  it('is flushed without a fault of its work, which is told to those who gave the items', async () => {
    const { gatherer } = scene(new Error('away'));
    const told = expect(gatherer.add(1)).rejects.toThrow('away');
    await gatherer.flush();
    await told;
  });
});
