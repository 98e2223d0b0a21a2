// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { AddressCounts, plainAddress } from '../../../src/console/limits.js';

describe('AddressCounts', () => {
  it('counts each address by itself, and never below nothing', () => {
    const counts = new AddressCounts();
    counts.add('a');
    counts.add('a');
    counts.add('b');
    counts.remove('a');
    counts.remove('b');
    counts.remove('b');
    expect([counts.of('a'), counts.of('b'), counts.of('c')]).toEqual([1, 0, 0]);
  });
});

describe('plainAddress', () => {
  it.each([
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8::1', '2001:db8::1'],
    ['::ffff:c000:201', '::ffff:c000:201'],
    [undefined, ''],
  ])('of %s is %s', (address, plain) => {
    expect(plainAddress(address)).toBe(plain);
  });
});
