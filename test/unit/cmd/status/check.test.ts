// SPDX-License-Identifier: Apache-2.0
// The table and the exit status of the upgrade check.
import { describe, expect, it } from '@jest/globals';
import { drawResults, exitStatus } from '../../../../src/cmd/status/check.js';
import type { CheckResult } from '../../../../src/cmd/status/check.js';

const GOOD: CheckResult = { name: 'Database', outcome: 'Success', details: '' };
const ODD: CheckResult = { name: 'Seed', outcome: 'Warning', details: 'short '.repeat(20).trim() };
const BAD: CheckResult = { name: 'Sources', outcome: 'Failure', details: 'x'.repeat(100) };

describe('exitStatus', () => {
  it('is that of the worst result', () => {
    expect([
      exitStatus([]),
      exitStatus([GOOD]),
      exitStatus([GOOD, ODD]),
      exitStatus([BAD, ODD, GOOD]),
    ]).toEqual([0, 0, 1, 2]);
  });
});

describe('drawResults', () => {
  const lines = drawResults([GOOD, ODD, BAD]).split('\n');

  it('has the blocks of the other OpenStack services', () => {
    const texts = lines.map((line) => line.replace(/^\| | *\|$/g, ''));
    expect(texts.slice(1, 6)).toEqual([
      'Upgrade Check Results',
      lines[0],
      'Check: Database',
      'Result: Success',
      'Details: None',
    ]);
  });

  it('keeps every line as wide as the frame', () => {
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  });
});
