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
