// SPDX-License-Identifier: Apache-2.0
// A table of audit events.
import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query';
import type { ReactElement, ReactNode } from 'react';
import type { ListingPage } from '../api/queries.js';
import type { Schemas } from '../api/types.js';
import { linkTo } from '../place-text.js';
import { useSay } from '../settings.js';
import { Time } from './facts.js';
import { ListingTable, type Column } from './table.js';

type Event = Schemas['V1AuditEvent'];

/** Events, the newest first. @param props.ofConsole they are all of one console, which is not named */
export function AuditTable(props: {
  readonly label: string;
  readonly listing: UseInfiniteQueryResult<InfiniteData<ListingPage<Event>>>;
  readonly empty: ReactNode;
  readonly ofConsole?: boolean;
}): ReactElement {
  const say = useSay();
  const columns: Column<Event>[] = [
    { header: say('audit.time'), cell: (event) => <Time at={event.created_at} /> },
    { header: say('audit.message'), cell: (event) => event.message, kind: 'long' },
    ...(props.ofConsole === true ? [] : [consoleColumn(say('audit.console'))]),
    { header: say('audit.user'), cell: (event) => event.issued_to, kind: 'long' },
    { header: say('audit.from'), cell: (event) => event.client_ip ?? event.request_ip },
    { header: say('audit.by'), cell: (event) => event.request_user ?? event.requested_by },
    {
      header: say('audit.session'),
      cell: ({ session_id }) =>
        session_id === null ? null : <a href={linkTo(['sessions', session_id])}>{session_id}</a>,
    },
    { header: say('session.node'), cell: (event) => event.node },
  ];
  return <ListingTable {...props} columns={columns} keyOf={({ id }) => String(id)} />;
}

function consoleColumn(header: string): Column<Event> {
  return {
    header,
    kind: 'long',
    cell: ({ source, instance_uuid }) =>
      instance_uuid === '' ? null : <a href={linkTo(['consoles', source, instance_uuid])}>{instance_uuid}</a>,
  };
}
