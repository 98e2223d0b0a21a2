// SPDX-License-Identifier: Apache-2.0
// `access` in sources.yaml: what is read of it, and that a mistake closes and never opens.
import { describe, expect, it } from '@jest/globals';
import { parseSources } from '../../../../src/sources/file/sources-file.js';

const of = (access: string, console = ''): ReturnType<typeof parseSources> =>
  parseSources(
    `- source: lab\n  type: static\n  access: ${access}\n  consoles:\n` +
      `    - {uuid: 6a4b1c52-0f3d-4e8a-9b7c-2d1e0f3a4b5c, hypervisor: hv, insecure_port: 5900${console}}\n`,
  );

describe('access', () => {
  it('is read for a source and for a console', () => {
    const file = of(
      "[{groups: [helpdesk], role: operate}, {users: [anna], projects: [p1], role: open}, {tags: ['pool:lab'], role: view}]",
      ', access: [{users: [otto], role: open}]',
    );
    const [entry] = file.entries;
    expect(entry?.faults).toEqual([]);
    expect(entry?.definition.settings?.access).toEqual([
      { groups: ['helpdesk'], role: 'operate' },
      { users: ['anna'], projects: ['p1'], role: 'open' },
      { tags: ['pool:lab'], role: 'view' },
    ]);
    expect(entry?.listed.consoles[0]?.settings?.access).toEqual([{ users: ['otto'], role: 'open' }]);
  });

  it('may be empty: then it is there, and names nobody', () => {
    expect(of('[]').entries[0]?.definition.settings?.access).toEqual([]);
    expect(of('').entries[0]?.definition.settings).toBeUndefined();
  });

  it.each([
    ['{groups: [a], role: open}', 'access: is a record; give a list'],
    ['[anna]', 'access, entry 1: is a text; give a record'],
    ['[{users: [anna]}]', 'role: is missing; give one of view, open, operate'],
    ['[{users: [anna], role: own}]', '"own" is unknown; give one of view, open, operate'],
    ['[{role: open}]', 'say whom it is for'],
    ['[{user: [anna], tags: [t], role: open}]', '"user" is not a field of it'],
    ['[{users: [], tags: [t], role: open}]', 'users: names none'],
    ['[{users: anna, tags: [t], role: open}]', 'users: is a text; give a list'],
    ["[{users: [' anna'], role: open}]", 'has spaces at an end'],
    ['[{users: [[anna]], role: open}]', 'holds what is no single value'],
    ['[{users: [anna], role: view, role: operate}]', '"role" stands twice'],
  ])('%s is a fault of the source', (access, fault) => {
    const [entry] = of(access).entries;
    expect(entry?.faults.join('\n')).toContain(fault);
    expect(entry?.faults[0]).toMatch(/^line \d+, column \d+: source "lab", access/);
  });
});
