// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { pageOf } from '../../../src/objects/page.js';

const page = (rows: string[], limit: number) =>
  pageOf(
    rows,
    limit,
    (row) => row.toUpperCase(),
    (row) => row,
  );

describe('pageOf', () => {
  it('names the last shown row when one more was read', () => {
    expect(page(['a', 'b', 'c'], 2)).toEqual({ items: ['A', 'B'], next: 'b' });
  });

  it('is the last page when no more was read', () => {
    expect(page(['a', 'b'], 2)).toEqual({ items: ['A', 'B'], next: null });
    expect(page([], 2)).toEqual({ items: [], next: null });
  });
});
