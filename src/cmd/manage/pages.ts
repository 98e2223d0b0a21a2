// SPDX-License-Identifier: Apache-2.0
// Reads a paged listing to its end.
import type { Page, PageRequest } from '../../objects/page.js';

const PAGE = 1000;

/** All items of a listing, page after page. */
export async function everyPage<T>(read: (page: PageRequest) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  for (let marker: string | undefined; ;) {
    const page = await read({ limit: PAGE, marker });
    items.push(...page.items);
    if (page.next === null) return items;
    marker = page.next;
  }
}
