// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { NetworkList } from '../../../src/net/network-list.js';

describe('NetworkList', () => {
  const list = new NetworkList(['192.0.2.7', '198.51.100.0/24', '2001:db8::1', '2001:db8:1::/48']);

  it.each(['192.0.2.7', '::ffff:192.0.2.7', '198.51.100.255', '2001:db8::1', '2001:db8:1:ffff::9'])(
    'has %s',
    (address) => {
      expect(list.has(address)).toBe(true);
    },
  );

  it.each(['192.0.2.8', '198.51.101.0', '2001:db8::2', '2001:db8:2::', '', 'example.org'])(
    'has not %s',
    (address) => {
      expect(list.has(address)).toBe(false);
    },
  );

  it('has nothing when it is empty, and everything when a network is all addresses', () => {
    expect(new NetworkList([]).has('192.0.2.7')).toBe(false);
    expect(new NetworkList(['0.0.0.0/0']).has('192.0.2.7')).toBe(true);
    expect(new NetworkList(['::/0']).has('2001:db8::1')).toBe(true);
  });

  it('has a link-local address whatever its zone is', () => {
    expect(new NetworkList(['fe80::/10']).has('fe80::1%eth0')).toBe(true);
  });
});
