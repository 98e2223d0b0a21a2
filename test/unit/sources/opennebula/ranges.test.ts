// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { nextRanges, RANGE_SIZE, WHOLE, type IdRange } from '../../../../src/sources/opennebula/ranges.js';

const ids = (count: number, from = 0, step = 1): number[] =>
  Array.from({ length: count }, (_, index) => from + index * step);

/** What each range would find. */
const divided = (ranges: readonly IdRange[], all: readonly number[]): number[][] =>
  ranges.map(({ first, last }) => all.filter((id) => id >= first && (last === null || id <= last)));

describe('ranges of ids', () => {
  it.each([[0], [1], [499], [1000], [1001], [5003], [20_000]])(
    'cover all ids, however many there are: %d',
    (count) => {
      const all = ids(count, 3, 7);
      const ranges = nextRanges(WHOLE, [all]);
      expect(ranges[0]?.first).toBe(0);
      expect(ranges.at(-1)?.last).toBeNull();
      for (const [index, { last }] of ranges.entries())
        if (last !== null) expect(ranges[index + 1]?.first).toBe(last + 1);
      const found = divided(ranges, all);
      expect(found.flat()).toEqual(all);
      expect(Math.max(...found.map(({ length }) => length))).toBeLessThanOrEqual(2 * RANGE_SIZE);
      expect(nextRanges(ranges, found)).toEqual(ranges);
    },
  );

  it('keep their borders while guests come and go', () => {
    const all = ids(5000);
    const ranges = nextRanges(WHOLE, [all]);
    const later = [...all.filter((id) => id % 10 !== 3), ...ids(300, 5000)];
    expect(nextRanges(ranges, divided(ranges, later))).toEqual(ranges);
  });

  it('are divided when they grow, and joined when they shrink', () => {
    const ranges = nextRanges(WHOLE, [ids(1600)]);
    const grown = nextRanges(ranges, divided(ranges, ids(4000)));
    expect(grown.slice(0, ranges.length)).toEqual([...ranges.slice(0, -1), { first: 1500, last: 1999 }]);
    expect(grown.length).toBeGreaterThan(ranges.length);
    const few = ids(40, 0, 100);
    expect(nextRanges(grown, divided(grown, few))).toEqual(WHOLE);
  });
});
