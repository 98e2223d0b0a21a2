// SPDX-License-Identifier: Apache-2.0
// Reading a paged listing to its end, or as far as it is wanted.
import { describe, expect, it } from '@jest/globals';
import { everyPage, firstOf } from '../../../../src/cmd/manage/pages.js';

describe('everyPage', () => {
  it('follows the markers until there is none', async () => {
    const asked: (string | undefined)[] = [];
    const items = await everyPage((page) => {
      asked.push(page.marker);
      const at = Number(page.marker ?? 0);
      return Promise.resolve({ items: [at], next: at < 2 ? String(at + 1) : null });
    });
    expect(items).toEqual([0, 1, 2]);
    expect(asked).toEqual([undefined, '1', '2']);
  });
});

describe('firstOf', () => {
  it('asks for no more than is wanted, in pages', async () => {
    const asked: number[] = [];
    const items = await firstOf(2500, ({ limit, marker }) => {
      asked.push(limit);
      const from = Number(marker ?? 0);
      return Promise.resolve({
        items: Array.from({ length: limit }, (_unused, at) => from + at),
        next: String(from + limit),
      });
    });
    expect(asked).toEqual([1000, 1000, 500]);
    expect([items.length, items.at(-1)]).toEqual([2500, 2499]);
  });
});
