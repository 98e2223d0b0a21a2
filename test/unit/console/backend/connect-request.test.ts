// SPDX-License-Identifier: Apache-2.0
// The head of a proxy's answer, in every cut of its bytes.
import { describe, expect, it } from '@jest/globals';
import { firstAttempt } from '../../../../src/console/backend/attempt.js';
import { routeTo } from '../../../../src/console/backend/dial.js';
import { ConnectRequest } from '../../../../src/console/backend/routes/connect-proxy.js';
import type { BackendTarget } from '../../../../src/console/ipc.js';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

const TARGET: BackendTarget = {
  ...{ hypervisor: 'hv', hypervisorIp: '2001:db8::5', insecurePort: 5900, securePort: null, ticket: 't' },
  ...{ caCert: null, hostSubject: null, transport: null, protocol: 'spice' },
  route: { kind: 'connect_proxy', host: '2001:db8::1', port: 3128 },
};

function requestOf(target: BackendTarget): string {
  const route = routeTo(target, firstAttempt(target, 'prefer_tls'));
  const written: Buffer[] = [];
  if ('dialled' in route) route.prelude?.begin((part) => written.push(part));
  return Buffer.concat(written).toString('latin1');
}

/** The outcome of an answer that comes in parts of `size` bytes. */
function outcomeOf(answer: string, size: number): Buffer | null {
  const request = new ConnectRequest('hv:5900');
  for (let at = 0; at < answer.length; at += size) {
    const rest = request.push(bytes(answer.slice(at, at + size)));
    if (rest !== null) return Buffer.concat([rest, bytes(answer.slice(at + size))]);
  }
  return null;
}

describe('a request to a connect proxy', () => {
  it('names the host twice, an IPv6 address in brackets, or what the proxy knows it by', () => {
    expect(requestOf(TARGET)).toMatch(
      /^CONNECT \[2001:db8::5\]:5900 HTTP\/1\.1\r\nHost: \[2001:db8::5\]:5900\r\n/,
    );
    const asksFor = 'ticket:6b000000:100:node1:61000::aaaa';
    const route = { kind: 'connect_proxy', host: 'p', port: 1, asksFor } as const;
    expect(requestOf({ ...TARGET, route })).toContain(
      `CONNECT ${asksFor}:5900 HTTP/1.1\r\nHost: ${asksFor}:5900\r\n`,
    );
    const { shown } = routeTo({ ...TARGET, route }, { tls: false, port: 5900 });
    expect(JSON.stringify(shown)).not.toContain(asksFor);
  });

  it('is not made of a host that could add a line or a word', () => {
    for (const asksFor of ['a\r\nX: y', 'a b', '', 'é'])
      expect(() =>
        routeTo(
          { ...TARGET, route: { kind: 'connect_proxy', host: 'p', port: 1, asksFor } },
          { tls: false, port: 1 },
        ),
      ).toThrow('no proxy can be asked for');
  });

  it.each([
    ['HTTP/1.0 200 OK\r\n\r\n', ''],
    ['HTTP/1.1 200 Connection established\r\nA: b\r\n\r\nREDQ', 'REDQ'],
    ['HTTP/1.1 200\n\nREDQ', 'REDQ'],
    ['HTTP/1.1 200 OK\r\n\r\n\r\n\r\n', '\r\n\r\n'],
  ])('is granted by %j in any cut', (answer, rest) => {
    for (const size of [1, 2, 3, 7, answer.length])
      expect(outcomeOf(answer, size)?.toString('latin1')).toBe(rest);
  });

  it.each([
    ['HTTP/1.0 401 invalid ticket\r\n', 'connect proxy refused (401)'],
    ['HTTP/1.1 302 Found\nLocation: http://elsewhere/\n\n', 'connect proxy refused (302)'],
    ['HTTP/1.1 2000 OK\r\n', 'did not answer with HTTP'],
    ['HTTP/1.2 200 OK\r\n', 'did not answer with HTTP'],
    ['HTTQ', 'did not answer with HTTP'],
    ['\r\nHTTP/1.1 200 OK\r\n\r\n', 'did not answer with HTTP'],
  ])('is refused by %j in any cut', (answer, fault) => {
    for (const size of [1, 2, 5, answer.length]) expect(() => outcomeOf(answer, size)).toThrow(fault);
  });

  it('knows a refusal that ends with its words, and an end that is none', () => {
    const ended = (answer: string): string => {
      const request = new ConnectRequest('hv:5900');
      if (answer !== '') request.push(bytes(answer));
      return request.ended().message;
    };
    expect(ended('HTTP/1.0 401 invalid ticket')).toBe('connect proxy refused (401)');
    expect(ended('HTTP/1.0 200 OK')).toContain('within its answer');
    expect(ended('HTTP/1')).toContain('did not answer with HTTP');
    expect(ended('')).toContain('without an answer');
  });

  it('is given up when the head has no end', () => {
    expect(() => outcomeOf(`HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(3000)}`, 1000)).toThrow('16384 bytes');
    expect(() => outcomeOf(`HTTP/1.1 200 ${'x'.repeat(20_000)}`, 4096)).toThrow('16384 bytes');
    expect(outcomeOf(`HTTP/1.1 200 OK\r\nA: ${'b'.repeat(16_000)}\r\n\r\nREDQ`, 20_000)?.toString()).toBe(
      'REDQ',
    );
  });
});
