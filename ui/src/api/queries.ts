// SPDX-License-Identifier: Apache-2.0
// What the pages read, by the topics of which the service says that they have changed.
import {
  keepPreviousData,
  useInfiniteQuery,
  useQuery,
  type InfiniteData,
  type UseInfiniteQueryResult,
  type UseQueryResult,
} from '@tanstack/react-query';
import { ask, nextMarker } from './client.js';
import type { Schemas } from './types.js';

/** Listings of /v1 by their paths. */
interface Listings {
  readonly consoles: Schemas['V1Console'];
  readonly sessions: Schemas['V1Session'];
  readonly connections: Schemas['V1Connection'];
  readonly sources: Schemas['V1Source'];
  readonly services: Schemas['V1Service'];
  readonly 'audit-events': Schemas['V1AuditEvent'];
}

/** The name of a listing. */
export type Listing = keyof Listings;
/** What a listing is narrowed to. */
export type Filters = Readonly<Record<string, string | undefined>>;
/** One page. */
export interface ListingPage<T> {
  readonly items: readonly T[];
  readonly next: string | undefined;
}

/** The topic of the feed that a listing is about. */
export const TOPIC_OF: Readonly<Record<Listing, string>> = {
  consoles: 'audit',
  sessions: 'sessions',
  connections: 'sessions',
  sources: 'sources',
  services: 'services',
  'audit-events': 'audit',
};

const PAGE = 50;

/** What is filled in of a search. */
export function queryOf(filters: Filters): URLSearchParams {
  const filled = Object.entries(filters).filter(([, value]) => value !== undefined && value !== '');
  return new URLSearchParams(filled as [string, string][]);
}

/** Reads one page of a listing. @throws ApiFault */
export async function readPage<L extends Listing>(
  listing: L,
  filters: Filters,
  o: { readonly marker?: string | undefined; readonly limit?: number; readonly signal?: AbortSignal } = {},
): Promise<ListingPage<Listings[L]>> {
  const query = queryOf(filters);
  query.set('limit', String(o.limit ?? PAGE));
  if (o.marker !== undefined) query.set('marker', o.marker);
  const path = `v1/${listing}?${query.toString()}`;
  const body = await ask<Record<string, unknown>>(path, o.signal === undefined ? {} : { signal: o.signal });
  const key = listing.replace('-', '_');
  return {
    items: body[key] as Listings[L][],
    next: nextMarker(body[`${key}_links`] as Schemas['Link'][] | undefined),
  };
}

/** A listing, page after page. */
export function useListing<L extends Listing>(
  listing: L,
  filters: Filters = {},
): UseInfiniteQueryResult<InfiniteData<ListingPage<Listings[L]>>> {
  return useInfiniteQuery({
    queryKey: [TOPIC_OF[listing], listing, filters],
    queryFn: ({ pageParam, signal }) => readPage(listing, filters, { marker: pageParam, signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next }) => next,
    placeholderData: keepPreviousData,
  });
}

/** One console. */
export function useConsole(source: string, uuid: string): UseQueryResult<Schemas['V1ConsoleAnswer']> {
  const path = `v1/consoles/${encodeURIComponent(source)}/${encodeURIComponent(uuid)}`;
  return useQuery({
    queryKey: ['audit', 'console', source, uuid],
    queryFn: ({ signal }) => ask<Schemas['V1ConsoleAnswer']>(path, { signal }),
  });
}

/** One session. */
export function useSession(id: string): UseQueryResult<Schemas['V1SessionAnswer']> {
  return useQuery({
    queryKey: ['sessions', 'session', id],
    queryFn: ({ signal }) =>
      ask<Schemas['V1SessionAnswer']>(`v1/sessions/${encodeURIComponent(id)}`, { signal }),
  });
}

/** The site in figures. */
export function useOverview(): UseQueryResult<Schemas['UiOverview']> {
  return useQuery({
    queryKey: ['sessions', 'overview'],
    queryFn: ({ signal }) => ask<Schemas['UiOverview']>('ui/overview', { signal }),
  });
}

/** Who is signed in. */
export function useWhoami(): UseQueryResult<Schemas['UiWhoami']> {
  return useQuery({
    queryKey: ['whoami'],
    queryFn: ({ signal }) => ask<Schemas['UiWhoami']>('ui/whoami', { signal }),
    staleTime: Infinity,
  });
}
