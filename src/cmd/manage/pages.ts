// SPDX-License-Identifier: Apache-2.0
// Reads a paged listing to its end, or as far as it is wanted.
import type { Page, PageRequest } from '../../objects/page.js';

const PAGE = 1000;

/** All items of a listing, page after page. */
export function everyPage<T>(read: (page: PageRequest) => Promise<Page<T>>): Promise<T[]> {
  return firstOf(Infinity, read);
}

/** The first `limit` items of a listing, page after page. */
export async function firstOf<T>(limit: number, read: (page: PageRequest) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  for (let marker: string | undefined; ;) {
    const page = await read({ limit: Math.min(PAGE, limit - items.length), marker });
    items.push(...page.items);
    if (page.next === null || items.length >= limit) return items;
    marker = page.next;
  }
}
