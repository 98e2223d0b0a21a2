// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { AddressCounts } from '../../../src/net/address-counts.js';

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

  it('counts all addresses of an IPv6 subscriber as one', () => {
    const counts = new AddressCounts();
    counts.add('2001:db8:1:2::1');
    counts.add('2001:db8:1:2:ffff::9');
    counts.add('2001:db8:1:3::1');
    counts.remove('2001:db8:1:2::7');
    expect([counts.of('2001:db8:1:2::2'), counts.of('2001:db8:1:3::2')]).toEqual([1, 1]);
  });
});
