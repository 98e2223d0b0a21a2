// SPDX-License-Identifier: Apache-2.0
// Events that no recording holds: failures, deletions that can be taken back, rollbacks, evacuations.
import { describe, expect, it } from '@jest/globals';
import { effectOf } from '../../../src/notifications/event-effects.js';
import { ENDED, MOVED, NOTHING, RECORDED, RELOCATED } from '../../../src/notifications/effect.js';
import type { EventName, InstanceEvent, Phase } from '../../../src/notifications/instance-event.js';
import { readState } from '../../../src/notifications/status.js';

function anEvent(event: EventName, phase: Phase, state: string, taskState: string | null): InstanceEvent {
  return {
    ...readState(state, taskState),
    ...{ event, phase, format: 'versioned', time: 1, uuid: 'u' },
    ...{ projectId: 'p', userId: 'u', name: 'n', host: 'h', powerState: null, locked: false, metadata: null },
  };
}

const REMOVED = { kind: 'removed', final: false };
const STAYED = { ...RECORDED, change: 'stayed' };

describe('the meaning of', () => {
  it.each([
    ['soft_delete', 'start', 'active', 'soft-deleting', REMOVED],
    ['soft_delete', 'end', 'soft-delete', null, REMOVED],
    ['soft_delete', 'error', 'active', null, RECORDED],
    ['restore', 'start', 'soft-delete', 'restoring', NOTHING],
    ['restore', 'end', 'active', null, RELOCATED],
    ['update', 'none', 'soft-delete', null, REMOVED],
    ['delete', 'error', 'error', null, RECORDED],
    ['shutdown', 'end', 'building', 'spawning', RECORDED],
    ['create', 'error', 'error', null, RECORDED],
    ['reboot', 'start', 'active', 'reboot_pending', RECORDED],
    ['reboot', 'error', 'stopped', null, ENDED],
    ['rebuild', 'error', 'error', null, RECORDED],
    ['rebuild', 'end', 'stopped', null, RELOCATED],
    ['evacuate', 'none', 'active', null, ENDED],
    ['evacuate', 'error', 'active', null, RECORDED],
    ['resize', 'error', 'active', null, RECORDED],
    ['resize_revert', 'start', 'resized', 'resize_reverting', ENDED],
    ['resize_revert', 'end', 'active', null, MOVED],
    ['unshelve', 'start', 'shelved', 'unshelving', RECORDED],
    ['live_migration_rollback', 'start', 'active', null, STAYED],
    ['live_migration_rollback', 'end', 'active', null, STAYED],
    ['live_migration_abort', 'end', 'active', 'migrating', NOTHING],
    ['live_migration_force_complete', 'end', 'active', 'migrating', NOTHING],
    ['live_migration_pre', 'start', 'paused', 'migrating', { ...RECORDED, change: 'moving' }],
    ['live_migration_post', 'error', 'active', 'migrating', NOTHING],
    ['update', 'none', 'crashed-in-a-new-way', null, RECORDED],
  ] as const)('%s.%s in state %s with task %s', (event, phase, state, task, effect) => {
    expect(effectOf(anEvent(event, phase, state, task))).toEqual(effect);
  });

  it('a rollback at the destination: it stays, and nothing else', () => {
    const effect = effectOf(anEvent('live_migration_rollback_dest', 'end', 'active', 'migrating'));
    expect(effect).toEqual({ kind: 'noticed', change: 'stayed', addressStale: false });
  });

  it('a deletion, whatever else is said: a deleted instance never comes back', () => {
    for (const event of ['update', 'power_off', 'pause', 'lock'] as const) {
      const effect = effectOf(anEvent(event, 'start', 'deleted', null));
      expect(effect).toEqual({ kind: 'removed', final: true });
    }
  });
});
