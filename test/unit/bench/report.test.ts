// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from '@jest/globals';
import type { Reading } from '../../bench/measure.js';
import { median, rstReport, textReport, verdicts, type Readings, type Results } from '../../bench/report.js';

const COLUMNS: Results['peers'] = [
  { name: 'haproxy', title: 'HAProxy', node: null },
  { name: 'native', title: 'native ceiling', node: null },
  { name: 'kerbside', title: 'Kerbside, Node 20.19.0', node: '20.19.0' },
  { name: 'kerbside-24.1.0', title: 'Kerbside, Node 24.1.0', node: '24.1.0' },
];

/** Readings of one peer: of bulk the given ones, of all other scenarios none. */
function bulk(...values: number[]): Readings {
  const readings = values.map((value): Reading => ({ value, workers: value * 2 }));
  return { bulk: readings, paced: [], ping: [], ping_paced: [], ping_bulk: [], setup: [] };
}

function results(changes: Partial<Results> = {}): Results {
  return {
    date: '2026-11-29',
    machine: '2 x Test',
    versions: { 'Node 24.1.0': 'with OpenSSL 3.5.0' },
    rounds: 3,
    load: { before: 0.5, after: 1 },
    peers: COLUMNS,
    readings: {
      haproxy: bulk(100, 200, 400),
      native: bulk(200, 400, 800),
      kerbside: bulk(100, 300, 400),
      'kerbside-24.1.0': bulk(196, 390, 700),
    },
    memory: {},
    ...changes,
  };
}

/** The cells of the line that begins with `label`. */
function line(report: string, label: string): string[] {
  const found = report.split('\n').find((one) => one.trimStart().startsWith(label)) ?? '';
  return found.trim().split(/ {2,}/);
}

describe('median', () => {
  test.each([
    ['of an odd number of values is the middle one', [9, 1, 5], 5],
    ['of an even number of values is the mean of the middle two', [1, 9, 3, 5], 4],
    ['of no value is no number', [], NaN],
  ])('%s', (_, values, expected) => {
    expect(median(values)).toBe(expected);
  });
});

describe('a ratio', () => {
  test('is the median of the ratios of each round, not the ratio of the medians', () => {
    expect(line(textReport(results()), 'bulk, 2 channels')).toEqual([
      'bulk, 2 channels',
      'MB/CPU-s',
      '1.00 (200)',
      '2.00 (400)',
      '1.00 (300)',
      '1.95 (390)',
      '>= 1.20',
    ]);
  });

  test('to Kerbside with its firewall off is shown for Kerbside alone, and judged', () => {
    const peers = [...COLUMNS, { name: 'firewall-off', title: 'Kerbside, firewall off', node: null }];
    const readings = { ...results().readings, 'firewall-off': bulk(100, 320, 400) };
    const cells = line(textReport(results({ peers, readings })), 'bulk, of the firewall off');
    expect(cells.slice(0, 6)).toEqual(['bulk, of the firewall off', 'ratio', '-', '-', '1.00', '1.75']);
    const judged = verdicts(results({ peers, readings })).filter(({ label }) =>
      label.includes('firewall off'),
    );
    expect(judged.map(({ met }) => met)).toEqual([true, true]);
  });

  test('to Kerbside with a guest policy is shown for Kerbside alone, and not judged', () => {
    const peers = [...COLUMNS, { name: 'guest-policy', title: 'Kerbside, guest policy on', node: null }];
    const readings = { ...results().readings, 'guest-policy': bulk(100, 320, 400) };
    const cells = line(textReport(results({ peers, readings })), 'bulk, of the guest policy on');
    expect(cells.slice(0, 6)).toEqual(['bulk, of the guest policy on', 'ratio', '-', '-', '1.00', '1.75']);
    const judged = verdicts(results({ peers, readings })).filter(({ label }) => label.includes('policy'));
    expect(judged).toEqual([]);
  });

  test('to the native ceiling is shown for Kerbside alone, under each Node', () => {
    expect(line(textReport(results()), 'bulk, of the native ceiling')).toEqual([
      'bulk, of the native ceiling',
      'ratio',
      '-',
      '-',
      '0.50',
      '0.97',
      '>= 0.95 on Node 24',
    ]);
  });

  test('leaves out rounds in which the reference has no reading', () => {
    const readings = { haproxy: bulk(100), kerbside: bulk(150, 900) };
    expect(verdicts(results({ readings }))).toContainEqual(expect.objectContaining({ reached: '1.50' }));
  });

  test('is missing where the reference was not measured', () => {
    const readings = { haproxy: bulk(100), 'kerbside-24.1.0': bulk(150) };
    expect(line(textReport(results({ readings })), 'bulk, of the native ceiling').slice(2, 6)).toEqual([
      '-',
      '-',
      '-',
      '-',
    ]);
  });

  test('of the relay workers alone is a matter of Kerbside', () => {
    expect(line(textReport(results()), 'relay worker alone')).toEqual([
      'relay worker alone',
      'MB/CPU-s',
      '-',
      '-',
      '600',
      '780',
    ]);
  });
});

describe('verdicts', () => {
  test('judge each Node, and by the native ceiling those alone that the target is set for', () => {
    expect(verdicts(results()).map(({ label, reached, met }) => [label, reached, met])).toEqual([
      ['Kerbside, Node 20.19.0: bulk, 2 channels', '1.00', false],
      ['Kerbside, Node 24.1.0: bulk, 2 channels', '1.95', true],
      ['Kerbside, Node 24.1.0: bulk, of the native ceiling', '0.97', true],
    ]);
  });

  test('hold a Node that is newer than the one of the target to it', () => {
    const peers = [...COLUMNS.slice(0, 2), { name: 'kerbside', title: 'Kerbside', node: '26.0.0' }];
    expect(verdicts(results({ peers }))).toContainEqual({
      label: 'Kerbside: bulk, of the native ceiling',
      target: '>= 0.95 on Node 24',
      reached: '0.50',
      met: false,
    });
  });

  test('compare memory with KiB, not with HAProxy', () => {
    const memory = {
      haproxy: { channels: 10, relay: 10, rest: 0, base: 1 },
      kerbside: { channels: 10, relay: 54.96, rest: 20, base: 1 },
    };
    expect(verdicts(results({ readings: {}, memory }))).toEqual([
      {
        label: 'Kerbside, Node 20.19.0: memory per idle channel',
        target: '<= 55 KiB',
        reached: '55.0',
        met: true,
      },
    ]);
  });
});

test('the page says what was measured and holds no cell that begins a list', () => {
  const page = rstReport(results());
  expect(page).toContain('Measured 2026-11-29 on 2 x Test, 3 rounds, load average 0.5\nbefore and 1.0 after');
  expect(page).toContain('Node 24.1.0 with OpenSSL 3.5.0.');
  expect(page).toContain('   * - ... relay worker alone\n     - MB/CPU-s\n     - \\-');
  expect(page).toContain('* Kerbside, Node 20.19.0: bulk, 2 channels: 1.00, target >= 1.20: **missed**');
});
