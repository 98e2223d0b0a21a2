// SPDX-License-Identifier: Apache-2.0
// The name of a client's address.
import { describe, expect, it } from '@jest/globals';
import { clientAddress } from '../../../src/api/client-address.js';

describe('clientAddress', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8::1', '2001:db8::1'],
    ['::ffff:1', '::ffff:1'],
    [undefined, ''],
  ])('of %s is %j', (ip, address) => {
    expect(clientAddress({ ip })).toBe(address);
  });
});
