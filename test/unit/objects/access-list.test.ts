// SPDX-License-Identifier: Apache-2.0
// Lists of access: whom an entry names, what several come to, and what a row keeps of them.
import { describe, expect, it } from '@jest/globals';
import {
  accessIdOf,
  entriesAsJson,
  entriesIn,
  listedName,
  listFor,
  principalsOf,
  roleIn,
  type AccessEntry,
} from '../../../src/objects/access-list.js';

const ENTRIES: readonly AccessEntry[] = [
  { role: 'view', tags: ['tag:public', 'pool:lab'] },
  { role: 'open', users: ['anna'], projects: ['p1'] },
  { role: 'operate', groups: ['helpdesk'] },
  { role: 'operate', users: ['otto'], tags: ['pool:lab'] },
];

describe('a list of access', () => {
  it.each([
    ['a stranger to it', { user: 'vera' }, [], null],
    ['everybody by a tag', { user: 'vera' }, ['pool:lab'], 'view'],
    ['a user by name', { user: 'anna' }, [], 'open'],
    ['a user by the greater of two roles', { user: 'anna' }, ['tag:public'], 'open'],
    ['a project', { user: 'x', projectId: 'p1' }, [], 'open'],
    ['one of several groups', { user: 'x', groups: ['a', 'helpdesk'] }, [], 'operate'],
    ['a user with a tag', { user: 'otto' }, ['pool:lab'], 'operate'],
    ['a user without the tag', { user: 'otto' }, ['pool:other'], null],
    ['a name of another kind', { user: 'helpdesk', projectId: 'anna', groups: ['p1'] }, [], null],
    ['a user by ID', { user: 'other', userId: 'anna' }, [], 'open'],
    ['a user who is called like everybody', { user: '*' }, [], null],
  ] as const)('finds the role of %s', (_, known, tags, role) => {
    expect(roleIn(listFor(ENTRIES, tags), principalsOf(known))).toBe(role);
  });

  it('has an id by what is in it, in any order', () => {
    const [first, second] = [listFor(ENTRIES, []), listFor([...ENTRIES].reverse(), ['none'])];
    expect(accessIdOf(first)).toBe(accessIdOf(second));
    expect(accessIdOf(first)).toMatch(/^[0-9a-f]{32}$/);
    expect(accessIdOf(first)).not.toBe(accessIdOf(listFor(ENTRIES, ['pool:lab'])));
    expect(accessIdOf(listFor([], []))).not.toBe(accessIdOf(first));
  });

  it('comes back from a row as it was, without what this version cannot read', () => {
    const kept: unknown = JSON.parse(JSON.stringify(entriesAsJson(ENTRIES)));
    expect(entriesIn(kept)).toEqual(ENTRIES);
    expect(entriesIn([{ role: 'own', users: ['x'] }, null, 'x', { users: ['x'] }])).toEqual([]);
    expect(entriesIn('x')).toEqual([]);
  });

  it('is told to people by kind and name', () => {
    expect(listedName('*', 'view')).toEqual({ kind: 'everybody', name: null, role: 'view' });
    expect(listedName('group:a:b', 'open')).toEqual({ kind: 'group', name: 'a:b', role: 'open' });
    expect(listedName('planet:x', 'open')).toBeNull();
  });
});
