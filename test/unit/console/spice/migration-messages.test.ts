// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { ProtocolError } from '../../../../src/console/spice/errors.js';
import { destinationBody, readDestination } from '../../../../src/console/spice/migration-messages.js';
import { placeBody, placeIn } from '../../../fixtures/migration-bodies.js';

/** As libvirt and QEMU sent them: with TLS, without, and before a migration with seamless. */
const RECORDED = {
  seamless:
    '1c3e1d3e0a000000180000000e0000002200000001000000' +
    Buffer.from('10.98.0.2\0O=lab,CN=lab2\0').toString('hex'),
  tls: '1c3e1d3e0a000000140000000e0000001e000000' + Buffer.from('10.98.0.2\0O=lab,CN=lab2\0').toString('hex'),
  plain: '1c3effff0a000000180000000000000000000000' + '01000000' + Buffer.from('10.98.0.2\0').toString('hex'),
};
const THERE = { host: '10.98.0.2', port: 15_900, tlsPort: 15_901, subject: 'O=lab,CN=lab2' };

describe('readDestination', () => {
  it.each([
    ['MIGRATE_BEGIN_SEAMLESS', RECORDED.seamless, true, { ...THERE, version: 1 }],
    ['MIGRATE_SWITCH_HOST', RECORDED.tls, false, { ...THERE, version: null }],
    ['one without TLS', RECORDED.plain, true, { ...THERE, tlsPort: null, subject: null, version: 1 }],
  ])('reads a recorded %s', (_name, hex, seamless, expected) => {
    expect(readDestination(Buffer.from(hex, 'hex'), seamless)).toEqual(expected);
  });

  it('refuses every body that is cut', () => {
    const body = Buffer.from(RECORDED.seamless, 'hex');
    for (let length = 0; length < body.length; length += 1)
      expect(() => readDestination(body.subarray(0, length), true)).toThrow(ProtocolError);
  });

  it('refuses a host outside its message, one that is too long, and one that is none', () => {
    const outside = placeBody(THERE);
    outside.writeUInt32LE(0xffff_fff0, 8);
    expect(() => readDestination(outside, false)).toThrow(ProtocolError);
    const long = placeBody({ ...THERE, host: 'a'.repeat(254) });
    expect(() => readDestination(long, false)).toThrow('limit is 254');
    for (const host of ['', 'a b', 'a/b', 'a\nb', '$(a)'])
      expect(() => readDestination(placeBody({ ...THERE, host }), false)).toThrow(ProtocolError);
    expect(() => readDestination(placeBody({ ...THERE, subject: 'C'.repeat(1024) }), false)).toThrow(
      ProtocolError,
    );
  });

  it('takes a port of 0 for none', () => {
    expect(readDestination(placeBody({ ...THERE, port: 0, tlsPort: 0 }), false)).toMatchObject({
      port: null,
      tlsPort: null,
    });
  });
});

describe('destinationBody', () => {
  const place = { host: 'spice.example.com', tlsPort: 5900, subject: 'CN=Kerbside' };

  it.each([null, 1])('sends the client to the TLS port alone (version %s)', (version) => {
    const body = destinationBody(place, version);
    expect(placeIn(body)).toEqual({ ...place, port: 0 });
    expect(body).toEqual(placeBody({ ...place, port: 0 }, version ?? undefined));
  });

  it('leaves the subject out where the certificate names the host', () => {
    expect(destinationBody({ ...place, subject: null }, null)).toEqual(
      placeBody({ ...place, port: 0, subject: '' }),
    );
  });
});
