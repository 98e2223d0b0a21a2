// SPDX-License-Identifier: Apache-2.0
// Reading a paged listing to its end.
import { describe, expect, it } from '@jest/globals';
import { everyPage } from '../../../../src/cmd/manage/pages.js';

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
