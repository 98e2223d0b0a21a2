// SPDX-License-Identifier: Apache-2.0
// The table at the end: one line for each fault.
import type { Outcome } from './fault.js';

/** A line of the table. */
export interface Line {
  readonly fault: string;
  /** Null: the fault could not be run to its end. */
  readonly outcome: Outcome | null;
  readonly wrong: number;
  readonly failures: number;
}

const HEAD = ['fault', 'sessions open', 'sessions lost', 'seconds to recover', 'rows left wrong', 'claims'];

/** The table as text. */
export function table(lines: readonly Line[]): string {
  const rows = [HEAD, ...lines.map(cells)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const print = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '='.repeat(width)).join('  ');
  return [rule, print(HEAD), rule, ...lines.map((line) => print(cells(line))), rule].join('\n');
}

function cells({ fault, outcome, wrong, failures }: Line): string[] {
  const verdict = failures === 0 && outcome !== null ? 'ok' : 'FAILED';
  if (outcome === null) return [fault, '-', '-', '-', `${wrong}`, verdict];
  const { open, lost, seconds } = outcome;
  return [fault, `${open}`, `${lost}`, seconds.toFixed(1), `${wrong}`, verdict];
}
