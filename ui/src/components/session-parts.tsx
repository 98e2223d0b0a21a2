// SPDX-License-Identifier: Apache-2.0
// What the pages show of sessions: their state, the button that ends one, and their table.
import {
  useMutation,
  useQueryClient,
  type InfiniteData,
  type UseInfiniteQueryResult,
} from '@tanstack/react-query';
import type { ReactElement, ReactNode } from 'react';
import { ask } from '../api/client.js';
import type { ListingPage } from '../api/queries.js';
import type { Schemas } from '../api/types.js';
import { linkTo } from '../place-text.js';
import { useSay } from '../settings.js';
import { ConfirmedButton } from './confirm.js';
import { Ago, State, Time } from './facts.js';
import { useNotify, useNotifyFault } from './notice.js';
import { ListingTable, type Column, type Sorting } from './table.js';

type Session = Schemas['V1Session'];

/** The state in a word. */
export function SessionState({ state }: Pick<Session, 'state'>): ReactElement {
  const kinds = {
    pending: 'some',
    active: 'good',
    migrating: 'some',
    closing: 'some',
    closed: 'none',
  } as const;
  return <State kind={kinds[state]}>{useSay()(`sessions.state.${state}`)}</State>;
}

/** Ends a session, in two steps; nothing for one that is over. */
export function EndSession({ session }: { readonly session: Session }): ReactElement | null {
  const say = useSay();
  const notify = useNotify();
  const client = useQueryClient();
  const onError = useNotifyFault();
  const names = { user: session.issued_to ?? '?', name: session.name ?? session.instance_uuid };
  const end = useMutation({
    mutationFn: () => ask(`v1/sessions/${encodeURIComponent(session.id)}`, { method: 'DELETE' }),
    onSuccess: () => notify({ text: say('sessions.endDone', names), bad: false }),
    onError,
    onSettled: () => client.invalidateQueries({ queryKey: ['sessions'] }),
  });
  if (session.state === 'closed' || session.terminated_at !== null) return null;
  return (
    <ConfirmedButton
      label={say('sessions.end')}
      question={say('sessions.endAsk', names)}
      consequences={say('sessions.endWhat')}
      busy={end.isPending}
      onConfirm={() => end.mutate()}
    />
  );
}

/** A table of sessions. @param props.ofConsole they are all of one console, which is not named */
export function SessionTable(props: {
  readonly label: string;
  readonly listing: UseInfiniteQueryResult<InfiniteData<ListingPage<Session>>>;
  readonly empty: ReactNode;
  readonly ofConsole?: boolean;
  readonly sorting?: Sorting;
}): ReactElement {
  const say = useSay();
  const columns: Column<Session>[] = [
    {
      header: say('audit.session'),
      cell: (session) => <a href={linkTo(['sessions', session.id])}>{session.id}</a>,
    },
    { header: say('sessions.user'), cell: (session) => session.issued_to },
    { header: say('sessions.state'), cell: ({ state }) => <SessionState state={state} /> },
    { header: say('sessions.began'), cell: (session) => <Ago at={session.created_at} />, sort: 'created_at' },
    { header: say('sessions.ended'), cell: (session) => <Time at={session.closed_at} /> },
    { header: say('sessions.reason'), cell: (session) => session.reason, kind: 'long' },
    { header: say('consoles.actions'), cell: (session) => <EndSession session={session} /> },
  ];
  const ofConsole: Column<Session> = {
    header: say('sessions.console'),
    kind: 'long',
    cell: ({ source, instance_uuid, name }) => (
      <a href={linkTo(['consoles', source, instance_uuid])}>{name ?? instance_uuid}</a>
    ),
  };
  return (
    <ListingTable
      {...props}
      columns={props.ofConsole === true ? columns : [ofConsole, ...columns]}
      keyOf={({ id }) => id}
    />
  );
}
