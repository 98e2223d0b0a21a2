// SPDX-License-Identifier: Apache-2.0
// From options, new names and old, to the login of the service at Keystone.
import { describe, expect, it } from '@jest/globals';
import { loadConf } from '../../../src/conf/index.js';
import { keystoneAuthOptions } from '../../../src/identity/keystone-options.js';
import type { KeystoneAuthOptions } from '../../../src/identity/service-session.js';

function from(env: Record<string, string>): KeystoneAuthOptions | undefined {
  return keystoneAuthOptions(loadConf({ configFiles: [], configDirs: [] }, env).conf);
}

const group = (options: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(options).map(([name, value]) => [`OS_KEYSTONE_AUTHTOKEN__${name.toUpperCase()}`, value]),
  );
const basic = { auth_url: 'https://k:5000', username: 'kerbside', password: 'secret' };

describe('keystoneAuthOptions', () => {
  it('is nothing without auth_url', () => {
    expect(from({})).toBeUndefined();
  });

  it('takes the names of keystonemiddleware', () => {
    const options = from(
      group({
        ...basic,
        project_name: 'service',
        region_name: 'R',
        interface: 'public',
        cafile: '/ca',
        insecure: '1',
      }),
    );
    expect(options).toMatchObject({
      authUrl: 'https://k:5000',
      authType: 'password',
      username: 'kerbside',
      projectName: 'service',
      regionName: 'R',
      interface: 'public',
      cafile: '/ca',
      insecure: true,
      timeout: 10,
      retries: 3,
    });
    expect(options?.password?.reveal()).toBe('secret');
  });

  it.each([
    ['True', '', false],
    ['false', '', true],
    ['0', '', true],
    ['/etc/ssl/ca.pem', '/etc/ssl/ca.pem', false],
  ])("takes the original's names, with KEYSTONE_AUTH_VERIFY %s", (verify, cafile, insecure) => {
    const options = from({
      KERBSIDE_KEYSTONE_AUTH_URL: 'http://k:5000/v3',
      KERBSIDE_KEYSTONE_AUTH_VERIFY: verify,
      KERBSIDE_KEYSTONE_SERVICE_AUTH_USER: 'svc',
      KERBSIDE_KEYSTONE_SERVICE_AUTH_PASSWORD: 'secret',
    });
    expect(options).toMatchObject({ username: 'svc', projectName: 'admin', cafile, insecure });
  });

  it('leaves the project alone when the scope is something else', () => {
    expect(from(group({ ...basic, system_scope: 'all' }))?.projectName).toBe('');
    expect(from(group({ ...basic, project_id: 'p' }))?.projectName).toBe('');
  });

  it.each([
    [{ auth_url: 'http://k' }, '[keystone_authtoken] username: the user of the service is not set'],
    [{ auth_url: 'http://k', username: 'u' }, '[keystone_authtoken] password: '],
    [{ auth_url: 'http://k', auth_type: 'v3applicationcredential' }, 'application_credential_id: '],
    [
      { auth_url: 'http://k', auth_type: 'v3applicationcredential', application_credential_id: 'i' },
      'application_credential_secret: ',
    ],
  ])('refuses %j and says what is missing', (options, message) => {
    expect(() => from(group(options))).toThrow(message);
  });

  it.each([
    [{ auth_url: 'keystone' }, 'give a URL such as'],
    [{ auth_url: 'http://u:secret@k' }, '***'],
    [{ auth_type: 'v2password' }, 'give one of password, v3password, v3applicationcredential'],
    [{ interface: 'outside' }, 'give one of internal, public, admin'],
  ])('refuses the value of %j, without showing a password', (options, message) => {
    expect(() => from(group(options))).toThrow(message);
    expect(() => from(group(options))).not.toThrow('secret');
  });
});
