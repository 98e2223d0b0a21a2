// SPDX-License-Identifier: Apache-2.0
// From readings to ratios, targets and tables. A ratio is the median of the ratios to the reading of HAProxy, or of the
// native ceiling, in the same round, so that what disturbs the machine disturbs both.
import { cpus } from 'node:os';
import type { IdleMemory, Reading, Scenario } from './measure.js';
import {
  BROWSERS,
  CEILING,
  type Peer,
  RECORDED,
  REFERENCE,
  WEBSOCKIFY,
  WITHOUT_FIREWALL,
  WITH_POLICY,
} from './peers.js';

/** All readings of one peer, in the order of the rounds. */
export type Readings = Record<Scenario, Reading[]>;

/** Everything that a run has found. */
export interface Results {
  readonly date: string;
  readonly machine: string;
  readonly versions: Record<string, string>;
  readonly rounds: number;
  readonly load: { readonly before: number; readonly after: number };
  /** In the order of the columns. */
  readonly peers: readonly Column[];
  /** By the names of the peers. */
  readonly readings: Readonly<Record<string, Readings>>;
  readonly memory: Readonly<Record<string, IdleMemory>>;
}

/** One peer of the table. */
export type Column = Pick<Peer, 'name' | 'title' | 'node'>;

/** One line of the table. */
interface Row {
  readonly label: string;
  readonly unit: string;
  readonly digits: number;
  /** Of one peer, a value for each round; none when the line does not concern it. */
  values(results: Results, peer: string): number[];
  /** What ratios refer to, HAProxy by default; a line of another reference shows ratios only, of Kerbside only. */
  readonly reference?: string;
  /** Kerbside's target; null: none is set. */
  readonly target: Target | null;
}

interface Target {
  readonly text: string;
  /** Of the ratio, or of the median when `absolute`. */
  met(value: number): boolean;
  readonly absolute: boolean;
  /** Set for this major version of Node and newer ones. */
  readonly node: number;
}

const atLeast = (limit: number, node = 0): Target => ({
  text: `>= ${limit.toFixed(2)}${since(node)}`,
  met: (value) => value >= limit,
  absolute: false,
  node,
});
const atMost = (limit: number, node = 0): Target => ({
  text: `<= ${limit.toFixed(2)}${since(node)}`,
  met: (value) => value <= limit,
  absolute: false,
  node,
});

function since(node: number): string {
  return node === 0 ? '' : ` on Node ${node}`;
}

const first = (scenario: Scenario) => (results: Results, peer: string) =>
  (results.readings[peer]?.[scenario] ?? []).map(({ value }) => value);
const second = (scenario: Scenario) => (results: Results, peer: string) =>
  (results.readings[peer]?.[scenario] ?? []).flatMap((reading) => reading.second ?? []);
const workers = (scenario: Scenario) => (results: Results, peer: string) =>
  isKerbside(results, peer)
    ? (results.readings[peer]?.[scenario] ?? []).flatMap((reading) => reading.workers ?? [])
    : [];
const kib = (pick: (memory: IdleMemory) => number) => (results: Results, peer: string) => {
  const found = results.memory[peer];
  return found === undefined ? [] : [pick(found)];
};

function isKerbside(results: Results, peer: string): boolean {
  return results.peers.some(({ name, node }) => name === peer && node !== null);
}

const BESIDE_PACED = 'ping beside 8 x 12 MB/s';
const BESIDE_FLOODS = 'ping beside 8 floods';

