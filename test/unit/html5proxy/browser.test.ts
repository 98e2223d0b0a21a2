// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { browserOf, hostOf, originFault } from '../../../src/html5proxy/browser.js';
import type { Origin } from '../../../src/net/forwarded.js';
import { NetworkList } from '../../../src/net/network-list.js';

const TRUSTED = new NetworkList(['192.0.2.0/24', '2001:db8::1']);

/** A request as far as these functions look at it. */
function request(
  remoteAddress: string,
  headers: Record<string, string> = {},
  encrypted = false,
): IncomingMessage {
  const socket = { remoteAddress, remotePort: 4000, ...(encrypted ? { encrypted } : {}) };
  return { socket, headers } as unknown as IncomingMessage;
}

describe('browserOf', () => {
  it.each([
    ['203.0.113.9', {}, '203.0.113.9', 4000],
    ['::ffff:203.0.113.9', {}, '203.0.113.9', 4000],
    ['203.0.113.9', { 'x-forwarded-for': '198.51.100.1' }, '203.0.113.9', 4000],
    ['192.0.2.1', { 'x-forwarded-for': '198.51.100.1' }, '198.51.100.1', 0],
    ['192.0.2.1', { 'x-forwarded-for': '10.0.0.1, 198.51.100.1, 192.0.2.7' }, '198.51.100.1', 0],
    ['192.0.2.1', { 'x-forwarded-for': '192.0.2.8, 192.0.2.7' }, '192.0.2.8', 0],
    ['192.0.2.1', { 'x-forwarded-for': 'unknown' }, '192.0.2.1', 4000],
    ['192.0.2.1', { 'x-forwarded-for': 'junk, 192.0.2.7' }, '192.0.2.7', 0],
    ['192.0.2.1', { 'x-forwarded-for': '' }, '192.0.2.1', 4000],
    ['2001:db8::1', { 'x-forwarded-for': '2001:db8:9::2' }, '2001:db8:9::2', 0],
    ['2001:db8::1', { 'x-forwarded-for': '::ffff:198.51.100.1' }, '198.51.100.1', 0],
  ] as const)('of %s with %j is %s', (sender, headers, address, port) => {
    expect(browserOf(request(sender, { ...headers }), TRUSTED)).toMatchObject({ address, port });
  });

  it.each([
    ['203.0.113.9', undefined, false, null],
    ['203.0.113.9', 'https', false, null],
    ['203.0.113.9', 'http', true, 'https'],
    ['192.0.2.1', undefined, false, null],
    ['192.0.2.1', undefined, true, 'https'],
    ['192.0.2.1', 'https', false, 'https'],
    ['192.0.2.1', 'HTTP', false, 'http'],
    ['192.0.2.1', 'gopher', false, null],
  ] as const)('from %s, proto %s, TLS %s: scheme %s', (sender, proto, encrypted, scheme) => {
    const headers = proto === undefined ? {} : { 'x-forwarded-proto': proto };
    expect(browserOf(request(sender, headers, encrypted), TRUSTED).scheme).toBe(scheme);
  });
});

describe('hostOf', () => {
  it.each([
    ['console.example.org', 'console.example.org'],
    ['192.0.2.1:80', '192.0.2.1'],
    ['[2001:db8::1]:6082', '[2001:db8::1]'],
    ['[2001:db8::1]', '[2001:db8::1]'],
  ])('of %s is %s', (authority, host) => {
    expect(hostOf(authority)).toBe(host);
  });
});

describe('originFault', () => {
  const anyScheme: Partial<Origin> = { scheme: null };
  const fault = (
    headers: Record<string, string>,
    browser = anyScheme,
    allowed: string[] = [],
  ): string | null => {
    const made = request('203.0.113.9', headers);
    return originFault(made, { ...browserOf(made, TRUSTED), ...browser }, allowed);
  };

  it('is none without an Origin, for the same host on any port, and for allowed ones', () => {
    expect(fault({ host: 'a.example' })).toBeNull();
    expect(fault({ host: 'a.example:6082', origin: 'https://a.example' })).toBeNull();
    expect(fault({ host: 'A.example', origin: 'http://a.EXAMPLE:8080' })).toBeNull();
    expect(fault({ host: '[2001:db8::1]:6082', origin: 'http://[2001:db8::1]' })).toBeNull();
    expect(fault({ host: 'a.example', origin: 'https://b.example' }, anyScheme, ['B.example'])).toBeNull();
    expect(
      fault({ host: 'a.example', origin: 'https://[2001:db8::2]' }, anyScheme, ['2001:db8::2']),
    ).toBeNull();
  });

  it.each([
    [{ host: 'a.example', origin: 'https://b.example' }, 'the origin is another site'],
    [{ host: 'a.example', origin: 'https://a.example.evil' }, 'the origin is another site'],
    [{ host: 'a.example', origin: 'https://evil-a.example' }, 'the origin is another site'],
    [{ host: 'a.example', origin: 'null' }, 'the Origin header names no site'],
    [{ host: 'a.example', origin: 'file://' }, 'the Origin header names no site'],
    [{ host: 'a.example', origin: '' }, 'the Origin header names no site'],
    [{ origin: 'https://a.example' }, 'the Host header names no host'],
  ])('of %j is told', (headers, text) => {
    expect(fault({ ...headers })).toBe(text);
  });

  it('is another scheme where the scheme is known', () => {
    const https = { scheme: 'https' } as const;
    expect(fault({ host: 'a.example', origin: 'http://a.example' }, https)).toBe(
      'the origin has another scheme',
    );
    expect(fault({ host: 'a.example', origin: 'https://a.example' }, https)).toBeNull();
  });
});
