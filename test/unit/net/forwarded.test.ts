// SPDX-License-Identifier: Apache-2.0
// What proxies say of a request, and what of it counts.
import { describe, expect, it } from '@jest/globals';
import { authorityOf, originOf, type Origin } from '../../../src/net/forwarded.js';
import { NetworkList } from '../../../src/net/network-list.js';

const TRUSTED = new NetworkList(['192.0.2.0/24', '2001:db8::1']);
const PROXY = '192.0.2.1';

function origin(headers: Record<string, string>, remoteAddress = PROXY, encrypted = false): Origin {
  const socket = { remoteAddress, remotePort: 4000, encrypted };
  return originOf({ headers, socket }, (address) => TRUSTED.has(address));
}

describe('a sender that is not trusted', () => {
  it('is the client itself, whatever it says', () => {
    const headers = {
      host: 'k.example',
      forwarded: 'for=198.51.100.1;proto=https;host=evil.example',
      'x-forwarded-for': '198.51.100.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-port': '444',
      'x-forwarded-prefix': '/evil',
    };
    const itself = { address: '203.0.113.9', port: 4000, scheme: null, authority: 'k.example', prefix: '' };
    expect(origin(headers, '203.0.113.9')).toEqual(itself);
    expect(origin(headers, '::ffff:203.0.113.9', true)).toEqual({ ...itself, scheme: 'https' });
  });
});

describe('X-Forwarded-*', () => {
  it('say all that there is to say', () => {
    const headers = {
      host: 'inner:13002',
      'x-forwarded-for': '198.51.100.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'Cloud.example.org',
      'x-forwarded-port': '8443',
      'x-forwarded-prefix': '/console/',
    };
    expect(origin(headers)).toEqual({
      address: '198.51.100.1',
      port: 0,
      scheme: 'https',
      authority: 'cloud.example.org:8443',
      prefix: '/console',
    });
  });

  it.each([
    ['10.0.0.1, 198.51.100.1, 192.0.2.7', '198.51.100.1', 0],
    ['192.0.2.8, 192.0.2.7', '192.0.2.8', 0],
    ['junk, 192.0.2.7', '192.0.2.7', 0],
    ['unknown', PROXY, 4000],
    ['<script>', PROXY, 4000],
    ['', PROXY, 4000],
    ['::ffff:198.51.100.1', '198.51.100.1', 0],
    [`${'198.51.100.1, '.repeat(1000)}192.0.2.7`, '198.51.100.1', 0],
  ])('-For: %s is %s', (list, address, port) => {
    expect(origin({ 'x-forwarded-for': list })).toMatchObject({ address, port });
  });

  it.each([
    ['443', 'https', 'k.example'],
    ['80', 'http', 'k.example'],
    ['8443', 'https', 'k.example:8443'],
    ['0', 'https', 'k.example'],
    ['65536', 'https', 'k.example'],
    ['44x', 'https', 'k.example'],
  ])('-Port: %s with %s is %s', (port, proto, authority) => {
    const headers = { host: 'k.example', 'x-forwarded-port': port, 'x-forwarded-proto': proto };
    expect(origin(headers).authority).toBe(authority);
  });

  it('-Port changes no port that the host names itself', () => {
    expect(origin({ host: 'k.example:13002', 'x-forwarded-port': '8443' }).authority).toBe('k.example:13002');
  });

  it.each([
    ['/console', '/console'],
    ['/a/b-c_d.e~f', '/a/b-c_d.e~f'],
    ['/', ''],
    ['console', ''],
    ['//evil.example', ''],
    ['/../etc', ''],
    ['/a/../b', ''],
    ['/a;path=/', ''],
    ['/a?b', ''],
    ['/a, /b', ''],
    ['/%2f', ''],
    ['/a b', ''],
    [`/${'a'.repeat(300)}`, ''],
    ['/a'.repeat(17), ''],
  ])('-Prefix: %s is %j', (given, prefix) => {
    expect(origin({ 'x-forwarded-prefix': given }).prefix).toBe(prefix);
  });

  it('-Host and -Proto that are none change nothing', () => {
    const headers = { host: 'k.example', 'x-forwarded-host': 'a/b', 'x-forwarded-proto': 'gopher' };
    expect(origin(headers, PROXY, true)).toMatchObject({ authority: 'k.example', scheme: 'https' });
  });
});

describe('Forwarded', () => {
  it.each([
    ['for=198.51.100.1;proto=https;host=cloud.example.org', '198.51.100.1', 'https', 'cloud.example.org'],
    [
      'For="[2001:db8:9::2]:4711";Proto=HTTPS;Host="C.example:444"',
      '2001:db8:9::2',
      'https',
      'c.example:444',
    ],
    ['for="198.51.100.1:80"', '198.51.100.1', null, 'inner'],
    // What the client itself claims stands to the left of what the first trusted proxy says.
    ['for=10.0.0.1;host=evil.example, for=198.51.100.1;host=c.example', '198.51.100.1', null, 'c.example'],
    [
      'for=10.0.0.1;host=evil.example, for=198.51.100.1;host=c.example, for=192.0.2.9;host=mid',
      '198.51.100.1',
      null,
      'c.example',
    ],
    ['for=unknown;proto=https', PROXY, 'https', 'inner'],
    ['for=_hidden', PROXY, null, 'inner'],
    ['for="198.51.100.1', PROXY, null, 'inner'],
    [';;;=,', PROXY, null, 'inner'],
    ['', PROXY, null, 'inner'],
  ])('%s', (forwarded, address, scheme, authority) => {
    expect(origin({ host: 'inner', forwarded })).toMatchObject({ address, scheme, authority });
  });

  it('counts for nothing beside X-Forwarded-*: the proxy has passed on what its client sent', () => {
    const headers = {
      host: 'inner',
      forwarded: 'for=10.0.0.1;host=evil.example',
      'x-forwarded-proto': 'https',
    };
    expect(origin(headers)).toMatchObject({ address: PROXY, authority: 'inner', scheme: 'https' });
  });
});

describe('authorityOf', () => {
  it.each([
    ['Console.example.org', 'console.example.org'],
    ['console.example.org:6082', 'console.example.org:6082'],
    ['192.0.2.1:80', '192.0.2.1:80'],
    ['[2001:db8::1]:6082', '[2001:db8::1]:6082'],
  ])('of %s is %s', (host, authority) => {
    expect(authorityOf(host)).toBe(authority);
  });

  it.each([undefined, '', 'a b', 'a;b', "a'b", 'a/b', '[x]', 'a:b', 'a:123456', 'a\nb', 'user@a'])(
    'of %j is none',
    (host) => {
      expect(authorityOf(host)).toBeNull();
    },
  );
});
