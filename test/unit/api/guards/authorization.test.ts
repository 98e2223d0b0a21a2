// SPDX-License-Identifier: Apache-2.0
// Which lines of the table of routes are for whom; what a rule says about one console is asked in the controllers.
import { describe, expect, it } from '@jest/globals';
import { scopeOf } from '../../../../src/api/scope.js';
import { strangerContext, type RequestContext } from '../../../../src/context.js';
import { Policy, type RuleName } from '../../../../src/policy.js';

const stranger = strangerContext('req-1');
const operator: RequestContext = { ...stranger, user: 'demo', via: 'jwt', roles: ['operator'] };
const admin: RequestContext = { ...operator, admin: true, roles: ['operator', 'admin'] };
const reader: RequestContext = {
  ...stranger,
  user: 'r',
  via: 'keystone',
  roles: ['reader'],
  projectId: 'p1',
};
const member: RequestContext = { ...reader, roles: ['member', 'reader'] };
const unscoped: RequestContext = { ...stranger, user: 'u', via: 'keystone', roles: [] };
const everybody = [stranger, operator, admin, reader, member, unscoped];
const policy = Policy.load(undefined);

const ALL = {};
const OWN = { projectId: 'p1' };

describe('scopeOf', () => {
  it.each<[RuleName | undefined, (object | null)[]]>([
    [undefined, [ALL, ALL, ALL, ALL, ALL, ALL]],
    ['kerbside:consoles:list', [null, ALL, ALL, OWN, OWN, null]],
    ['kerbside:consoles:create', [null, ALL, ALL, null, OWN, null]],
    ['kerbside:consoles:direct', [null, null, ALL, null, null, null]],
    ['kerbside:sources:list', [null, ALL, ALL, null, null, null]],
  ])('with the rule %s: stranger, operator, administrator, reader, member, no scope', (rule, expected) => {
    const route = rule === undefined ? {} : { rule };
    expect(everybody.map((context) => scopeOf(policy, route, context))).toEqual(expected);
  });
});
