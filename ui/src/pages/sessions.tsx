// SPDX-License-Identifier: Apache-2.0
// Sessions: who is at which desktop, and one session with its channels.
import type { ReactElement } from 'react';
import { useListing, useSession } from '../api/queries.js';
import type { Schemas } from '../api/types.js';
import { Facts, Time } from '../components/facts.js';
import { SearchField, SelectField } from '../components/fields.js';
import { EndSession, SessionState, SessionTable } from '../components/session-parts.js';
import { Fault, Loading } from '../components/state.js';
import { ListingTable, type Column } from '../components/table.js';
import { bytes } from '../format.js';
import { changeQuery, usePlace } from '../place.js';
import { linkTo } from '../place-text.js';
import { useSay, useSettings } from '../settings.js';

const STATES = ['active', 'migrating', 'pending', 'closing', 'closed'] as const;

/** The page of all sessions. */
export function SessionsPage(): ReactElement {
  const say = useSay();
  const place = usePlace();
  const { name = '', user = '', state = 'active', sort = 'created_at:desc' } = place.query;
  const listing = useListing('sessions', {
    ...{ 'name~': name, user, sort },
    ...(state === 'all' ? {} : { state }),
  });
  return (
    <>
      <h1>{say('nav.sessions')}</h1>
      <search className="search">
        <SearchField
          label={say('sessions.search')}
          value={name}
          onChange={(text) => changeQuery(place, { name: text })}
        />
        <SearchField
          label={say('sessions.user')}
          value={user}
          onChange={(text) => changeQuery(place, { user: text })}
        />
        <SelectField
          label={say('sessions.state')}
          value={state}
          options={[
            ...STATES.map(
              (one) => [one, one === 'active' ? say('sessions.live') : say(`sessions.state.${one}`)] as const,
            ),
            ['all', say('sessions.all')],
          ]}
          onChange={(value) => changeQuery(place, { state: value === 'active' ? undefined : value })}
        />
      </search>
      <SessionTable
        label={say('nav.sessions')}
        listing={listing}
        empty={say(
          name === '' && user === '' && state === 'active' ? 'sessions.empty' : 'sessions.emptySearch',
        )}
        sorting={{ order: sort, change: (order) => changeQuery(place, { sort: order }) }}
      />
    </>
  );
}

/** The page of one session. */
export function SessionPage({ id }: { readonly id: string }): ReactElement {
  const say = useSay();
  const { data, error, isPending, refetch } = useSession(id);
  return (
    <>
      <p className="small">
        <a href={linkTo(['sessions'])}>{say('nav.sessions')}</a>
      </p>
      <h1>{say('session.title', { id })}</h1>
      {isPending ? <Loading /> : null}
      {error === null ? null : <Fault error={error} retry={() => void refetch()} />}
      {data === undefined ? null : <SessionFacts session={data.session} />}
      <h2>{say('session.channels')}</h2>
      <Channels session={id} />
    </>
  );
}

function SessionFacts({ session }: { readonly session: Schemas['V1Session'] }): ReactElement {
  const say = useSay();
  const { source, instance_uuid: uuid, name } = session;
  return (
    <>
      <div className="actions">
        <EndSession session={session} />
      </div>
      <Facts
        of={[
          [
            say('sessions.console'),
            <a key="console" href={linkTo(['consoles', source, uuid])}>
              {name ?? uuid}
            </a>,
          ],
          [say('consoles.source'), source],
          [say('sessions.user'), session.issued_to],
          [say('sessions.state'), <SessionState key="state" state={session.state} />],
          [say('sessions.began'), <Time key="began" at={session.created_at} />],
          [
            say('session.expires'),
            session.state === 'pending' ? <Time key="expires" at={session.expires_at} /> : null,
          ],
          [
            say('sessions.ended'),
            session.closed_at === null ? null : <Time key="ended" at={session.closed_at} />,
          ],
          [say('sessions.reason'), session.reason],
          [say('console.recorded'), session.recorded === true ? say('session.recordedYes') : null],
        ]}
      />
    </>
  );
}

function Channels({ session }: { readonly session: string }): ReactElement {
  const say = useSay();
  const { language } = useSettings();
  const listing = useListing('connections', { session_id: session });
  const size = (count: number | null): string => (count === null ? '' : bytes(count, language));
  const columns: Column<Schemas['V1Connection']>[] = [
    { header: say('session.channel'), cell: ({ channel, channel_id: id }) => `${channel ?? '?'} ${id}` },
    { header: say('sessions.state'), cell: ({ state }) => state },
    { header: say('session.client'), cell: ({ client_ip: ip }) => ip },
    { header: say('session.node'), cell: ({ node }) => node },
    { header: say('sessions.began'), cell: ({ created_at: at }) => <Time at={at} /> },
    { header: say('session.up'), cell: ({ bytes_up: up }) => size(up), kind: 'numeric' },
    { header: say('session.down'), cell: ({ bytes_down: down }) => size(down), kind: 'numeric' },
    { header: say('sessions.reason'), cell: ({ reason }) => reason, kind: 'long' },
  ];
  return (
    <ListingTable
      label={say('session.channels')}
      listing={listing}
      columns={columns}
      keyOf={({ id }) => String(id)}
      empty={say('session.noChannels')}
    />
  );
}
