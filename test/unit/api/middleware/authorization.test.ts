// SPDX-License-Identifier: Apache-2.0
// Which lines of the table of routes are for whom; what a rule says about one console is asked in the controllers.
import { describe, expect, it } from '@jest/globals';
import { allows } from '../../../../src/api/middleware/authorization.js';
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

describe('allows', () => {
  it.each(['public', 'optional'] as const)('%s: everybody', (access) => {
    expect(everybody.map((context) => allows(policy, { access }, context))).not.toContain(false);
  });

  it.each<[RuleName | undefined, boolean[]]>([
    [undefined, [false, true, true, true, true, true]],
    ['kerbside:consoles:list', [false, true, true, true, true, false]],
    ['kerbside:consoles:create', [false, true, true, false, true, false]],
    ['kerbside:consoles:direct', [false, false, true, false, false, false]],
    ['kerbside:sources:list', [false, true, true, false, false, false]],
  ])(
    'user with the rule %s: stranger, operator, administrator, reader, member, no scope',
    (rule, expected) => {
      const route = rule === undefined ? { access: 'user' as const } : { access: 'user' as const, rule };
      expect(everybody.map((context) => allows(policy, route, context))).toEqual(expected);
    },
  );

  it('takes nobody for a user without a name', () => {
    expect(allows(policy, { access: 'user' }, { ...admin, user: undefined })).toBe(false);
  });
});
