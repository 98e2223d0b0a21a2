// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { decodeProxyHeader } from '../../../../src/net/proxy-protocol/decoder.js';
import { encodeProxyHeader } from '../../../../src/net/proxy-protocol/encoder.js';
import { TCP6_BLOCK, v2 } from '../../../fixtures/proxy-protocol.js';

describe('encodeProxyHeader', () => {
  it('writes the bytes of the protocol', () => {
    const client = { address: '203.0.113.7', port: 40_000 };
    expect(encodeProxyHeader(client, { address: '192.0.2.1', port: 5900 })).toEqual(v2());
    const six = { address: '2001:db8:1:2::7', port: 40_000 };
    const header = encodeProxyHeader(six, { address: '2001:db8::1', port: 5900 });
    expect(header).toEqual(v2({ family: 0x21, addresses: TCP6_BLOCK }));
  });

  it.each([
    ['203.0.113.7', '192.0.2.1', '203.0.113.7'],
    ['203.0.113.7', '2001:db8::1', '203.0.113.7'],
    ['2001:db8::7', '192.0.2.1', '2001:db8::7'],
    ['::', '::1', '::'],
    ['::1', '::', '::1'],
    ['1:2:3:4:5:6:7:8', '::1', '1:2:3:4:5:6:7:8'],
    ['fe80::1%eth0', 'fe80::2%eth0', 'fe80::1'],
    ['64:ff9b::192.0.2.33', '::1', '64:ff9b::c000:221'],
  ])('names the client %s to the server %s', (client, server, expected) => {
    const header = encodeProxyHeader({ address: client, port: 1 }, { address: server, port: 65_535 });
    expect(decodeProxyHeader(header)).toEqual({
      ...{ kind: 'client', address: expected, port: 1 },
      length: header.length,
    });
  });

  it('says LOCAL for a client that is not known', () => {
    const header = encodeProxyHeader({ address: '', port: 0 }, { address: '192.0.2.1', port: 1 });
    expect(decodeProxyHeader(header)).toEqual({ kind: 'local', length: 16 });
  });
});