const ROWS: readonly Row[] = [
  { label: 'bulk, 2 channels', unit: 'MB/CPU-s', digits: 0, values: first('bulk'), target: atLeast(1.2) },
  { label: '  relay worker alone', unit: 'MB/CPU-s', digits: 0, values: workers('bulk'), target: null },
  { label: '  wall', unit: 'MB/s', digits: 0, values: second('bulk'), target: null },
  { label: 'paced, 8 x 12 MB/s', unit: 'MB/CPU-s', digits: 0, values: first('paced'), target: atLeast(0.9) },
  { label: '  relay worker alone', unit: 'MB/CPU-s', digits: 0, values: workers('paced'), target: null },
  { label: 'ping, p50', unit: 'us', digits: 0, values: first('ping'), target: atMost(1.25) },
  { label: '  p99', unit: 'us', digits: 0, values: second('ping'), target: null },
  { label: `${BESIDE_PACED}, p50`, unit: 'us', digits: 0, values: first('ping_paced'), target: null },
  { label: '  p99', unit: 'us', digits: 0, values: second('ping_paced'), target: null },
  { label: `${BESIDE_FLOODS}, p50`, unit: 'us', digits: 0, values: first('ping_bulk'), target: null },
  { label: '  p99', unit: 'us', digits: 0, values: second('ping_bulk'), target: null },
  { label: 'channel set-up', unit: '1/CPU-s', digits: 0, values: first('setup'), target: atLeast(0.3) },
  { label: '  relay worker alone', unit: '1/CPU-s', digits: 0, values: workers('setup'), target: null },
  { label: '  wall', unit: '1/s', digits: 0, values: second('setup'), target: null },
  {
    label: 'memory per idle channel',
    unit: 'KiB',
    digits: 1,
    values: kib(({ relay }) => relay),
    target: { text: '<= 55 KiB', met: (value) => value <= 55, absolute: true, node: 0 },
  },
  { label: '  its parent', unit: 'KiB', digits: 1, values: kib(({ rest }) => rest), target: null },
  ofCeiling('bulk', 'bulk', atLeast(0.95, 24)),
  ofCeiling('paced', 'paced', atLeast(0.7, 24)),
  ofCeiling('ping, p50', 'ping', atMost(1.15, 24)),
  ofOpen('bulk', 'bulk'),
  ofOpen('paced', 'paced'),
  ofPolicy('bulk', 'bulk'),
  ofPolicy('paced', 'paced'),
  ofUnrecorded('bulk, with recording on', 'MB/CPU-s', first('bulk')),
  ofUnrecorded('  relay worker alone', 'MB/CPU-s', relayOf('bulk')),
  ofUnrecorded('  wall', 'MB/s', second('bulk')),
  ofUnrecorded('paced, with recording on', 'MB/CPU-s', first('paced')),
  ofUnrecorded('  relay worker alone', 'MB/CPU-s', relayOf('paced')),
  ofWebsockify('bulk', first('bulk'), atLeast(2)),
  ofWebsockify('  kerbside-html5proxy alone', relayOf('bulk'), null),
  ofWebsockify('paced', first('paced'), null),
  ofWebsockify('  kerbside-html5proxy alone', relayOf('paced'), null),
  ofWebsockify(
    'memory per idle channel',
    kib(({ relay, rest }) => relay + rest),
    atMost(0.05),
  ),
  ofWebsockify(
    '  kerbside-html5proxy alone',
    kib(({ relay }) => relay),
    null,
  ),
];

/** A line of Kerbside's distance to the native ceiling. */
function ofCeiling(label: string, scenario: Scenario, target: Target): Row {
  return {
    label: `${label}, of the native ceiling`,
    unit: 'ratio',
    digits: 2,
    values: first(scenario),
    reference: CEILING,
    target,
  };
}

/** A line of what is left with the firewall on. */
function ofOpen(label: string, scenario: Scenario): Row {
  return {
    label: `${label}, of the firewall off`,
    unit: 'ratio',
    digits: 2,
    values: first(scenario),
    reference: WITHOUT_FIREWALL,
    target: atLeast(0.95, 0),
  };
}

/** A line of what there is without a guest policy, of what is left with one. */
function ofPolicy(label: string, scenario: Scenario): Row {
  return {
    label: `${label}, of the guest policy on`,
    unit: 'ratio',
    digits: 2,
    values: first(scenario),
    reference: WITH_POLICY,
    target: null,
  };
}

function relayOf(scenario: Scenario): Row['values'] {
  return (results, peer) =>
    (results.readings[peer]?.[scenario] ?? []).flatMap(({ workers: own }) => own ?? []);
}

/** A line of what is left of Kerbside when it records. */
function ofUnrecorded(label: string, unit: string, values: Row['values']): Row {
  return {
    ...{ label: `${label}, of recording off`, unit, digits: 2, reference: RECORDED },
    // The column is Kerbside's, whose distance is asked for the other way round here.
    values: (results, peer) => values(results, peer === RECORDED ? 'kerbside' : RECORDED),
    target: atLeast(0.7, 0),
  };
}

/** A line of Kerbside for browsers, with kerbside-proxy behind it or alone, to websockify. */
function ofWebsockify(label: string, values: Row['values'], target: Target | null): Row {
  return {
    ...{
      label: `${label}, browsers, of websockify`,
      unit: 'ratio',
      digits: 3,
      reference: WEBSOCKIFY,
      target,
    },
    // The column is Kerbside's, whose way for browsers is meant.
    values: (results, peer) => values(results, peer === WEBSOCKIFY ? WEBSOCKIFY : BROWSERS),
  };
}

