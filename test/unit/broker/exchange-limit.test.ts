// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { ExchangeLimit } from '../../../src/broker/exchange-limit.js';

describe('the limit of failed exchanges', () => {
  it('counts each address by itself, and a network of IPv6 as one', async () => {
    const limit = new ExchangeLimit(2, 60);
    expect(await limit.take('192.0.2.1')).toBeNull();
    expect(await limit.take('::ffff:192.0.2.1')).toBeNull();
    expect(await limit.take('192.0.2.1')).toBeGreaterThan(0);
    expect(await limit.take('192.0.2.2')).toBeNull();
    for (const end of ['1', '2']) expect(await limit.take(`2001:db8::${end}`)).toBeNull();
    expect(await limit.take('2001:db8::3')).toBeGreaterThan(0);
    expect(await limit.take('2001:db8:0:1::3')).toBeNull();
  });

  it('does not count what is given back', async () => {
    const limit = new ExchangeLimit(1, 60);
    for (let times = 0; times < 5; times += 1) {
      expect(await limit.take('192.0.2.1')).toBeNull();
      await limit.giveBack('192.0.2.1');
    }
  });
});
