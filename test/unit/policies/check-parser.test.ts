// SPDX-License-Identifier: Apache-2.0
// The language of oslo.policy: what is read, what it means, and what is refused.
import { describe, expect, it } from '@jest/globals';
import { CheckFault, parseCheck, parseCheckList } from '../../../src/policies/check-parser.js';
import { holds, referencesOf, type Credentials, type Target } from '../../../src/policies/check.js';

const someone: Credentials = {
  roles: ['member', 'reader'],
  project_id: 'p1',
  user_id: 'u1',
  via: 'keystone',
  system_scope: undefined,
};
const rules = new Map([
  ['yes', parseCheck('@')],
  ['no', parseCheck('!')],
]);

function ask(text: string, target: Target = { project_id: 'p1' }): boolean {
  return holds(parseCheck(text), someone, target, rules);
}

describe('parseCheck', () => {
  it.each<[string, boolean]>([
    ['', true],
    ['  ', true],
    ['@', true],
    ['!', false],
    ['role:member', true],
    ['role:MEMBER', true],
    ['role:admin', false],
    ['rule:yes', true],
    ['rule:no', false],
    ['rule:absent', false],
    ['project_id:%(project_id)s', true],
    ['project_id:p1', true],
    ['project_id:p2', false],
    ['user_id:%(user_id)s', false],
    ['system_scope:all', false],
    ['via:keystone', true],
    ["'p1':%(project_id)s", true],
    ["'p2':%(project_id)s", false],
    ['"p1":%(project_id)s', true],
    ['True:%(project_id)s', false],
    ['role:admin or role:member', true],
    ['role:admin and role:member', false],
    ['not role:admin', true],
    ['not not role:admin', false],
    ['not role:admin and role:member', true],
    ['role:member OR role:admin', true],
    // and binds closer than or, whatever stands first
    ['role:member or role:admin and rule:no', true],
    ['rule:no and role:admin or role:member', true],
    ['(role:member or role:admin) and rule:no', false],
    ['not (role:admin or rule:no)', true],
    ['((role:member))', true],
    ['( role:member )and( project_id:%(project_id)s )', true],
    ['role:member and not project_id:%(project_id)s', false],
  ])('%j is %s', (text, expected) => {
    expect(ask(text)).toBe(expected);
  });

  it('does not hold for a target without the attribute, not even for an asker without it', () => {
    expect(ask('project_id:%(project_id)s', {})).toBe(false);
    expect(holds(parseCheck('project_id:%(project_id)s'), {}, {}, rules)).toBe(false);
    expect(holds(parseCheck('project_id:%(project_id)s'), {}, { project_id: undefined }, rules)).toBe(false);
    expect(ask('project_id:%(__proto__)s', {})).toBe(false);
  });

  it.each([
    ['role', '"role" is not a check; write kind:text, such as role:member'],
    ['role:', '"role:" has nothing after its colon'],
    [':x', '":x": "" is not one of role, rule'],
    ['group:x', '"group:x": "group" is not one of role, rule'],
    ['http://policy.example.org/check', 'checks by another server are not supported'],
    ['role:a role:b', '"role:b" needs "and" or "or" in front of it'],
    ['role:a and', 'a check is missing after "and"'],
    ['and role:a', 'a check is missing after the beginning'],
    ['role:a or or role:b', 'a check is missing after "or"'],
    ['not', 'a check is missing after "not"'],
    ['(role:a', '"(" without ")"'],
    ['role:a)', '")" without "("'],
    ['()', 'a check is missing after "("'],
    ['project_id:%(project_id', 'is written %(name)s'],
    ['project_id:%project_id', 'is written %(name)s'],
    ["'x", 'is not a check'],
    [`${'('.repeat(100)}role:a${')'.repeat(100)}`, 'nested too deep'],
    [`${'not '.repeat(100)}role:a`, 'nested too deep'],
    ['x'.repeat(10_000), 'longer than 8192 characters'],
  ])('refuses %.40j and says why', (text, message) => {
    expect(() => parseCheck(text)).toThrow(CheckFault);
    expect(() => parseCheck(text)).toThrow(message.split(' or "or"')[0]);
  });
});

describe('parseCheckList', () => {
  it.each<[(string | string[])[], boolean]>([
    [[], true],
    [['role:member'], true],
    [[['role:member', 'role:admin']], false],
    [[['role:member', 'role:admin'], ['rule:yes']], true],
    [[[]], true],
    [['!'], false],
  ])('%j is %s', (list, expected) => {
    expect(holds(parseCheckList(list), someone, {}, rules)).toBe(expected);
  });

  it('refuses what is no check', () => {
    expect(() => parseCheckList([['nonsense']])).toThrow(CheckFault);
  });
});

describe('referencesOf', () => {
  it('gives every rule that a check refers to', () => {
    expect(referencesOf(parseCheck('not (rule:a or role:x) and rule:b'))).toEqual(['a', 'b']);
  });
});
