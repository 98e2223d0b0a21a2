// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { HostOrder } from '../../../src/messaging/host-order.js';

const HOSTS = ['a', 'b', 'c'];

function rounds(order: HostOrder<string>, count: number): string[] {
  return Array.from({ length: count }, () =>
    Array.from({ length: order.size }, () => order.take()).join(' '),
  );
}

describe('the order of hosts', () => {
  it('is shuffled at the start and then always the same', () => {
    const firsts = new Set<string>();
    for (let i = 0; i < 200; i += 1) {
      const [first, second, third] = rounds(new HostOrder(HOSTS, 'round-robin'), 3);
      expect([second, third]).toEqual([first, first]);
      firsts.add(first ?? '');
    }
    expect(firsts.size).toBe(6);
  });

  it('may be shuffled anew for each round, with each host once', () => {
    const seen = rounds(new HostOrder(HOSTS, 'shuffle'), 200);
    expect(new Set(seen).size).toBe(6);
    for (const round of seen) expect(round.split(' ').sort()).toEqual(HOSTS);
  });
});
