// SPDX-License-Identifier: Apache-2.0
// What pacing has to reach against the plain relay of the same run, and whether it did.
import { GUESTS } from './guests.js';
import { isLan, readLink } from './link-profile.js';
import { HEAVY, isAnimated } from './plan.js';
import { caseName, type CaseSummary, type Summary } from './summary.js';

/** One target of one case and configuration. */
export interface Verdict {
  readonly label: string;
  readonly target: string;
  readonly reached: string;
  readonly met: boolean;
}

/** Configurations that nothing is expected of. */
const BASELINES: readonly string[] = ['relay', 'direct'];
/** Of 30 a second: the link is not what limits. */
const ALL_FRAMES = 27;
const WORST_LATENCY = 1.05;
const LEAST_THROUGHPUT = 0.95;
/** A difference that no press can show: QEMU looks at a screen every 30 ms. */
const RESOLUTION_MS = 5;

const FACTORS: Readonly<Record<string, { factor: number; p50?: number }>> = {
  '80:10': { factor: 12, p50: 200 },
  '20:50': { factor: 4 },
  '150:4': { factor: 12 },
};

/** All targets of what was measured. */
export function verdicts(cases: readonly CaseSummary[]): Verdict[] {
  return cases.flatMap(({ reference, lines }) =>
    lines
      .filter(({ configuration }) => !BASELINES.includes(configuration))
      .flatMap((line) => [...(reference === null ? [] : against(line, reference)), ...correctness(line)]),
  );
}

function against(line: Summary, reference: Summary): Verdict[] {
  if (line.presses === 0 || reference.presses === 0) return [];
  const name = `${caseName(line)}, ${line.configuration}`;
  return [
    ...gains(name, line, reference),
    notSlower(name, line, reference),
    ...throughput(name, line, reference),
  ];
}

function gains(name: string, line: Summary, reference: Summary): Verdict[] {
  const wanted = line.guest === 'std' && line.activity === HEAVY ? FACTORS[line.link] : undefined;
  if (wanted === undefined) return [];
  const factor = reference.p50 / line.p50;
  const gain = {
    label: `${name}: p50 of key to draw, times faster than the relay`,
    target: `>= ${wanted.factor}`,
    reached: factor.toFixed(1),
    met: factor >= wanted.factor,
  };
  if (wanted.p50 === undefined) return [gain];
  const absolute = {
    label: `${name}: p50 of key to draw`,
    target: `<= ${wanted.p50} ms`,
    reached: `${line.p50.toFixed(0)} ms`,
    met: line.p50 <= wanted.p50,
  };
  return [absolute, gain];
}

function notSlower(name: string, line: Summary, reference: Summary): Verdict {
  const allowed = Math.max(reference.p50 * WORST_LATENCY, reference.p50 + RESOLUTION_MS);
  return {
    label: `${name}: p50 against the relay's`,
    target: `<= ${WORST_LATENCY} or ${RESOLUTION_MS} ms more`,
    reached: `${(line.p50 / reference.p50).toFixed(2)} (${told(line)} and ${told(reference)})`,
    met: line.p50 <= allowed && line.timeouts <= reference.timeouts,
  };
}

function told({ p50, timeouts }: Summary): string {
  return `${p50.toFixed(0)} ms${timeouts > 0 ? `, ${timeouts} never drawn` : ''}`;
}

/** Bytes where frames are left out; frames where they are not, since fewer bytes are no fault there. */
function throughput(name: string, line: Summary, reference: Summary): Verdict[] {
  if (!isAnimated(line.activity)) return [];
  const limited = reference.fps < ALL_FRAMES;
  const ratio = limited ? line.mbit / reference.mbit : line.fps / reference.fps;
  const target: Verdict = {
    label: `${name}: ${limited ? 'Mbit/s' : 'frames'} against the relay's`,
    target: `>= ${LEAST_THROUGHPUT}`,
    reached: ratio.toFixed(3),
    met: ratio >= LEAST_THROUGHPUT,
  };
  return [target, ...(isLan(readLink(line.link)) ? lanCost(name, line, reference) : [])];
}

/** On a local network the proxy may not work more for it either. */
function lanCost(name: string, line: Summary, reference: Summary): Verdict[] {
  if (line.cpu === null || reference.cpu === null || reference.cpu === 0) return [];
  const perByte = (one: Summary): number => (one.cpu ?? 0) / one.mbit;
  const ratio = perByte(line) / perByte(reference);
  return [
    {
      label: `${name}: CPU of the proxy for each byte, against the relay's`,
      target: '<= 1.1',
      reached: ratio.toFixed(2),
      met: ratio <= 1.1,
    },
  ];
}

function correctness(line: Summary): Verdict[] {
  const name = `${caseName(line)}, ${line.configuration}`;
  const failures: Verdict = {
    label: `${name}: trials without a fault`,
    target: 'all',
    reached: `${line.trials - line.failed.length} of ${line.trials}`,
    met: line.failed.length === 0,
  };
  if (GUESTS.find((guest) => guest.name === line.guest)?.lossy === true) return [failures];
  const picture: Verdict = {
    label: `${name}: pixels of the final picture that differ from the server's`,
    target: '0',
    reached: `${line.differentPixels}`,
    met: line.differentPixels === 0,
  };
  if (!isAnimated(line.activity)) return [failures, picture];
  const regions: Verdict = {
    label: `${name}: blocks that the server never had, or older than before (${line.looks} looks)`,
    target: '0, 0',
    reached: `${line.wrong}, ${line.older}`,
    met: line.wrong === 0 && line.older === 0 && line.looks > 0,
  };
  return [failures, picture, regions];
}
