// SPDX-License-Identifier: Apache-2.0
// An opennebula entry of sources.yaml: what is taken, what each fault says, and what a driver makes of it.
import { describe, expect, it } from '@jest/globals';
import { InvalidInput } from '../../../../src/exception.js';
import { openNebulaEntry } from '../../../../src/sources/opennebula/entry.js';
import { parseSources } from '../../../../src/sources/file/sources-file.js';

const GOOD = {
  source: 'one',
  type: 'opennebula',
  url: 'https://one.example.com:2633/RPC2',
  username: 'kerbside',
  password: 'hush',
};

const read = (change: Record<string, string | null> = {}) => {
  const all: Record<string, string | null> = { ...GOOD, ...change };
  const lines = Object.entries(all).filter(([, value]) => value !== null);
  const text = lines
    .map(([key, value], index) => `${index === 0 ? '-' : ' '} ${key}: ${value ?? ''}`)
    .join('\n');
  const { entries, warnings } = parseSources(text);
  const [entry] = entries;
  if (entry === undefined) throw new Error('no entry');
  return { ...entry, warnings };
};

describe('an opennebula entry', () => {
  it('lists all that its user may use, by hosts that are called as in OpenNebula', () => {
    const { definition, faults, warnings } = read();
    expect([faults, warnings]).toEqual([[], []]);
    const { login, filter, addresses } = openNebulaEntry(definition);
    expect([login.url, login.username, login.password.reveal()]).toEqual([GOOD.url, 'kerbside', 'hush']);
    expect([filter, [...addresses]]).toEqual(['all', []]);
  });

  it('has a filter, addresses of hosts, and a path that need not be written', () => {
    const { definition, faults } = read({
      ...{ filter: 'Mine', url: 'http://192.0.2.1:2633' },
      host_addresses: '{hyp1.lab.example: 192.0.2.11, "hyp2": "2001:db8::2"}',
    });
    expect(faults).toEqual([]);
    const { login, filter, addresses } = openNebulaEntry(definition);
    expect([login.url, filter]).toEqual(['http://192.0.2.1:2633/RPC2', 'mine']);
    expect([...addresses]).toEqual([
      ['hyp1.lab.example', '192.0.2.11'],
      ['hyp2', '2001:db8::2'],
    ]);
  });

  it.each([
    ['url', null, 'is missing; give the URL of XML-RPC'],
    ['url', 'one:2633', 'is not a URL of http or https'],
    ['url', 'https://kerb:hush@one:2633/RPC2', 'holds a user or a password'],
    ['username', null, 'is missing; give a user of OpenNebula'],
    ['username', '"kerb:side"', 'has a colon in it'],
    ['password', null, 'is missing'],
    ['filter', 'some', 'give one of all, mine, group'],
    ['host_addresses', 'hyp1', 'is a text; give a record'],
    ['host_addresses', '{hyp1: "a b"}', 'is not a host name or address'],
    ['host_addresses', '{hyp1: ""}', 'is empty; give a host name or an address'],
    ['host_addresses', '{"a b": 192.0.2.1}', 'is not the name of a host'],
  ])('has a fault in %s = %s', (key, value, fault) => {
    const { faults } = read({ [key]: value });
    expect(faults.join()).toContain(key);
    expect(faults.join()).toContain(fault);
    expect(faults.join()).not.toContain('hush');
  });

  it('has no more hosts than are kept', () => {
    const many = Array.from({ length: 3000 }, (_, count) => `host-${String(count)}: 192.0.2.1`);
    expect(read({ host_addresses: `{${many.join(', ')}}` }).faults.join()).toContain(
      'more hosts than are kept',
    );
  });

  it('that lacks a login makes no driver', () => {
    expect(() => openNebulaEntry({ name: 'one', type: 'opennebula' })).toThrow(InvalidInput);
  });
});
