// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { RefusalRate } from '../../../../src/notifications/own/refusal-rate.js';

describe('the rate of refusals that are told', () => {
  it('has the same one once a minute, with the number of those between', () => {
    let now = 0;
    const rate = new RefusalRate(() => now);
    expect(rate.admit('a')).toBe(0);
    now = 59;
    expect(rate.admit('a')).toBeNull();
    expect(rate.admit('b')).toBe(1);
    now = 61;
    expect(rate.admit('a')).toBe(0);
  });

  it('has 60 different ones at once and one each second then, however many strangers there are', () => {
    let now = 0;
    const rate = new RefusalRate(() => now);
    const told = (from: number): number => {
      const keys = Array.from({ length: 5000 }, (_, at) => `${String(from)} ${String(at)}`);
      return keys.filter((key) => rate.admit(key) !== null).length;
    };
    expect(told(1)).toBe(60);
    now = 10;
    expect(told(2)).toBe(10);
    now = 10_000;
    expect(told(3)).toBe(60);
  });
});
