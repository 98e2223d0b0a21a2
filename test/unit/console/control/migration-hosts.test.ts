// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { MigrationHosts } from '../../../../src/console/control/migration-hosts.js';

const NAMES: Readonly<Record<string, readonly string[]>> = {
  'hv1.example.com': ['192.0.2.1'],
  'hv2.example.com': ['192.0.2.2', '2001:db8::2'],
  'two-homes.example.com': ['192.0.2.1', '203.0.113.9'],
};

function judge(host: string, allowed: readonly string[], known: string[] = [], platform: string[] = []) {
  const hosts = new MigrationHosts({
    known: () => Promise.resolve(known),
    ofPlatform: () => Promise.resolve(platform),
    lookup: (name) => {
      const found = NAMES[name];
      return found === undefined ? Promise.reject(new Error('ENOTFOUND')) : Promise.resolve(found);
    },
  });
  return hosts.judge({ source: 'lab', platform: 'static', host }, allowed);
}

describe('the hosts that guests may go to', () => {
  it.each([
    ['an address of the list', '192.0.2.7', ['192.0.2.7'], '192.0.2.7'],
    ['an address of a network', '192.0.2.7', ['192.0.2.0/24'], '192.0.2.7'],
    ['an IPv6 address of a network', '2001:db8::7', ['2001:db8::/32'], '2001:db8::7'],
    ['an IPv4 address in its IPv6 spelling', '::ffff:192.0.2.7', ['192.0.2.0/24'], '192.0.2.7'],
    ['a name of the list, in any case', 'HV1.example.com'.toLowerCase(), ['HV1.EXAMPLE.COM'], '192.0.2.1'],
    ['the address of a name of the list', '192.0.2.1', ['hv1.example.com'], '192.0.2.1'],
    ['a name whose addresses are all of the network', 'hv1.example.com', ['192.0.2.0/24'], '192.0.2.1'],
  ])('are %s', async (_what, host, allowed, address) => {
    expect(await judge(host, allowed)).toEqual({ kind: 'allowed', address });
  });

  it.each([
    ['an address outside', '198.51.100.7', ['192.0.2.0/24', 'hv1.example.com', 'nowhere.example.com']],
    ['a name one of whose addresses is outside', 'two-homes.example.com', ['192.0.2.0/24']],
  ])('are not %s', async (_what, host, allowed) => {
    expect(await judge(host, allowed)).toEqual({
      kind: 'forbidden',
      why: '[migration] allowed_hosts does not have it',
    });
  });

  it('are no names that do not resolve', async () => {
    expect(await judge('nowhere.example.com', ['nowhere.example.com'])).toEqual({
      kind: 'forbidden',
      why: 'its name does not resolve',
    });
  });

  it('are those of the source where no list is given, by its consoles or by its platform', async () => {
    expect(await judge('192.0.2.2', [], ['hv2.example.com', '192.0.2.2'])).toMatchObject({ kind: 'allowed' });
    expect(await judge('192.0.2.2', [], ['192.0.2.1'], ['192.0.2.2'])).toMatchObject({ kind: 'allowed' });
    expect(await judge('192.0.2.3', [], ['192.0.2.1'], ['192.0.2.2'])).toEqual({
      kind: 'forbidden',
      why: 'it is no hypervisor that the source is known to have',
    });
    // A list replaces what is known.
    expect(await judge('192.0.2.2', ['192.0.2.1'], ['192.0.2.2'])).toMatchObject({ kind: 'forbidden' });
  });
});
