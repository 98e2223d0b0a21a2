// SPDX-License-Identifier: Apache-2.0
// What a client calls this service.
import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { baseUrl, clientAddress, clientPath } from '../../../src/api/client-view.js';
import { setContext, stateOf } from '../../../src/api/request-context.js';
import { strangerContext } from '../../../src/context.js';
import type { Origin } from '../../../src/net/forwarded.js';

function request(origin: Partial<Origin>): IncomingMessage {
  const made = { socket: { localAddress: '2001:db8::7', localPort: 13002 } } as unknown as IncomingMessage;
  setContext(made, strangerContext('req-1'));
  const nothing: Origin = { address: '192.0.2.1', port: 0, scheme: null, authority: null, prefix: '' };
  stateOf(made).origin = { ...nothing, ...origin };
  return made;
}

describe('what a client calls this service', () => {
  it.each([
    [{ scheme: 'https', authority: 'cloud.example.org:13002' }, 'https://cloud.example.org:13002'],
    [{ authority: 'cloud.example.org' }, 'http://cloud.example.org'],
    [{ scheme: 'https', authority: 'c.example', prefix: '/console' }, 'https://c.example/console'],
    [{}, 'http://[2001:db8::7]:13002'],
  ] as const)('%j is %s', (origin, url) => {
    expect(baseUrl(request(origin))).toBe(url);
  });

  it('has the prefix in every path', () => {
    expect(clientPath(request({ prefix: '/console' }), '/session')).toBe('/console/session');
    expect(clientPath(request({}), '/session')).toBe('/session');
  });

  it('is called from an address', () => {
    expect(clientAddress(request({ address: '203.0.113.9' }))).toBe('203.0.113.9');
  });
});
