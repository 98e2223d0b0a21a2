// SPDX-License-Identifier: Apache-2.0
// Sources: how each of them is doing.
import type { ReactElement } from 'react';
import { useListing, useOverview } from '../api/queries.js';
import type { Schemas } from '../api/types.js';
import { Ago, State } from '../components/facts.js';
import { ListingTable, type Column } from '../components/table.js';
import { linkTo } from '../place-text.js';
import { useSay, useSettings } from '../settings.js';

/** The page. */
export function SourcesPage(): ReactElement {
  const say = useSay();
  const { language } = useSettings();
  const counts = useCounts();
  const count = (value: number): string => new Intl.NumberFormat(language).format(value);
  const inUse: Column<Schemas['V1Source']> = {
    header: say('sources.inUse'),
    kind: 'numeric',
    cell: ({ name }) => count(counts?.get(name)?.active ?? 0),
  };
  const columns: Column<Schemas['V1Source']>[] = [
    { header: say('sources.name'), cell: ({ name }) => name },
    { header: say('sources.type'), cell: ({ type }) => type },
    { header: say('sources.health'), cell: (source) => <Health source={source} /> },
    {
      header: say('sources.seen'),
      cell: ({ last_seen_at: at }) => (at === null ? say('sources.never') : <Ago at={at} />),
    },
    { header: say('sources.by'), cell: (source) => source.seen_by },
    { header: say('sources.url'), cell: ({ url }) => url, kind: 'long' },
    {
      header: say('sources.consoles'),
      kind: 'numeric',
      cell: ({ name }) => (
        <a href={linkTo(['consoles'], { source: name })}>
          {counts === undefined ? say('sources.show') : count(counts.get(name)?.consoles ?? 0)}
        </a>
      ),
    },
    ...(counts === undefined ? [] : [inUse]),
  ];
  return (
    <>
      <h1>{say('nav.sources')}</h1>
      <ListingTable
        label={say('nav.sources')}
        listing={useListing('sources')}
        columns={columns}
        keyOf={({ id }) => id}
        empty={say('sources.empty')}
      />
    </>
  );
}

type Counts = Schemas['UiOverview']['sources'][number];

/** What each source has; undefined: not known, or not told to this viewer. */
function useCounts(): ReadonlyMap<string, Counts> | undefined {
  const figures = useOverview().data;
  // To those from whom lists of access keep consoles, nothing of the whole site is told.
  if (figures === undefined || figures.hours.length === 0) return undefined;
  return new Map(figures.sources.map((source) => [source.name, source]));
}

function Health({ source }: { readonly source: Schemas['V1Source'] }): ReactElement {
  const say = useSay();
  if (source.deleted) return <State kind="none">{say('sources.gone')}</State>;
  if (!source.errored) return <State kind="good">{say('sources.good')}</State>;
  return (
    <>
      <State kind="bad">{say('sources.bad')}</State> <span className="small">{source.error}</span>
    </>
  );
}
