// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { serviceOf } from '../../../../src/cmd/status/health.js';

describe('the service of a container', () => {
  it.each([
    ['node\0/usr/local/bin/kerbside-proxy\0--config-file\0/etc/kerbside/kerbside.conf\0', 'kerbside-proxy'],
    ['/sbin/docker-init\0--\0kerbside-api\0', 'kerbside-api'],
    ['node\0/usr/local/bin/kerbside\0', 'kerbside'],
    ['/sbin/init\0', 'kerbside'],
    ['', 'kerbside'],
  ])('%j is %s', (commandLine, service) => {
    expect(serviceOf(commandLine)).toBe(service);
  });
});
