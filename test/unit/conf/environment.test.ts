// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { secretNames } from '../../../src/conf/environment.js';

describe('the environment names of secrets', () => {
  it('are all of those that may hold a password, older ones included, and no others', () => {
    expect(secretNames().sort()).toEqual([
      'KERBSIDE_AUTH_SECRET_SEED',
      'KERBSIDE_KEYSTONE_AUTH_URL',
      'KERBSIDE_KEYSTONE_SERVICE_AUTH_PASSWORD',
      'KERBSIDE_SQL_URL',
      'OS_API__AUTH_SECRET_SEED',
      'OS_AUDIT__CADF_TRANSPORT_URL',
      'OS_DATABASE__CONNECTION',
      'OS_DEFAULT__TRANSPORT_URL',
      'OS_KEYSTONE_AUTHTOKEN__APPLICATION_CREDENTIAL_SECRET',
      'OS_KEYSTONE_AUTHTOKEN__AUTH_URL',
      'OS_KEYSTONE_AUTHTOKEN__PASSWORD',
      'OS_NOTIFICATIONS__TRANSPORT_URL',
      'OS_OSLO_MESSAGING_NOTIFICATIONS__TRANSPORT_URL',
    ]);
  });
});
