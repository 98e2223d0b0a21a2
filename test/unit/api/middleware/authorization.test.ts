// SPDX-License-Identifier: Apache-2.0
// Every rule against every kind of user.
import { describe, expect, it } from '@jest/globals';
import { allows } from '../../../../src/api/middleware/authorization.js';
import type { Access } from '../../../../src/api/routes.js';

describe('allows', () => {
  const stranger = { requestId: 'req-1', user: undefined, admin: false };
  const operator = { requestId: 'req-1', user: 'demo', admin: false };
  const admin = { requestId: 'req-1', user: 'root', admin: true };

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
