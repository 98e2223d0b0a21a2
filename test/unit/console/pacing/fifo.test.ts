// SPDX-License-Identifier: Apache-2.0
// The plain queue, against an array.
import { expect, it } from '@jest/globals';
import { Fifo } from '../../../../src/console/pacing/fifo.js';
import { SeededRandom } from '../../../fixtures/random.js';

it('gives out what was put in, in order', () => {
  const random = new SeededRandom(7);
  const fifo = new Fifo<number>();
  const wanted: number[] = [];
  for (let round = 0; round < 400; round++) {
    for (let n = random.below(10); n > 0; n--) fifo.push(wanted.push(random.below(1000)) && wanted.at(-1)!);
    for (let n = random.below(round < 200 ? 5 : 20); n > 0; n--) {
      expect([fifo.peek(), fifo.length]).toEqual([wanted[0], wanted.length]);
      expect(fifo.shift()).toBe(wanted.shift());
    }
  }
});
