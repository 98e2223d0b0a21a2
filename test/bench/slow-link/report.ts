// SPDX-License-Identifier: Apache-2.0
// The tables: for a terminal, and for doc/source/slow-links.rst.
import { GUESTS } from './guests.js';
import { isAnimated } from './plan.js';
import type { CaseSummary, Summary } from './summary.js';
import { type Verdict, verdicts } from './targets.js';
import type { Activity } from './trial.js';

const HEAD = [
  'configuration',
  'p50 ms',
  'p95 ms',
  'faster than relay',
  'Mbit/s',
  'fps',
  'column gap p95 ms',
  'settle ms',
  'final picture',
  'regions wrong/older/torn',
  'rows apart',
  'proxy CPU s',
  'proxy peak RSS MiB',
  'presses',
];

/** All tables and, when asked for, the verdicts. */
export function textReport(cases: readonly CaseSummary[], withTargets: boolean): string {
  const tables = cases.map((one) => [title(one), table(cells(one))].join('\n'));
  return [...tables, ...(withTargets ? [judged(verdicts(cases))] : [])].join('\n\n');
}

/** The generated part of the page. */
export function rstReport(cases: readonly CaseSummary[], intro: string): string {
  const tables = cases.map((one) =>
    [
      `.. list-table:: ${title(one)}`,
      '   :header-rows: 1',
      '',
      ...[HEAD, ...cells(one)].map((line) =>
        line.map((text, at) => `${at === 0 ? '   * -' : '     -'} ${text === '-' ? '\\-' : text}`).join('\n'),
      ),
    ].join('\n'),
  );
  const all = verdicts(cases);
  const missed = all.filter(({ met }) => !met);
  const count = `Of ${all.length} targets ${all.length - missed.length} are met${missed.length > 0 ? '; missed:' : '.'}`;
  const lines = missed.map(({ label, target, reached }) => `* ${label}: ${reached}, target ${target}`);
  return [intro, ...tables, count, ...(lines.length > 0 ? [lines.join('\n')] : [])].join('\n\n');
}

function title({ case: { link, activity, guest } }: CaseSummary): string {
  const kind = GUESTS.find(({ name }) => name === guest)?.title ?? guest;
  return `${link}, ${activityTitle(activity)}, ${kind}`;
}

function activityTitle(activity: Activity): string {
  if (activity === 'text') return 'scrolling text';
  return isAnimated(activity) ? `640x480 at 30 fps with ${activity} bits of noise` : activity;
}

function cells({ reference, lines }: CaseSummary): string[][] {
  return lines.map((line) => [
    line.configuration,
    number(line.p50, 0),
    number(line.p95, 0),
    reference === null ? '-' : `${number(reference.p50 / line.p50, 1)}x`,
    number(line.mbit, 2),
    isAnimated(line.activity) ? number(line.fps, 2) : '-',
    isAnimated(line.activity) ? number(line.gapP95, 0) : '-',
    number(line.settle, 0),
    picture(line),
    isAnimated(line.activity) ? `${line.wrong}/${line.older}/${line.torn}` : '-',
    isAnimated(line.activity) ? `${line.widest}` : '-',
    line.cpu === null ? '-' : number(line.cpu, 1),
    line.peakRss === null ? '-' : number(line.peakRss / 1024, 0),
    `${line.presses}${line.timeouts > 0 ? `, ${line.timeouts} lost` : ''}`,
  ]);
}

function picture({ failed, differentPixels, presses }: Summary): string {
  if (failed.length > 0) return `failed: ${failed[0] ?? ''}`;
  if (presses === 0) return 'no press seen';
  return differentPixels === 0 ? 'equal' : `${differentPixels} px differ`;
}

function number(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '-';
}

function table(body: readonly (readonly string[])[]): string {
  const lines = [HEAD, ...body];
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function judged(all: readonly Verdict[]): string {
  if (all.length === 0) return 'no targets: neither "on" nor "auto" was measured';
  return all
    .map(
      ({ label, target, reached, met }) =>
        `${met ? 'met   ' : 'MISSED'}  ${label}: ${reached} (target ${target})`,
    )
    .join('\n');
}
