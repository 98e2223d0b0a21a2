// SPDX-License-Identifier: Apache-2.0
// Outages of the network, real ones: packets vanish in a network namespace, and come through again.
import { describe, expect, it } from '@jest/globals';
import { runInNamespace } from '../../fixtures/network-namespace.js';
import type { ProgramResult } from '../../fixtures/program.js';

/** The end of a hang: a scenario waits for a minute and more, and a busy machine is slow. */
const LIMIT_MS = 500_000;
const TEST_MS = LIMIT_MS + 20_000;

interface Told {
  readonly channels: Record<string, unknown>;
  readonly lines: readonly string[];
}

/** The last line of what a scenario has printed. */
function told({ status, stdout, stderr }: ProgramResult): unknown {
  if (status !== 0) throw new Error(`status ${String(status)}: ${stderr}`);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

describe('an outage of the network', () => {
  it(
    'longer than ten probes a second apart leaves a silent connection alone; a peer that is gone is found',
    async () => {
      const result = await runInNamespace('test/functional/net/probes.scenario.ts', [], LIMIT_MS);
      expect(told(result)).toEqual({ survivor: [], victim: ['ETIMEDOUT', 'ETIMEDOUT'] });
    },
    TEST_MS,
  );

  // Silence and outage together are longer than the first probe and ten more, a second apart.
  it(
    'ends no channel, silent or not, of a native desktop or of one in a browser',
    async () => {
      const result = await runInNamespace('test/functional/net/outage.scenario.ts', ['24', '20'], LIMIT_MS);
      const { channels, lines } = told(result) as Told;
      expect(Object.keys(channels)).toHaveLength(10);
      expect(Object.entries(channels).filter(([, answer]) => typeof answer !== 'number')).toEqual([]);
      expect(lines).toEqual([]);
    },
    TEST_MS,
  );
});
