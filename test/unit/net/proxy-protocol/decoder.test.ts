// SPDX-License-Identifier: Apache-2.0
// The PROXY protocol: every family and command, every way to be wrong, and every offset at which bytes may stop.
import { describe, expect, it } from '@jest/globals';
import { decodeProxyHeader, ProxyHeaderError } from '../../../../src/net/proxy-protocol/decoder.js';
import { MAPPED_BLOCK, TCP6_BLOCK, UNIX_BLOCK, v1, v2 } from '../../../fixtures/proxy-protocol.js';

/** A CRC-32c, an authority and a no-operation TLV. */
const TLVS = '030004fd16cd1d' + '02000b6578616d706c652e6f7267' + '04000100';

const GOOD: [string, Buffer, object][] = [
  ['version 1, IPv4', v1(), { kind: 'client', address: '203.0.113.7', port: 40_000 }],
  [
    'version 1, IPv6',
    v1('TCP6 2001:0DB8:0001:0002::0007 2001:db8::1 40000 5900'),
    { kind: 'client', address: '2001:db8:1:2::7', port: 40_000 },
  ],
  [
    'version 1, IPv4 in IPv6',
    v1('TCP6 ::ffff:203.0.113.7 ::ffff:c000:0201 0 65535'),
    { kind: 'client', address: '203.0.113.7', port: 0 },
  ],
  [
    'version 1, the longest line of the protocol',
    v1(`UNKNOWN ${Array(2).fill('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff').join(' ')} 65535 65535`),
    { kind: 'local', length: 107 },
  ],
  ['version 1, UNKNOWN', v1('UNKNOWN'), { kind: 'local' }],
  ['version 2, IPv4', v2(), { kind: 'client', address: '203.0.113.7', port: 40_000, length: 28 }],
  [
    'version 2, IPv6',
    v2({ family: 0x21, addresses: TCP6_BLOCK }),
    { kind: 'client', address: '2001:db8:1:2::7', port: 40_000, length: 52 },
  ],
  [
    'version 2, IPv4 in IPv6',
    v2({ family: 0x21, addresses: MAPPED_BLOCK }),
    { kind: 'client', address: '203.0.113.7', port: 40_000 },
  ],
  ['version 2, UNIX', v2({ family: 0x31, addresses: UNIX_BLOCK }), { kind: 'local', length: 232 }],
  ['version 2, with TLVs', v2({ tlvs: TLVS }), { kind: 'client', address: '203.0.113.7', port: 40_000 }],
  ['version 2, LOCAL', v2({ command: 0x20, family: 0, addresses: '' }), { kind: 'local', length: 16 }],
  [
    'version 2, LOCAL with TLVs',
    v2({ command: 0x20, family: 0, addresses: '', tlvs: TLVS }),
    { kind: 'local' },
  ],
  ['version 2, LOCAL with addresses', v2({ command: 0x20 }), { kind: 'local', length: 28 }],
  ['version 2, no family', v2({ family: 0, addresses: '' }), { kind: 'local' }],
  [
    'version 2, the longest',
    v2({ tlvs: '00'.repeat(2048 - 12) }),
    { kind: 'client', address: '203.0.113.7', port: 40_000, length: 2064 },
  ],
];

