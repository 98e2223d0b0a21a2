// SPDX-License-Identifier: Apache-2.0
import { beforeEach, describe, expect, it } from '@jest/globals';
import { FirstTurns } from '../../../src/conductor/first-turns.js';
import { ManualTimers, settled } from '../../fixtures/manual-timers.js';

let timers: ManualTimers;
let turns: FirstTurns;
let begun: number[];
let ends: Map<number, () => void>;
let ended: number;

beforeEach(() => {
  timers = new ManualTimers();
  turns = new FirstTurns(timers);
  begun = [];
  ends = new Map();
  ended = 0;
});

function add(count: number): void {
  for (let n = 0; n < count; n += 1) {
    const turn = (): Promise<void> => {
      begun.push(n);
      return new Promise((resolve) => ends.set(n, resolve));
    };
    void turns.add(turn).then(() => (ended += 1));
  }
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

describe('turns that are asked for together', () => {
  it('begin eight at a time, the next one as soon as one has ended', async () => {
    add(20);
    await settled();
    expect(begun).toEqual(numbers(8));
    ends.get(3)?.();
    await settled();
    expect([begun, ended]).toEqual([numbers(9), 1]);
    for (const n of numbers(20)) {
      ends.get(n)?.();
      await settled();
    }
    expect([begun, ended, timers.pending]).toEqual([numbers(20), 20, 0]);
  });

  it('are held up by platforms that hang for half a second at most', async () => {
    add(20);
    await timers.pass(499);
    expect(begun).toHaveLength(8);
    await timers.pass(1);
    expect(begun).toHaveLength(16);
    await timers.pass(500);
    expect(begun).toEqual(numbers(20));
    for (const end of ends.values()) end();
    await settled();
    expect([ended, timers.pending]).toEqual([20, 0]);
  });

  it('that made room and then end leave no place too many', async () => {
    add(8);
    await timers.pass(500);
    for (const end of ends.values()) end();
    await settled();
    begun = [];
    add(9);
    await settled();
    expect(begun).toEqual(numbers(8));
  });
});
