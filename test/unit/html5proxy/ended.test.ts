// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { endedAs } from '../../../src/html5proxy/ended.js';

describe('endedAs', () => {
  it.each([
    ['token_unknown', 'unknown'],
    ['token_expired', 'unknown'],
    ['token_terminated', 'terminated'],
    ['token_in_use', 'in_use'],
    ['token_replaced', 'replaced'],
    ['console_in_use', 'console_in_use'],
    ['console_gone', 'gone'],
    ['source_gone', 'gone'],
  ] as const)('a token that is refused as %s: %s', (denial, about) => {
    expect(endedAs({ denial, ended: { reason: 'client closed', at: 5 } })).toMatchObject({
      about,
      ended_at: 5,
    });
  });

  it.each([
    ['backend closed', 'machine_ended'],
    ['backend failed', 'unreachable'],
    ['client connection lost', 'lost'],
    ['idle', 'idle'],
    ['replaced', 'replaced'],
    ['console in use', 'console_in_use'],
    ['instance stopped', 'stopped'],
    ['instance stale', 'unavailable'],
    ['node lost', 'interrupted'],
    ['proxy shut down', 'interrupted'],
    ['relay stage failed: x', 'lost'],
    [null, 'lost'],
  ] as const)('a desktop that ended as %s: %s', (reason, about) => {
    expect(endedAs({ denial: null, ended: { reason, at: 5 } })).toMatchObject({ about, reason, ended_at: 5 });
  });

  it('a desktop that never began', () => {
    expect(endedAs({ denial: null, ended: null })).toMatchObject({
      about: 'not_opened',
      reason: null,
      ended_at: null,
    });
  });
});
