// SPDX-License-Identifier: Apache-2.0
// LZ4 blocks: what they become, and that those that lie become nothing.
import { describe, expect, it } from '@jest/globals';
import { PeerMisbehaved } from '../../../../src/console/spice/errors.js';
import { decompressBlock } from '../../../../src/console/spice/lz4-block.js';

/** Two literals, a match of eight bytes two back, three literals. */
const BLOCK = Buffer.from([0x24, 1, 2, 2, 0, 0x30, 7, 8, 9]);

describe('a block', () => {
  it('becomes what it was, with a match that repeats itself', () => {
    expect([...decompressBlock(BLOCK, 13)]).toEqual([1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 7, 8, 9]);
  });

  it('has lengths of several bytes', () => {
    // 15 + 255 + 30 literals, then a match of 4 + 15 + 6 bytes, one back.
    const literals = Buffer.alloc(300, 5);
    const block = Buffer.concat([Buffer.from([0xff, 255, 30]), literals, Buffer.from([1, 0, 6])]);
    expect(decompressBlock(block, 325)).toEqual(Buffer.alloc(325, 5));
  });

  it('is refused when it is cut, or becomes anything else than its size', () => {
    for (let length = 0; length < BLOCK.length; length += 1)
      expect(() => decompressBlock(BLOCK.subarray(0, length), 13)).toThrow(PeerMisbehaved);
    for (const size of [0, 1, 12, 14, 1000])
      expect(() => decompressBlock(BLOCK, size)).toThrow(PeerMisbehaved);
  });

  it('is refused when it repeats what was never there', () => {
    for (const offset of [0, 3, 255])
      expect(() => decompressBlock(Buffer.from([0x24, 1, 2, offset, 0, 0x30, 7, 8, 9]), 13)).toThrow(
        PeerMisbehaved,
      );
  });
});
