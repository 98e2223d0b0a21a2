// SPDX-License-Identifier: Apache-2.0
// From the body of POST /auth to an attempt: what only Keystone can know goes to Keystone alone.
import { describe, expect, it } from '@jest/globals';
import { LoginBody, loginAttempt } from '../../../../src/api/schemas/login.js';

const attempt = (body: Partial<LoginBody>): ReturnType<typeof loginAttempt> =>
  loginAttempt(Object.assign(new LoginBody(), body), { address: '192.0.2.1', requestId: 'req-1' });

describe('loginAttempt', () => {
  it('of a name and a password leaves it open who knows the user', () => {
    expect(attempt({ username: 'alice', password: 'secret', as_cookie: true })).toEqual({
      user: 'alice',
      password: 'secret',
      address: '192.0.2.1',
      requestId: 'req-1',
    });
  });

  it.each([
    'user_domain_id',
    'user_domain_name',
    'project_id',
    'project_name',
    'project_domain_name',
  ] as const)('with %s is for Keystone', (member) => {
    const { keystone } = attempt({ username: 'alice', password: 'secret', [member]: 'x' });
    expect(keystone).toMatchObject({ username: 'alice' });
    expect(keystone?.password?.reveal()).toBe('secret');
    expect(JSON.stringify(keystone)).not.toContain('secret');
  });

  it('with an application credential is counted under its id', () => {
    const made = attempt({ application_credential_id: 'i', application_credential_secret: 'secret' });
    expect(made).toMatchObject({ user: 'i', password: '', keystone: { applicationCredentialId: 'i' } });
    expect(made.keystone?.applicationCredentialSecret?.reveal()).toBe('secret');
  });
});
