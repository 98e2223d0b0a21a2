// SPDX-License-Identifier: Apache-2.0
// The edge: names of both formats, and messages that are not what they say.
import { describe, expect, it } from '@jest/globals';
import { decodeNotification } from '../../../src/messaging/envelope.js';
import type { Notification } from '../../../src/messaging/envelope.js';
import { readEventType } from '../../../src/notifications/event-type.js';
import { NotificationFault } from '../../../src/notifications/fault.js';
import { INSTANCE_EVENTS, type InstanceEvent } from '../../../src/notifications/instance-event.js';
import { parseNotification } from '../../../src/notifications/parse.js';
import { readState } from '../../../src/notifications/status.js';
import { recordedNotification } from '../../fixtures/notification-captures.js';

function recorded(format: 'versioned' | 'legacy', eventType: string): Notification {
  const result = decodeNotification(Buffer.from(recordedNotification(format, eventType).body), 1_000_000);
  if (!result.ok) throw new Error(result.fault);
  return result.value;
}

const versioned = (): Notification => recorded('versioned', 'instance.power_off.end');
const legacy = (): Notification => recorded('legacy', 'compute.instance.power_off.end');

const parseMessage = (message: Notification): InstanceEvent | null =>
  parseNotification(message, readEventType(message.eventType));

/** A versioned message with other data. */
function withData(change: Readonly<Record<string, unknown>>): Notification {
  const message = versioned();
  const payload = message.payload as Record<string, Record<string, unknown>>;
  return {
    ...message,
    payload: { ...payload, 'nova_object.data': { ...payload['nova_object.data'], ...change } },
  };
}

describe('event types', () => {
  it.each(INSTANCE_EVENTS)('instance.%s is known with every phase', (event) => {
    for (const phase of ['start', 'end', 'error'] as const)
      expect(readEventType(`instance.${event}.${phase}`)).toEqual({ format: 'versioned', event, phase });
    expect(readEventType(`instance.${event}`)).toEqual({ format: 'versioned', event, phase: 'none' });
  });

  it.each([
    ['compute.instance.resize.prep.start', 'resize_prep', 'start'],
    ['compute.instance.resize.confirm.end', 'resize_confirm', 'end'],
    ['compute.instance.resize.revert.end', 'resize_revert', 'end'],
    ['compute.instance.resize.error', 'resize', 'error'],
    ['compute.instance.finish_resize.end', 'resize_finish', 'end'],
    ['compute.instance.rebuild.scheduled', 'rebuild_scheduled', 'none'],
    ['compute.instance.live_migration.pre.start', 'live_migration_pre', 'start'],
    ['compute.instance.live_migration._post.end', 'live_migration_post', 'end'],
    ['compute.instance.live_migration.post.dest.end', 'live_migration_post_dest', 'end'],
    ['compute.instance.live_migration._rollback.end', 'live_migration_rollback', 'end'],
    ['compute.instance.live_migration.rollback.dest.start', 'live_migration_rollback_dest', 'start'],
    ['compute.instance.live.migration.abort.end', 'live_migration_abort', 'end'],
    ['compute.instance.live.migration.force.complete.end', 'live_migration_force_complete', 'end'],
    ['compute.instance.evacuate', 'evacuate', 'none'],
    ['compute.instance.soft_delete.end', 'soft_delete', 'end'],
  ])('%s is %s, %s', (eventType, event, phase) => {
    expect(readEventType(eventType)).toEqual({ format: 'unversioned', event, phase });
  });

  it.each([
    'instance.snapshot.start',
    'instance.interface_attach.end',
    'instance.volume_swap.end',
    'instance.trigger_crash_dump.end',
    'instance.exists',
    'compute.instance.exists',
    'compute.instance.__proto__',
    'compute.instance.toString',
    'instance.',
    'instance..end',
  ])('%s is about an instance and nothing to consoles', (eventType) => {
    expect(readEventType(eventType)?.event).toBeNull();
    expect(parseMessage({ ...versioned(), eventType, payload: 'anything' })).toBeNull();
  });

  it.each(['service.update', 'compute.exception', 'libvirt.connect.error', '', 'image.update', 'instance'])(
    '%j is about something else',
    (eventType) => {
      expect(readEventType(eventType)).toBeNull();
      expect(parseMessage({ ...versioned(), eventType })).toBeNull();
    },
  );
});

