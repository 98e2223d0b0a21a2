// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { serviceWarnings } from '../../../../src/cmd/status/checks.js';
import type { Service } from '../../../../src/objects/service.js';

const aService = (change: Partial<Service>): Service => ({
  ...{ id: 1, host: 'node-a', binary: 'kerbside-proxy', pid: 7, version: '1.0.0', state: 'up' },
  ...{ status: 'running', started: 0, heartbeat: 0, age: 0, downSince: null, report: {} },
  ...change,
});

describe('the services of a site before an upgrade', () => {
  it('are no reason to worry when they are up, or were stopped', () => {
    const stopped = aService({ state: 'down', status: 'stopped', version: '0.9.0' });
    expect(serviceWarnings([aService({}), aService({ status: 'draining' }), stopped], '1.0.0')).toEqual([]);
  });

  it('are named when they are of another release or silent', () => {
    const services = [aService({ version: '0.9.0' }), aService({ state: 'down', status: 'lost' })];
    expect(serviceWarnings(services, '1.0.0')).toEqual([
      'kerbside-proxy on node-a is of release 0.9.0, this one is 1.0.0',
      'kerbside-proxy on node-a is down',
    ]);
  });
});
