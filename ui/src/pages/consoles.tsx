// SPDX-License-Identifier: Apache-2.0
// Consoles: search, filters, order, and the ways to a desktop.
import { useCallback, type ReactElement } from 'react';
import { useListing } from '../api/queries.js';
import type { Schemas } from '../api/types.js';
import { ConsoleActions } from '../components/console-actions.js';
import { State, Time } from '../components/facts.js';
import { SearchField, SelectField } from '../components/fields.js';
import { ListingTable, type Column } from '../components/table.js';
import { changeQuery, usePlace } from '../place.js';
import { linkTo } from '../place-text.js';
import { useSay } from '../settings.js';

/** States of Nova; a console that has another one is found without this filter. */
const STATES = ['ACTIVE', 'SHUTOFF', 'PAUSED', 'SUSPENDED', 'REBOOT', 'BUILD', 'ERROR'];

/** The page. */
export function ConsolesPage(): ReactElement {
  const say = useSay();
  const place = usePlace();
  const { name = '', source = '', state = '', project = '', sort = 'name:asc' } = place.query;
  const sources = useListing('sources').data?.pages.flatMap(({ items }) => items) ?? [];
  const listing = useListing('consoles', { 'name~': name, source, state, project_id: project, sort });
  const columns: Column<Schemas['V1Console']>[] = [
    {
      header: say('consoles.name'),
      sort: 'name',
      kind: 'long',
      cell: (console) => (
        <a href={linkTo(['consoles', console.source, console.instance_uuid])}>
          {console.name ?? say('consoles.unnamed')}
        </a>
      ),
    },
    { header: say('consoles.source'), sort: 'source', cell: (console) => console.source },
    { header: say('consoles.state'), cell: ({ instance_state }) => <InstanceState state={instance_state} /> },
    { header: say('consoles.project'), cell: (console) => console.project_id, kind: 'long' },
    {
      header: say('consoles.created'),
      sort: 'created_at',
      cell: (console) => <Time at={console.created_at} />,
    },
    { header: say('consoles.actions'), cell: (console) => <ConsoleActions console={console} /> },
  ];
  const searches = [name, source, state, project].some((value) => value !== '');
  const clear = (): void =>
    changeQuery(place, { name: undefined, source: undefined, state: undefined, project: undefined });
  return (
    <>
      <h1>{say('nav.consoles')}</h1>
      <ConsoleSearch
        sources={[...new Set([...sources.map((one) => one.name), ...(source === '' ? [] : [source])])]}
      />
      <ListingTable
        label={say('nav.consoles')}
        listing={listing}
        columns={columns}
        keyOf={({ id }) => id}
        sorting={{ order: sort, change: (order) => changeQuery(place, { sort: order }) }}
        empty={
          searches ? (
            <>
              {say('consoles.emptySearch')}{' '}
              <button type="button" onClick={clear}>
                {say('consoles.clear')}
              </button>
            </>
          ) : (
            say('consoles.empty')
          )
        }
      />
    </>
  );
}

function ConsoleSearch({ sources }: { readonly sources: readonly string[] }): ReactElement {
  const say = useSay();
  const place = usePlace();
  const { name = '', source = '', state = '', project = '' } = place.query;
  const change = useCallback((query: Record<string, string>) => changeQuery(place, query), [place]);
  return (
    <search className="search">
      <SearchField label={say('consoles.search')} value={name} onChange={(text) => change({ name: text })} />
      <SelectField
        label={say('consoles.source')}
        value={source}
        options={[['', say('consoles.anySource')], ...sources.map((one) => [one, one] as const)]}
        onChange={(value) => change({ source: value })}
      />
      <SelectField
        label={say('consoles.state')}
        value={state}
        options={[['', say('consoles.anyState')], ...STATES.map((one) => [one, one] as const)]}
        onChange={(value) => change({ state: value })}
      />
      <SearchField
        label={say('consoles.project')}
        value={project}
        onChange={(text) => change({ project: text })}
      />
    </search>
  );
}

/** What the platform says of an instance. */
export function InstanceState({ state }: { readonly state: string | null }): ReactElement | null {
  if (state === null) return null;
  return <State kind={state === 'ACTIVE' ? 'good' : state === 'ERROR' ? 'bad' : 'none'}>{state}</State>;
}
