// SPDX-License-Identifier: Apache-2.0
// Paging as every listing has it: a limit and the marker of the last item seen (OpenStack's limit/marker).

/** One page asked for. */
export interface PageRequest {
  /** Most items wanted, at least 1. */
  readonly limit: number;
  /** `next` of the page before; absent for the first page. */
  readonly marker?: string | undefined;
}

/** One page given. */
export interface Page<T> {
  readonly items: T[];
  /** Marker for the next page; null when this page is the last. */
  readonly next: string | null;
}

/** A page of `rows`, of which one more than `limit` was read to see whether another page follows. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => Item,
  markerOf: (row: Row) => string,
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(toItem),
    next: rows.length > limit && last !== undefined ? markerOf(last) : null,
  };
}
