// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { InvalidInput } from '../../../../src/exception.js';
import { loginOf, patchOf } from '../../../../src/sources/openstack/entry.js';
import { parseSources } from '../../../../src/sources/file/sources-file.js';

const GOOD: Readonly<Record<string, string>> = {
  source: 'cloud',
  type: 'openstack',
  url: 'https://keystone.example.com:5000',
  username: 'kerbside',
  password: 'secret',
  project_name: 'service',
};

function entryOf(change: Readonly<Record<string, string>> = {}) {
  const lines = Object.entries({ ...GOOD, ...change })
    .filter(([, value]) => value !== '')
    .map(([key, value]) => `  ${key}: ${value}`);
  const [entry] = parseSources(`-\n${lines.join('\n')}\n`).entries;
  if (entry === undefined) throw new Error('no entry');
  return entry;
}

describe('an openstack entry', () => {
  it('logs in to the domain `default` and trusts the CAs of the system unless it says otherwise', () => {
    const { definition, faults } = entryOf();
    expect(faults).toEqual([]);
    const login = loginOf(definition, 3);
    expect(login).toMatchObject({ userDomainId: 'default', projectDomainId: 'default', timeout: 3 });
    expect(login.password?.reveal()).toBe('secret');
    expect([login.insecure, login.cafile, patchOf(definition)]).toEqual([undefined, undefined, null]);
  });

  it.each([
    ['true', undefined, undefined],
    ['yes', undefined, undefined],
    ['false', true, undefined],
    ['No', true, undefined],
    ['/etc/ssl/cloud.pem', undefined, '/etc/ssl/cloud.pem'],
  ])('reads verify: %s', (verify, insecure, cafile) => {
    const login = loginOf(entryOf({ verify }).definition, 1);
    expect([login.insecure, login.cafile]).toEqual([insecure, cafile]);
  });

  it('takes interface, region and the promise of patches', () => {
    const { definition, faults } = entryOf({
      interface: 'publicURL',
      region_name: 'North',
      spice_direct_microversion: '2.96',
    });
    expect(faults).toEqual([]);
    expect(loginOf(definition, 1)).toMatchObject({ interface: 'publicURL', regionName: 'North' });
    expect(patchOf(definition)).toBe('2.96');
  });

  it.each([
    ['url', '', 'is missing'],
    ['url', 'keystone.example.com', 'is not a URL of http or https'],
    ['url', 'file:///etc/passwd', 'is not a URL of http or https'],
    ['username', '', 'is missing'],
    ['password', '', 'is missing'],
    ['project_name', '', 'is missing'],
    ['interface', 'outside', 'give one of public, internal, admin'],
    ['spice_direct_microversion', '2.99', 'give one of 2.96, 2.97'],
  ])('with %s %j is refused: %s', (key, value, fault) => {
    const { faults } = entryOf({ [key]: value });
    expect(faults).toEqual([expect.stringContaining(fault)]);
    expect(faults[0]).not.toContain('secret');
  });

  it('that lacks a login makes no session', () => {
    expect(() => loginOf({ name: 'cloud', type: 'openstack' }, 1)).toThrow(InvalidInput);
  });
});
