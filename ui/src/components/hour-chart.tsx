// SPDX-License-Identifier: Apache-2.0
// A small chart of bars, one for each hour, in plain SVG; and the same as a table, for those whom a picture tells nothing.
import type { ReactElement } from 'react';
import { hour } from '../format.js';
import { useSay, useSettings } from '../settings.js';

/** One bar. */
export interface Bar {
  readonly begin_at: string;
  /** How high it is. */
  readonly value: number;
  /** What its hour says in the columns of the table. */
  readonly cells: readonly string[];
}

const CHART = { width: 480, height: 110, gap: 3 } as const;

/** The chart. @param props.columns the headers of the cells @param props.total what all bars say together, in a sentence */
export function HourChart(props: {
  readonly title: string;
  readonly total: string;
  readonly columns: readonly string[];
  readonly bars: readonly Bar[];
  /** How the highest value is written. */
  readonly write: (value: number) => string;
}): ReactElement {
  const { title, total, bars, write } = props;
  const { language } = useSettings();
  const most = Math.max(0, ...bars.map(({ value }) => value));
  return (
    <section>
      <h2>{title}</h2>
      <figure className="chart">
        <div className="small most" aria-hidden="true">
          {most === 0 ? '' : write(most)}
        </div>
        <Bars bars={bars} most={most} label={`${title}: ${total}`} />
        <div className="axis small" aria-hidden="true">
          <span>{hour(bars[0]?.begin_at ?? '', language)}</span>
          <span>{hour(bars.at(-1)?.begin_at ?? '', language)}</span>
        </div>
        <figcaption className="small">{total}</figcaption>
        <HourTable {...props} />
      </figure>
    </section>
  );
}

function Bars({
  bars,
  most,
  label,
}: {
  readonly bars: readonly Bar[];
  readonly most: number;
  readonly label: string;
}): ReactElement {
  const { language } = useSettings();
  const step = CHART.width / bars.length;
  return (
    <svg viewBox={`0 0 ${CHART.width} ${CHART.height}`} role="img" aria-label={label}>
      {bars.map(({ begin_at: begin, value, cells }, at) => {
        // An hour of nothing has a line to stand on, an hour of little is seen.
        const height = value === 0 ? 1 : Math.max(3, (value / most) * CHART.height);
        return (
          <rect
            key={begin}
            className={value === 0 ? 'nothing' : undefined}
            x={at * step}
            y={CHART.height - height}
            width={step - CHART.gap}
            height={height}
            rx="1"
          >
            <title>{`${hour(begin, language)}: ${cells.join(', ')}`}</title>
          </rect>
        );
      })}
    </svg>
  );
}

function HourTable({
  title,
  columns,
  bars,
}: {
  readonly title: string;
  readonly columns: readonly string[];
  readonly bars: readonly Bar[];
}): ReactElement {
  const say = useSay();
  const { language } = useSettings();
  const headers = [say('overview.hour'), ...columns];
  return (
    <details className="hours">
      <summary>{say('overview.table')}</summary>
      <table aria-label={title}>
        <thead>
          <tr>
            {headers.map((header, at) => (
              <th key={header} scope="col" className={at === 0 ? undefined : 'numeric'}>
                {header}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {bars.toReversed().map(({ begin_at: begin, cells }) => (
            <tr key={begin}>
              {[hour(begin, language), ...cells].map((cell, at) => (
                <td key={headers[at]} data-label={headers[at]} className={at === 0 ? undefined : 'numeric'}>
                  <div>{cell}</div>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
