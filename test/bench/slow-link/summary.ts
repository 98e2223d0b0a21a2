// SPDX-License-Identifier: Apache-2.0
// From single trials to one line for each case and configuration: presses of all repeats together, medians of the rest,
// and ratios to the plain relay in the same case of the same run.
import { REFERENCE } from './configurations.js';
import type { Case, Trial } from './trial.js';

/** One case through one configuration. */
export interface Summary extends Case {
  readonly configuration: string;
  readonly trials: number;
  readonly failed: readonly string[];
  readonly presses: number;
  readonly timeouts: number;
  readonly p50: number;
  readonly p95: number;
  readonly mbit: number;
  readonly fps: number;
  readonly gapP95: number;
  readonly settle: number;
  /** The worst of all trials, each. */
  readonly differentPixels: number;
  readonly wrong: number;
  readonly older: number;
  readonly torn: number;
  readonly mixed: number;
  readonly widest: number;
  readonly looks: number;
  readonly cpu: number | null;
  readonly peakRss: number | null;
}

/** One case, with the relay's line when there is one. */
export interface CaseSummary {
  readonly case: Case;
  readonly reference: Summary | null;
  readonly lines: readonly Summary[];
}

/** In the order in which cases and configurations first came, the relay before the others. */
export function summarise(trials: readonly Trial[]): CaseSummary[] {
  const names = [...new Set(trials.map(caseName))];
  return names.flatMap((name) => {
    const own = trials.filter((trial) => caseName(trial) === name);
    const [first] = own;
    if (first === undefined) return [];
    const lines = [...new Set(own.map(({ configuration }) => configuration))]
      .sort((a, b) => rank(a) - rank(b) || a.localeCompare(b))
      .map((configuration) =>
        summary(
          own.filter((trial) => trial.configuration === configuration),
          first,
        ),
      );
    const reference = lines.find(({ configuration }) => configuration === REFERENCE) ?? null;
    const { link, activity, guest } = first;
    return [{ case: { link, activity, guest }, reference, lines }];
  });
}

function rank(configuration: string): number {
  const known = [REFERENCE, 'direct', 'off', 'on', 'auto'].indexOf(configuration);
  return known < 0 ? Infinity : known;
}

/** What tells one case from another. */
export function caseName({ link, activity, guest }: Case): string {
  return `${guest} ${link} ${activity}`;
}

function summary(trials: readonly Trial[], { link, activity, guest }: Case): Summary {
  const seen = trials.flatMap((trial) => trial.seen ?? []);
  const latencies = seen.flatMap(({ latencies_ms }) => latencies_ms);
  const worst = (values: readonly number[]): number =>
    values.reduce((most, value) => Math.max(most, value), 0);
  const costs = trials.flatMap(({ cpu_seconds }) => cpu_seconds ?? []);
  const memory = trials.flatMap(({ peak_rss_kib }) => peak_rss_kib ?? []);
  return {
    ...{ link, activity, guest },
    configuration: trials[0]?.configuration ?? '',
    trials: trials.length,
    failed: trials.flatMap(({ error }) => error ?? []),
    presses: latencies.length,
    timeouts: seen.reduce((sum, { timeouts }) => sum + timeouts, 0),
    p50: quantile(latencies, 0.5),
    p95: quantile(latencies, 0.95),
    mbit: median(seen.map(({ mbit }) => mbit)),
    fps: median(seen.map(({ fps }) => fps)),
    gapP95: median(seen.map(({ gap_p95_ms }) => gap_p95_ms)),
    settle: median(seen.map(({ settle_ms }) => settle_ms)),
    differentPixels: worst(trials.flatMap(({ different_pixels }) => different_pixels ?? [])),
    wrong: worst(seen.map(({ wrong }) => wrong)),
    older: worst(seen.map(({ older }) => older)),
    torn: worst(seen.map(({ torn }) => torn)),
    mixed: worst(seen.map(({ mixed }) => mixed)),
    widest: worst(seen.map(({ widest }) => widest)),
    looks: seen.reduce((sum, { looks }) => sum + looks, 0),
    cpu: costs.length === 0 ? null : median(costs),
    peakRss: memory.length === 0 ? null : worst(memory),
  };
}

/** The middle of the values; NaN of none. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const [low, high] = [sorted[half - 1] ?? NaN, sorted[half] ?? NaN];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

/** The nearest rank; NaN of no values. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.round((sorted.length - 1) * share)] ?? NaN;
}
