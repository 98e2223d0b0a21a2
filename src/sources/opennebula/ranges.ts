// SPDX-License-Identifier: Apache-2.0
// How the ids of a zone are divided into ranges that are asked for one by one. A range keeps its borders as long as it can: then
// a virtual machine that comes or goes changes the answer of one range, and the others need not be read again.

/** Ids from `first` to `last`, both in it; null: to the end. */
export interface IdRange {
  readonly first: number;
  readonly last: number | null;
}

/** Guests that a range is made for; one of twice as many is divided, and two that have less than half together become one. */
export const RANGE_SIZE = 500;

/** All ids. */
export const WHOLE: readonly IdRange[] = [{ first: 0, last: null }];

/** The ranges for the next time. @param found the ids that each of the ranges had this time */
export function nextRanges(ranges: readonly IdRange[], found: readonly (readonly number[])[]): IdRange[] {
  const starts: { first: number; count: number }[] = [];
  for (const [index, { first }] of ranges.entries()) {
    const ids = [...(found[index] ?? [])].sort((a, b) => a - b);
    const before = starts.at(-1);
    if (before !== undefined && before.count + ids.length < RANGE_SIZE / 2) {
      before.count += ids.length;
      continue;
    }
    const size = ids.length > 2 * RANGE_SIZE ? RANGE_SIZE : Math.max(ids.length, 1);
    starts.push({ first, count: Math.min(size, ids.length) });
    for (let at = size; at < ids.length; at += size)
      starts.push({ first: ids[at] ?? first, count: Math.min(size, ids.length - at) });
  }
  return starts.map(({ first }, index) => ({ first, last: (starts[index + 1]?.first ?? 0) - 1 })).map(open);
}

// The last one has no end: ids only grow.
function open({ first, last }: { first: number; last: number }): IdRange {
  return { first, last: last < first ? null : last };
}