const BAD: [string, Buffer, string][] = [
  [
    'TLS',
    Buffer.from('1603010200010001fc0303', 'hex'),
    'no PROXY protocol header, it begins with the bytes 16',
  ],
  ['SPICE', Buffer.from('REDQ'), 'no PROXY protocol header'],
  ['another first letter', Buffer.from('p'), 'no PROXY protocol header'],
  [
    'a wrong last byte of the signature',
    Buffer.from('0d0a0d0a000d0a515549540b', 'hex'),
    'no PROXY protocol header',
  ],
  ['an unknown family', v1('TCP5 203.0.113.7 192.0.2.1 1 2'), 'the family is none of TCP4, TCP6, UNKNOWN'],
  ['a family in lower case', v1('tcp4 203.0.113.7 192.0.2.1 1 2'), 'the family is none of'],
  ['two spaces', v1('TCP4  203.0.113.7 192.0.2.1 1 2'), 'two addresses of the family and two ports'],
  ['a space at the end', v1('TCP4 203.0.113.7 192.0.2.1 1 2 '), 'two addresses of the family and two ports'],
  ['too few fields', v1('TCP4 203.0.113.7 192.0.2.1 1'), 'two addresses of the family and two ports'],
  [
    'an IPv6 address as TCP4',
    v1('TCP4 2001:db8::1 192.0.2.1 1 2'),
    'two addresses of the family and two ports',
  ],
  [
    'an IPv4 address as TCP6',
    v1('TCP6 203.0.113.7 2001:db8::1 1 2'),
    'two addresses of the family and two ports',
  ],
  ['a name', v1('TCP4 example.org 192.0.2.1 1 2'), 'two addresses of the family and two ports'],
  ['a zone', v1('TCP6 fe80::1%eth0 2001:db8::1 1 2'), 'two addresses of the family and two ports'],
  ['a port of 65536', v1('TCP4 203.0.113.7 192.0.2.1 65536 2'), 'a port is not a number from 0 to 65535'],
  ['a negative port', v1('TCP4 203.0.113.7 192.0.2.1 -1 2'), 'a port is not a number'],
  ['a port with a leading zero', v1('TCP4 203.0.113.7 192.0.2.1 01 2'), 'a port is not a number'],
  ['a line of 108 bytes', v1(`UNKNOWN ${'x'.repeat(92)}`), 'no end of line within 107 bytes'],
  ['version 1 of the binary form', v2({ command: 0x11 }), 'unknown version and command 0x11'],
  ['an unknown command', v2({ command: 0x22 }), 'unknown version and command 0x22'],
  ['UDP', v2({ family: 0x12 }), 'family 0x12 is no TCP connection'],
  ['an unknown address family', v2({ family: 0x41 }), 'family 0x41 is no TCP connection'],
  ['11 bytes for IPv4', v2({ addresses: '00'.repeat(11) }), '11 bytes are too few'],
  ['35 bytes for IPv6', v2({ family: 0x21, addresses: '00'.repeat(35) }), '35 bytes are too few'],
  ['215 bytes for paths', v2({ family: 0x31, addresses: '00'.repeat(215) }), '215 bytes are too few'],
  ['2049 bytes', v2({ length: 2049 }), '2049 bytes are more than 2048'],
  ['65535 bytes', v2({ length: 65_535 }), '65535 bytes are more than 2048'],
];

describe('decodeProxyHeader', () => {
  it.each(GOOD)('reads %s, and leaves what follows', (_what, header, expected) => {
    const read = { length: header.length, ...expected };
    expect(decodeProxyHeader(header)).toEqual(read);
    expect(decodeProxyHeader(Buffer.concat([header, Buffer.from('1603')]))).toEqual(read);
    expect(decodeProxyHeader(Buffer.concat([header, header]))).toEqual(read);
  });

  it.each(GOOD)('waits for the rest of %s wherever it is cut', (_what, header) => {
    for (let at = 0; at < header.length; at += 1)
      expect(decodeProxyHeader(header.subarray(0, at))).toBeNull();
  });

  it.each(BAD)('refuses %s', (_what, bytes, fault) => {
    expect(() => decodeProxyHeader(bytes)).toThrow(ProxyHeaderError);
    expect(() => decodeProxyHeader(bytes)).toThrow(fault);
  });

  it('never takes more than a line or a block for incomplete', () => {
    expect(() => decodeProxyHeader(Buffer.from(`PROXY ${'x'.repeat(101)}`))).toThrow('no end of line');
    expect(decodeProxyHeader(Buffer.from(`PROXY ${'x'.repeat(100)}`))).toBeNull();
  });

  it('gives a header or a fault for any bytes', () => {
    const header = v2({ tlvs: TLVS });
    for (let at = 0; at < header.length; at += 1) {
      for (const value of [0x00, 0x20, 0x7f, 0xff]) {
        const spoiled = Buffer.from(header);
        spoiled[at] = value;
        try {
          decodeProxyHeader(spoiled);
        } catch (error) {
          expect(error).toBeInstanceOf(ProxyHeaderError);
        }
      }
    }
  });
});
