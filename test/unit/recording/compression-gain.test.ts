// SPDX-License-Identifier: Apache-2.0
// Which chunks of a recording are tried: all while that pays, few while it does not, all again once it does.
import { describe, expect, it } from '@jest/globals';
import { CompressionGain } from '../../../src/recording/compression-gain.js';

const CHUNK = 262_144;

/** How many of so many chunks are tried, when each becomes so many bytes. */
function tried(gain: CompressionGain, chunks: number, packed: number | null): number {
  let count = 0;
  for (let chunk = 0; chunk < chunks; chunk += 1) {
    if (!gain.try()) continue;
    count += 1;
    gain.saw(CHUNK, packed);
  }
  return count;
}

describe('the gain of compression', () => {
  it('has every chunk of a desktop tried', () => {
    expect(tried(new CompressionGain(), 100, CHUNK / 3)).toBe(100);
  });

  it('has one of 33 tried of what gets no smaller, or hardly', () => {
    for (const packed of [null, CHUNK * 0.95]) {
      const gain = new CompressionGain();
      tried(gain, 200, packed);
      expect(tried(gain, 330, packed)).toBe(10);
    }
  });

  it('has one at a time tried of those that are packed together, once there is doubt', () => {
    const gain = new CompressionGain();
    const together = (): number => {
      const all = Array.from({ length: 16 }, () => gain.try()).filter((wanted) => wanted);
      all.forEach(() => gain.saw(CHUNK, null));
      return all.length;
    };
    expect(together()).toBe(16);
    const counts = Array.from({ length: 33 }, together);
    expect(Math.max(...counts)).toBe(1);
    // Two batches of the pause, then a trial.
    expect(counts.reduce((sum, count) => sum + count)).toBe(11);
  });

  it('has every chunk tried again after one that paid', () => {
    const gain = new CompressionGain();
    tried(gain, 500, null);
    while (!gain.try());
    gain.saw(CHUNK, CHUNK / 2);
    expect(tried(gain, 20, CHUNK / 2)).toBe(20);
  });
});
