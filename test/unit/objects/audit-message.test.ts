// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import {
  AUDIT,
  consoleChanged,
  directIssued,
  directRefused,
  hypervisorFailed,
  instanceRefused,
} from '../../../src/objects/audit-message.js';

describe('the sentences of the audit trail', () => {
  it('are those that others look for, word for word', () => {
    expect(Object.values(AUDIT)).toEqual([
      'Created authentication token for session.',
      'Channel created',
      'Invalid console requested',
      'Hypervisor connection successful',
      'Session terminated by request',
      'Discovered new console',
      'Console no longer available',
      'Source no longer available',
      'Reaped expired and unused token',
      'Channel type not permitted by firewall policy',
    ]);
    expect(hypervisorFailed('connection refused')).toBe('Hypervisor connection failed: connection refused');
    expect(consoleChanged(['name', 'ticket'])).toBe('Console configuration changed: name, ticket');
    expect(directIssued('alice')).toBe('Issued direct hypervisor credential to alice');
    expect(directRefused('bob')).toBe('Refused direct console credential to non-admin user bob');
  });

  it('say why an instance is not opened', () => {
    for (const why of ['gone', 'stopped', 'moving', 'building', 'stale'] as const) {
      expect(instanceRefused(why)).toMatch(/^Channel refused: the instance (is|runs) /);
    }
  });
});
