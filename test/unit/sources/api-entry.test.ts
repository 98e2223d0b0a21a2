// SPDX-License-Identifier: Apache-2.0
// Entries whose platform is asked with a name and a password: what sources.yaml must say.
import { describe, expect, it } from '@jest/globals';
import { apiLoginOf } from '../../../src/sources/api-entry.js';
import { parseSources } from '../../../src/sources/file/sources-file.js';

const GOOD = ['url: https://sf.example.org/api', 'username: system', 'password: secret-4711'];

function faultsOf(...lines: string[]): string[] {
  const text = `- source: fist\n  type: shakenfist\n${lines.map((line) => `  ${line}\n`).join('')}`;
  return parseSources(text).entries.flatMap(({ faults }) => faults);
}

describe('an entry with a login', () => {
  it('keeps what it says', () => {
    const text = `- source: fist\n  type: shakenfist\n  ${[...GOOD, 'verify: false', 'synthesize_host_subject: Yes'].join('\n  ')}\n`;
    const [entry] = parseSources(text).entries;
    expect(entry?.faults).toEqual([]);
    expect(entry?.definition).toMatchObject({
      url: 'https://sf.example.org/api',
      options: { verify: 'false', synthesize_host_subject: 'true' },
    });
  });

  it.each([
    [GOOD.slice(1), /url: is missing; give the URL of the cluster's API/],
    [GOOD.slice(0, 1).concat(GOOD.slice(2)), /username: is missing; give the namespace/],
    [GOOD.slice(0, 2), /password: is missing; give a key of the namespace/],
    [['url: sf.example.org', ...GOOD.slice(1)], /url: is not a URL/],
    [['url: file:///etc/passwd', ...GOOD.slice(1)], /url: is not a URL of http/],
    [['url: https://u:p@sf.example.org', ...GOOD.slice(1)], /url: holds a user or a password/],
    [['url: https://sf.example.org/api?key=x', ...GOOD.slice(1)], /url: holds a query/],
    [
      [...GOOD, 'synthesize_host_subject: perhaps'],
      /synthesize_host_subject: "perhaps" is unknown; give one of true/,
    ],
    [[...GOOD, 'verify: [a]'], /verify: is a list/],
    [['url: [a]', ...GOOD.slice(1)], /url: is a list; give a single value/],
    [
      ['username: [a]', ...GOOD.filter((line) => !line.startsWith('username'))],
      /username: is a list; give a single value/,
    ],
    [['password: ""', ...GOOD.slice(0, 2)], /password: is missing/],
  ])('is refused without what it needs: %#', (lines, fault) => {
    const faults = faultsOf(...lines);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(fault);
    expect(faults[0]).not.toMatch(/secret-4711|u:p@/);
  });
});

describe('a login', () => {
  const definition = {
    name: 'fist',
    type: 'shakenfist',
    url: 'https://sf.example.org/api//',
    username: 'u',
    password: 'p',
  };

  it('trusts the CA of the source beside those of the system, unless verify says otherwise', () => {
    const http = (change: object) => apiLoginOf({ ...definition, ...change }).http;
    expect(http({})).toEqual({});
    expect(http({ caCert: 'PEM' }).ca).toMatch(/BEGIN CERTIFICATE[\s\S]*PEM$/);
    expect(http({ caCert: 'PEM', options: { verify: '/ca.pem' } })).toEqual({
      cafile: '/ca.pem',
      cafileFrom: 'source "fist", verify',
    });
    expect(http({ options: { verify: 'no' } })).toEqual({ insecure: true });
  });

  it('has a URL without a slash at its end, and a password that does not show', () => {
    const login = apiLoginOf(definition);
    expect([login.url, String(login.password)]).toEqual(['https://sf.example.org/api', '***']);
  });
});
