// SPDX-License-Identifier: Apache-2.0
// The last hours of the site: sessions, traffic, refusals.
import type { ReactElement } from 'react';
import type { Schemas } from '../api/types.js';
import { bytes } from '../format.js';
import { useSay, useSettings } from '../settings.js';
import { HourChart } from './hour-chart.js';

type Hours = Schemas['UiOverview']['hours'];

/** Charts of all three. */
export function HourCharts({ of }: { readonly of: Hours }): ReactElement {
  const say = useSay();
  const { language } = useSettings();
  const count = (value: number): string => new Intl.NumberFormat(language).format(value);
  const size = (value: number): string => bytes(value, language);
  const sum = (figure: Exclude<keyof Hours[number], 'begin_at'>): number =>
    of.reduce((all, one) => all + one[figure], 0);
  const counted = (figure: 'sessions' | 'refusals', column: string): ReactElement => (
    <HourChart
      title={say(`overview.${figure}ByHour`)}
      total={say(`overview.${figure}Total`, { count: count(sum(figure)) })}
      columns={[column]}
      write={count}
      bars={of.map((one) => ({
        ...{ begin_at: one.begin_at, value: one[figure], cells: [count(one[figure])] },
      }))}
    />
  );
  return (
    <div className="thirds">
      {counted('sessions', say('nav.sessions'))}
      <HourChart
        title={say('overview.traffic')}
        total={say('overview.trafficTotal', {
          ...{ down: size(sum('bytes_down')), up: size(sum('bytes_up')), channels: count(sum('channels')) },
        })}
        columns={[say('session.down'), say('session.up')]}
        write={size}
        bars={of.map(({ begin_at, bytes_up: up, bytes_down: down }) => ({
          ...{ begin_at, value: up + down, cells: [size(down), size(up)] },
        }))}
      />
      {counted('refusals', say('overview.count'))}
    </div>
  );
}
