// SPDX-License-Identifier: Apache-2.0
// A listing as a table; on a narrow screen each row is a card whose cells name their columns.
import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query';
import type { ReactElement, ReactNode } from 'react';
import type { ListingPage } from '../api/queries.js';
import { useSay } from '../settings.js';
import { Empty, Fault, Loading } from './state.js';

/** A column. */
export interface Column<T> {
  readonly header: string;
  readonly cell: (item: T) => ReactNode;
  /** The key that the API sorts by; absent: it does not. */
  readonly sort?: string;
  readonly kind?: 'numeric' | 'long';
}

/** An order such as `name:desc`. */
export interface Sorting {
  readonly order: string;
  readonly change: (order: string) => void;
}

/** All pages of a listing that have been asked for, and the rest on demand. */
export function ListingTable<T>(props: {
  readonly label: string;
  readonly listing: UseInfiniteQueryResult<InfiniteData<ListingPage<T>>>;
  readonly columns: readonly Column<T>[];
  readonly keyOf: (item: T) => string;
  readonly empty: ReactNode;
  readonly sorting?: Sorting;
}): ReactElement {
  const say = useSay();
  const { data, error, isPending, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = props.listing;
  if (isPending) return <Loading />;
  if (error !== null && data === undefined) return <Fault error={error} retry={() => void refetch()} />;
  const items = data.pages.flatMap((page) => page.items);
  return (
    <>
      {error === null ? null : <Fault error={error} retry={() => void refetch()} />}
      {items.length === 0 ? <Empty>{props.empty}</Empty> : <Rows {...props} items={items} />}
      {items.length === 0 ? null : (
        <p className="below">
          <span className="small">{say('app.shown', { count: items.length })}</span>
          {hasNextPage ? (
            <button type="button" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
              {say('app.more')}
            </button>
          ) : null}
        </p>
      )}
    </>
  );
}

function Rows<T>(props: {
  readonly label: string;
  readonly items: readonly T[];
  readonly columns: readonly Column<T>[];
  readonly keyOf: (item: T) => string;
  readonly sorting?: Sorting;
}): ReactElement {
  const { columns, sorting } = props;
  return (
    <table aria-label={props.label}>
      <thead>
        <tr>
          {columns.map((column) => (
            <Header key={column.header} column={column} sorting={sorting} />
          ))}
        </tr>
      </thead>
      <tbody>
        {props.items.map((item) => (
          <tr key={props.keyOf(item)}>
            {columns.map((column) => (
              <td key={column.header} data-label={column.header} className={column.kind}>
                <div>{column.cell(item)}</div>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Header<T>({
  column,
  sorting,
}: {
  readonly column: Column<T>;
  readonly sorting: Sorting | undefined;
}): ReactElement {
  if (sorting === undefined || column.sort === undefined)
    return (
      <th scope="col" className={column.kind}>
        {column.header}
      </th>
    );
  const [key, direction] = sorting.order.split(':');
  const current = key === column.sort;
  const descending = current && direction === 'desc';
  const next = `${column.sort}:${current && !descending ? 'desc' : 'asc'}`;
  return (
    <th scope="col" aria-sort={current ? (descending ? 'descending' : 'ascending') : 'none'}>
      <button type="button" className="sort" onClick={() => sorting.change(next)}>
        {column.header}
        <span aria-hidden="true">{current ? (descending ? ' ▼' : ' ▲') : ' ↕'}</span>
      </button>
    </th>
  );
}
