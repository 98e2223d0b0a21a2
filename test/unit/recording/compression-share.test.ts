// SPDX-License-Identifier: Apache-2.0
// How much is compressed: what desktops draw, and no more of what comes faster than so much in a second.
import { describe, expect, it } from '@jest/globals';
import { CompressionShare } from '../../../src/recording/compression-share.js';

const MB = 1024 * 1024;

describe('the share of what is compressed', () => {
  it('is all of a desktop, 8 MB in a second of more than that, and 4 MB at once', () => {
    let now = 0;
    const share = new CompressionShare(() => now);
    let taken = 0;
    for (let second = 0; second < 10; second += 1, now += 1000) if (share.take(MB)) taken += MB;
    expect(taken).toBe(10 * MB);

    const flood = (): number => {
      let bytes = 0;
      for (const end = now + 10_000; now < end; now += 1) if (share.take(MB / 4)) bytes += MB / 4;
      return bytes;
    };
    const compressed = flood() / MB;
    expect(compressed).toBeGreaterThan(79);
    expect(compressed).toBeLessThanOrEqual(84.25);
  });
});
