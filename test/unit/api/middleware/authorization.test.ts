// SPDX-License-Identifier: Apache-2.0
// Every rule against every kind of user.
import { describe, expect, it } from '@jest/globals';
import { allows } from '../../../../src/api/middleware/authorization.js';
import type { Access } from '../../../../src/api/routes.js';
import { strangerContext } from '../../../../src/context.js';

describe('allows', () => {
  const stranger = strangerContext('req-1');
  const operator = { ...stranger, user: 'demo', via: 'jwt', roles: ['operator'] } as const;
  const admin = { ...operator, user: 'root', admin: true, roles: ['operator', 'admin'] } as const;

  it.each<[Access, boolean, boolean, boolean]>([
    ['public', true, true, true],
    ['optional', true, true, true],
    ['operator', false, true, true],
    ['admin', false, false, true],
  ])('%s: stranger %s, operator %s, administrator %s', (access, ...expected) => {
    expect([stranger, operator, admin].map((context) => allows(access, context))).toEqual(expected);
  });

  it('takes nobody for an administrator without a name', () => {
    expect(allows('admin', { ...admin, user: undefined })).toBe(false);
  });
});
