// SPDX-License-Identifier: Apache-2.0
// Services: which programs run on which nodes.
import type { ReactElement } from 'react';
import { useListing } from '../api/queries.js';
import type { Schemas } from '../api/types.js';
import { Ago, State } from '../components/facts.js';
import { ListingTable, type Column } from '../components/table.js';
import { useSay } from '../settings.js';

/** The page. */
export function ServicesPage(): ReactElement {
  const say = useSay();
  const columns: Column<Schemas['V1Service']>[] = [
    { header: say('services.host'), cell: ({ host }) => host },
    { header: say('services.binary'), cell: ({ binary }) => binary },
    { header: say('services.state'), cell: ({ status }) => <ServiceState status={status} /> },
    { header: say('services.version'), cell: ({ version }) => version },
    { header: say('services.started'), cell: ({ started_at: at }) => <Ago at={at} /> },
    { header: say('services.heartbeat'), cell: ({ updated_at: at }) => <Ago at={at} /> },
  ];
  return (
    <>
      <h1>{say('nav.services')}</h1>
      <ListingTable
        label={say('nav.services')}
        listing={useListing('services')}
        columns={columns}
        keyOf={({ id }) => String(id)}
        empty={say('services.empty')}
      />
    </>
  );
}

function ServiceState({ status }: Pick<Schemas['V1Service'], 'status'>): ReactElement {
  const say = useSay();
  switch (status) {
    case 'running':
      return <State kind="good">{say('services.up.running')}</State>;
    case 'draining':
      return <State kind="some">{say('services.up.draining')}</State>;
    case 'stopped':
      return <State kind="none">{say('services.down.stopped')}</State>;
    case 'lost':
      return <State kind="bad">{say('services.down.lost')}</State>;
  }
}
