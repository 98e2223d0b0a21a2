// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { admit } from '../../../src/objects/console-session-state.js';
import type { AdmissionView } from '../../../src/objects/console-session-state.js';

const NOW = 1000;
const GRACE = 60;
const TERMS = { now: NOW, grace: GRACE, concurrency: 'refuse' } as const;
const MAIN = { channelType: 1, connectionId: 0 };
const USB = { channelType: 9, connectionId: 42 };

function aView(change: Partial<AdmissionView> = {}): AdmissionView {
  return {
    state: 'pending',
    expires: NOW,
    revoked: null,
    terminated_at: null,
    main_ref: null,
    closing_since: null,
    connection_id: 42,
    session_reason: null,
    held_by: null,
    console_uuid: 'one',
    source_deleted: 0,
    migration_state: null,
    ...change,
  };
}

describe('admit', () => {
  it.each([
    ['pending', {}, null],
    ['pending, on its last second', { expires: NOW }, null],
    ['pending and expired', { expires: NOW - 0.001 }, 'token_expired'],
    ['pending and claimed', { main_ref: 'x' }, 'token_in_use'],
    ['active', { state: 'active', main_ref: 'x' }, 'token_in_use'],
    ['active without a main', { state: 'active' }, 'token_in_use'],
    [
      'closing, on the last second of the grace',
      { state: 'closing', closing_since: NOW - GRACE, expires: 0 },
      null,
    ],
    ['closing, past the grace', { state: 'closing', closing_since: NOW - GRACE - 0.001 }, 'token_expired'],
    ['closing and claimed', { state: 'closing', closing_since: NOW, main_ref: 'x' }, 'token_in_use'],
    ['closed', { state: 'closed' }, 'token_expired'],
    ['terminated', { state: 'closing', closing_since: NOW, terminated_at: NOW }, 'token_terminated'],
    [
      'terminated for another one',
      { state: 'closing', terminated_at: NOW, session_reason: 'replaced by bob' },
      'token_replaced',
    ],
    ['pending, at a console that another one holds', { held_by: 'other' }, 'console_in_use'],
    [
      'closing, at a console that another one holds now',
      { state: 'closing', closing_since: NOW, held_by: 'other' },
      'console_in_use',
    ],
    ['expired, at a console that another one holds', { expires: 0, held_by: 'other' }, 'token_expired'],
    ['spent', { state: 'closed', revoked: NOW }, 'token_expired'],
    ['of a console that is gone', { console_uuid: null }, 'console_gone'],
    ['of a source that is gone', { source_deleted: null, console_uuid: null }, 'source_gone'],
    ['of a source that was deleted', { source_deleted: 1 }, 'source_gone'],
  ] as const)('answers a main channel on a session that is %s', (_, change, answer) => {
    expect(admit(aView(change), MAIN, TERMS)).toBe(answer);
  });

  it.each([
    ['pending', {}, 'main_required'],
    ['active', { state: 'active', expires: 0 }, null],
    ['active under another id', { state: 'active', connection_id: 43 }, 'bad_connection_id'],
    ['active without an id', { state: 'active', connection_id: null }, 'bad_connection_id'],
    ['closing', { state: 'closing', closing_since: NOW }, 'main_required'],
    ['closed', { state: 'closed' }, 'token_expired'],
    ['terminated', { state: 'active', terminated_at: NOW }, 'token_terminated'],
    ['of a console that is gone', { state: 'active', console_uuid: null }, 'console_gone'],
  ] as const)('answers another channel on a session that is %s', (_, change, answer) => {
    expect(admit(aView(change), USB, TERMS)).toBe(answer);
  });

  it.each(['replace', 'share'] as const)('admits a second session where sessions %s', (concurrency) => {
    expect(admit(aView({ held_by: 'other' }), MAIN, { ...TERMS, concurrency })).toBeNull();
  });

  it('admits the other channels of a session that began while several could', () => {
    expect(admit(aView({ state: 'active', held_by: 'other' }), USB, TERMS)).toBeNull();
  });

  it('refuses a main channel that claims to belong to a session', () => {
    expect(admit(aView(), { channelType: 1, connectionId: 42 }, TERMS)).toBe('bad_connection_id');
  });
});
