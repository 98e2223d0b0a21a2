// SPDX-License-Identifier: Apache-2.0
// The site at a glance. Those who may not see the whole of it see their own sessions.
import type { ReactElement, ReactNode } from 'react';
import { ApiFault } from '../api/client.js';
import { useListing, useOverview } from '../api/queries.js';
import type { Schemas } from '../api/types.js';
import { HourCharts } from '../components/hour-charts.js';
import { SessionTable } from '../components/session-parts.js';
import { Empty, Fault, Loading } from '../components/state.js';
import { linkTo } from '../place-text.js';
import { useSay } from '../settings.js';

/** The page. */
export function OverviewPage(): ReactElement {
  const say = useSay();
  const { data, error, isPending, refetch } = useOverview();
  const live = useListing('sessions', { state: 'active' });
  const forbidden = error instanceof ApiFault && error.status === 403;
  return (
    <>
      <h1>{say('nav.overview')}</h1>
      {isPending ? <Loading /> : null}
      {error === null || forbidden ? null : <Fault error={error} retry={() => void refetch()} />}
      {data === undefined ? null : <Figures of={data} />}
      <h2>{say('overview.sessions')}</h2>
      <SessionTable label={say('overview.sessions')} listing={live} empty={say('sessions.empty')} />
    </>
  );
}

function Figures({ of }: { readonly of: Schemas['UiOverview'] }): ReactElement {
  const say = useSay();
  return (
    <>
      <div className="tiles">
        <Tile to={linkTo(['sessions'])} label={say('overview.sessions')} value={of.sessions.active}>
          {say('overview.pending', { count: of.sessions.pending })}
        </Tile>
        <Tile to={linkTo(['consoles'])} label={say('overview.consoles')} value={of.consoles} />
        <SourcesTile />
        <ServicesTile />
      </div>
      {/* Not told to those from whom lists of access keep consoles. */}
      {of.hours.length === 0 ? null : (
        <>
          <HourCharts of={of.hours} />
          <section>
            <h2>{say('overview.refusals')}</h2>
            {of.refusals.length === 0 ? (
              <Empty>{say('overview.noRefusals')}</Empty>
            ) : (
              <Refusals of={of.refusals} />
            )}
          </section>
        </>
      )}
    </>
  );
}

function Tile(props: {
  readonly to: string;
  readonly label: string;
  readonly value: number | string;
  readonly bad?: boolean;
  readonly children?: ReactNode;
}): ReactElement {
  return (
    <a className={props.bad === true ? 'tile bad' : 'tile'} href={props.to}>
      <span className="label">{props.label}</span>
      <span className="value">{props.value}</span>
      <span className="small">{props.children}</span>
    </a>
  );
}

function SourcesTile(): ReactElement {
  const say = useSay();
  const sources = useListing('sources').data?.pages.flatMap(({ items }) => items) ?? [];
  const bad = sources.filter(({ errored }) => errored).length;
  return (
    <Tile to={linkTo(['sources'])} label={say('overview.sources')} value={sources.length} bad={bad > 0}>
      {bad > 0 ? say('overview.sourcesBad', { count: bad }) : say('overview.sourcesGood')}
    </Tile>
  );
}

function ServicesTile(): ReactElement {
  const say = useSay();
  const services = useListing('services').data?.pages.flatMap(({ items }) => items) ?? [];
  const bad = services.filter(({ status }) => status === 'lost').length;
  return (
    <Tile to={linkTo(['services'])} label={say('overview.services')} value={services.length} bad={bad > 0}>
      {bad > 0 ? say('overview.servicesBad', { count: bad }) : say('overview.servicesGood')}
    </Tile>
  );
}

function Refusals({ of }: { readonly of: Schemas['UiOverview']['refusals'] }): ReactElement {
  const say = useSay();
  return (
    <table aria-label={say('overview.refusals')}>
      <thead>
        <tr>
          <th scope="col">{say('overview.reason')}</th>
          <th scope="col">{say('overview.count')}</th>
        </tr>
      </thead>
      <tbody>
        {of.map(({ message, count }) => (
          <tr key={message}>
            <td data-label={say('overview.reason')}>
              <div>{message}</div>
            </td>
            <td data-label={say('overview.count')} className="numeric">
              <div>{count}</div>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
