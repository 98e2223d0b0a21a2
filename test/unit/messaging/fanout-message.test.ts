// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { readFanoutMessage } from '../../../src/messaging/fanout-message.js';

const ENDED = { session_id: 's', generation: 0, terminated: false };
const CHANGED = { source: 'cloud', uuid: 'u', change: 'moved' };

describe('a fanout message', () => {
  it('is read without what does not belong to it', () => {
    expect(readFanoutMessage('session_ended', { ...ENDED, more: 1 })).toEqual({
      method: 'session_ended',
      args: ENDED,
    });
    const replaced = { ...ENDED, replaced: true };
    expect(readFanoutMessage('session_ended', replaced)?.args).toEqual(replaced);
    expect(readFanoutMessage('session_ended', { ...ENDED, replaced: 1 })?.args).toEqual(ENDED);
    expect(readFanoutMessage('console_changed', CHANGED)).toEqual({
      method: 'console_changed',
      args: CHANGED,
    });
    expect(readFanoutMessage('settings_changed', { source: 'lab', x: 1 })).toEqual({
      method: 'settings_changed',
      args: { source: 'lab' },
    });
    expect(readFanoutMessage('policy_changed', { x: 1 })).toEqual({ method: 'policy_changed', args: {} });
  });

  it.each([
    ['session_ended', { ...ENDED, session_id: 1 }],
    ['session_ended', { ...ENDED, session_id: '' }],
    ['session_ended', { ...ENDED, session_id: 'x'.repeat(256) }],
    ['session_ended', { ...ENDED, generation: -1 }],
    ['session_ended', { ...ENDED, generation: 1.5 }],
    ['session_ended', { ...ENDED, generation: 1e300 }],
    ['session_ended', { ...ENDED, terminated: 'yes' }],
    ['session_ended', {}],
    ['console_changed', { ...CHANGED, source: null }],
    ['console_changed', { ...CHANGED, uuid: [] }],
    ['console_changed', { ...CHANGED, change: 'eaten' }],
    ['settings_changed', { source: '' }],
    ['settings_changed', {}],
    ['toString', {}],
    ['__proto__', {}],
    ['', {}],
  ])('%s with %p is none', (method, args) => {
    expect(readFanoutMessage(method, args)).toBeUndefined();
  });
});
