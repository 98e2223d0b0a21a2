// SPDX-License-Identifier: Apache-2.0
// The result of a check, and the table and exit status of `<service>-status upgrade check` as OpenStack has them
// (oslo.upgradecheck): 0 all well, 1 a warning, 2 a failure, 255 the check itself failed.

/** How a check ended; the number is the exit status that it asks for. */
export const SEVERITY = { Success: 0, Warning: 1, Failure: 2 } as const;

/** How a check ended. */
export type Outcome = keyof typeof SEVERITY;

/** What one check found. */
export interface CheckResult {
  readonly name: string;
  readonly outcome: Outcome;
  /** Empty when there is nothing to say. */
  readonly details: string;
}

const WIDTH = 72;

/** Breaks a text into lines of at most `width` characters; a longer word is cut. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
    for (; line.length > width; line = line.slice(width)) lines.push(line.slice(0, width));
  }
  return [...lines, line];
}

/** The table of all results. */
export function drawResults(results: readonly CheckResult[]): string {
  const rule = `+${'-'.repeat(WIDTH + 2)}+`;
  const draw = (text: string): string => `| ${text.padEnd(WIDTH)} |`;
  const blocks = results.flatMap((result) => [
    draw(`Check: ${result.name}`),
    draw(`Result: ${result.outcome}`),
    ...wrap(`Details: ${result.details === '' ? 'None' : result.details}`, WIDTH).map(draw),
    rule,
  ]);
  return [rule, draw('Upgrade Check Results'), rule, ...blocks].join('\n');
}

/** The exit status: that of the worst result. */
export function exitStatus(results: readonly CheckResult[]): number {
  return Math.max(0, ...results.map((result) => SEVERITY[result.outcome]));
}