/** The middle of the values; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const [low, high] = [sorted[half - 1] ?? NaN, sorted[half] ?? NaN];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

function ratio(row: Row, results: Results, peer: string): number {
  const base = row.values(results, row.reference ?? REFERENCE);
  const pairs = row.values(results, peer).flatMap((value, round) => {
    const divisor = base[round];
    return divisor === undefined || divisor === 0 ? [] : [value / divisor];
  });
  return median(pairs);
}

function cell(row: Row, results: Results, peer: string): string {
  const values = row.values(results, peer);
  if (row.reference !== undefined) {
    const distance = isKerbside(results, peer) ? ratio(row, results, peer) : NaN;
    return Number.isNaN(distance) ? '-' : distance.toFixed(row.digits);
  }
  if (values.length === 0) return '-';
  const middle = median(values).toFixed(row.digits);
  const relative = ratio(row, results, peer);
  return Number.isNaN(relative) ? middle : `${relative.toFixed(2)} (${middle})`;
}

/** What a Kerbside had to reach and reached. */
export interface Verdict {
  /** The line, and the Node that it ran under. */
  readonly label: string;
  readonly target: string;
  readonly reached: string;
  readonly met: boolean;
}

/** The targets of what was measured, under each Node that they are set for: met or missed. */
export function verdicts(results: Results): Verdict[] {
  return results.peers.flatMap(({ name, title, node }) =>
    node === null ? [] : ROWS.flatMap((row) => verdict(row, results, { name, title, node }) ?? []),
  );
}

function verdict(row: Row, results: Results, { name, title, node }: Column): Verdict | null {
  const { target } = row;
  if (target === null || Number.parseInt(node ?? '', 10) < target.node) return null;
  const value = target.absolute ? median(row.values(results, name)) : ratio(row, results, name);
  if (Number.isNaN(value)) return null;
  const reached = value.toFixed(target.absolute ? row.digits : 2);
  return { label: `${title}: ${row.label}`, target: target.text, reached, met: target.met(value) };
}

function cells(results: Results): string[][] {
  const { peers } = results;
  const head = ['', 'unit', ...peers.map(({ title }) => title), 'target'];
  const body = ROWS.map((row) => [
    row.label,
    row.unit,
    ...peers.map(({ name }) => cell(row, results, name)),
    row.target?.text ?? '',
  ]);
  return [head, ...body];
}

/** The table for a terminal, and the verdicts under it. */
export function textReport(results: Results): string {
  const table = cells(results);
  const widths = (table[0] ?? []).map((_, column) =>
    Math.max(...table.map((line) => line[column]?.length ?? 0)),
  );
  const lines = table.map((line) =>
    line
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const judged = verdicts(results).map(
    ({ label, target, reached, met }) =>
      `${met ? 'met   ' : 'MISSED'}  ${label}: ${reached} (target ${target})`,
  );
  return [...lines, '', ...judged].join('\n');
}

/** The generated part of doc/source/performance.rst. */
export function rstReport(results: Results): string {
  const [head = [], ...body] = cells(results);
  const versions = Object.entries(results.versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');
  const row = (line: readonly string[]): string =>
    line.map((text, at) => `${at === 0 ? '   * -' : '     -'} ${rstCell(text)}`.trimEnd()).join('\n');
  const judged = verdicts(results).map(
    ({ label, target, reached, met }) =>
      `* ${label}: ${reached}, target ${target}: **${met ? 'met' : 'missed'}**`,
  );
  return [
    `Measured ${results.date} on ${results.machine}, ${results.rounds} rounds, load average ${results.load.before.toFixed(1)}`,
    `before and ${results.load.after.toFixed(1)} after; ${versions}.`,
    '',
    '.. list-table:: ratio to stock HAProxy (median of the values)',
    '   :header-rows: 1',
    '',
    row(head),
    ...body.map(row),
    '',
    ...judged,
  ].join('\n');
}

/** A cell of a list-table: a lone dash would begin a list, an indented label says so in words. */
function rstCell(text: string): string {
  if (text === '-') return '\\-';
  return text.startsWith(' ') ? `... ${text.trimStart()}` : text;
}

/** The machine in a few words. */
export function machine(): string {
  const all = cpus();
  return `${all.length} x ${(all[0]?.model ?? 'unknown CPU').trim()}`;
}