describe('a message', () => {
  it('may have a newer minor version, and fields that nobody knows', () => {
    const message = withData({ brand_new: { deep: [1] } });
    const payload = { ...(message.payload as object), 'nova_object.version': '1.99' };
    expect(parseMessage({ ...message, payload })).toMatchObject({
      event: 'power_off',
      state: 'stopped',
    });
  });

  it.each([
    ['no payload', null, 'payload is missing or no object'],
    ['a list', [], 'payload is missing or no object'],
    ['no version', {}, 'payload.nova_object.version is missing or empty'],
    [
      'another major version',
      { 'nova_object.version': '3.0', 'nova_object.data': {} },
      'payload.nova_object.version "3" is not known; known are 1 and 2',
    ],
    ['no data', { 'nova_object.version': '1.0' }, 'payload.nova_object.data is missing or no object'],
  ])('with %s is refused', (_what, payload, fault) => {
    const parse = () => parseMessage({ ...versioned(), payload });
    expect(parse).toThrow(NotificationFault);
    expect(parse).toThrow(`instance.power_off.end: ${fault}`);
  });

  it.each([
    [{ uuid: undefined }, 'uuid is missing or no uuid'],
    [{ uuid: 'no uuid' }, 'uuid is missing or no uuid'],
    [{ uuid: 17 }, 'uuid is missing or no uuid'],
    [{ state: null }, 'state is missing or empty'],
    [{ state: { deep: 1 } }, 'state is no text'],
    [{ host: 7 }, 'host is no text'],
    [{ host: 'h'.repeat(256) }, 'host is longer than 255 characters'],
    [{ tenant_id: [] }, 'tenant_id is no text'],
    [{ task_state: false }, 'task_state is no text'],
    [{ locked: 'yes' }, 'locked is neither true nor false'],
  ])('with %j is refused', (change, fault) => {
    const parse = () => parseMessage(withData(change));
    expect(parse).toThrow(NotificationFault);
    expect(parse).toThrow(`instance.power_off.end: payload.nova_object.data.${fault}`);
  });

  it('in the unversioned format is refused by its own names', () => {
    const message = legacy();
    const payload = { ...(message.payload as object), instance_id: '17' };
    expect(() => parseMessage({ ...message, payload })).toThrow(
      'compute.instance.power_off.end: payload.instance_id is missing or no uuid',
    );
  });

  it('repeats nothing of itself in its fault', () => {
    const secret = 'the-password-of-somebody';
    for (const change of [{ uuid: secret }, { host: secret.repeat(20) }, { locked: secret }])
      expect(() => parseMessage(withData(change))).not.toThrow(secret);
  });
});

describe('the status', () => {
  it.each([
    ['active', null, 'ACTIVE'],
    ['active', 'reboot_pending', 'REBOOT'],
    ['active', 'reboot_started_hard', 'HARD_REBOOT'],
    ['active', 'powering-off', 'ACTIVE'],
    ['stopped', 'resize_migrating', 'RESIZE'],
    ['resized', 'resize_reverting', 'REVERT_RESIZE'],
    ['paused', 'migrating', 'MIGRATING'],
    ['error', 'rebuilding', 'REBUILD'],
    ['soft-delete', null, 'SOFT_DELETED'],
    ['brand-new', null, 'UNKNOWN'],
    ['constructor', null, 'UNKNOWN'],
    ['active', 'constructor', 'ACTIVE'],
  ])('of %s with task %s is %s', (state, task, status) => {
    expect(readState(state, task)).toMatchObject({ state, taskState: task, status });
  });
});
