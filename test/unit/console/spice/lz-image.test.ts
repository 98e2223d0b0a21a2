// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { encodeLz, type IndexedPicture } from '../../../../src/console/spice/lz-image.js';
import { imageOf } from '../../../fixtures/indexed-picture.js';
import { readLz } from '../../../fixtures/lz-picture.js';
import { SeededRandom } from '../../../fixtures/random.js';

const PALETTE = [0xf5f6f8, 0x1d2733, 0x5a6675, 0xb4431a];

function encode(picture: IndexedPicture, rows = 16): { bytes: Buffer; slices: number } {
  const encoding = encodeLz(picture, rows);
  for (let slices = 1; ; slices += 1) {
    const step = encoding.next();
    if (step.done === true) return { bytes: step.value, slices };
  }
}

function picture(width: number, height: number, pixelAt: (x: number, y: number) => number): IndexedPicture {
  const pixels = Uint8Array.from({ length: width * height }, (_unused, index) =>
    pixelAt(index % width, Math.floor(index / width)),
  );
  return { width, height, pixels, palette: PALETTE };
}

describe('encodeLz', () => {
  it('writes header, literals and repetitions as lz.c does', () => {
    const { bytes } = encode(picture(8, 1, (x) => (x === 0 ? 1 : 0)));
    // Two literals in order blue, green, red, then six pixels like their left neighbour.
    expect(bytes.toString('hex')).toBe(
      '20205a4c' +
        '00010001' +
        '00000008' +
        '00000008' +
        '00000001' +
        '00000020' +
        '00000001' +
        '01' +
        '33271d' +
        'f8f6f5' +
        'c0' +
        '00',
    );
  });

  it.each<[string, IndexedPicture]>([
    ['one pixel', picture(1, 1, () => 3)],
    ['one colour', picture(800, 600, () => 0)],
    ['columns, which repeat the row above', picture(100, 40, (x) => x % 4)],
    ['a checkerboard', picture(33, 17, (x, y) => (x + y) % 2)],
    ['rows as long as the short distance', picture(8191, 3, (x) => (x * 7 + (x >> 3)) % 4)],
    ['rows one pixel longer', picture(8192, 3, (x) => (x * 7 + (x >> 3)) % 4)],
    ['rows of the largest distance and more', picture(75_000, 2, (x) => (x * 5 + (x >> 4)) % 4)],
  ])('gives back %s', (_what, original) => {
    const read = readLz(encode(original).bytes);
    expect(Buffer.from(read.rgb).equals(Buffer.from(imageOf(original).rgb))).toBe(true);
  });

  it('gives back noise, however it is sliced', () => {
    const random = new SeededRandom(20_261_129);
    const noise = picture(67, 41, () => (random.below(2) === 0 ? 0 : random.below(4)));
    for (const rows of [1, 7, 41, 1000]) {
      const { bytes, slices } = encode(noise, rows);
      expect(slices).toBe(Math.ceil(41 / rows));
      expect(Buffer.from(readLz(bytes).rgb).equals(Buffer.from(imageOf(noise).rgb))).toBe(true);
    }
  });

  it('makes a picture of one colour small', () => {
    expect(encode(picture(800, 600, () => 0)).bytes.length).toBeLessThan(3000);
  });
});
