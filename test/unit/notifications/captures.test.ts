// SPDX-License-Identifier: Apache-2.0
// Every message that was recorded from a real Nova: what it is read as, and what it means for a console.
import { describe, expect, it } from '@jest/globals';
import { decodeNotification } from '../../../src/messaging/envelope.js';
import type { Notification } from '../../../src/messaging/envelope.js';
import type { Effect } from '../../../src/notifications/effect.js';
import { effectOf } from '../../../src/notifications/event-effects.js';
import { readEventType } from '../../../src/notifications/event-type.js';
import type { InstanceEvent } from '../../../src/notifications/instance-event.js';
import { parseNotification } from '../../../src/notifications/parse.js';
import {
  migrationTimelines,
  recordedNotifications,
  type RecordedNotification,
} from '../../fixtures/notification-captures.js';

/** What each recorded event means; `update` goes by its states. */
const MEANINGS: Readonly<Record<string, string>> = {
  'create.start': 'recorded BUILD',
  'create.end': 'relocated ACTIVE',
  'delete.start': 'removed',
  'delete.end': 'removed for good',
  'shutdown.start': 'removed',
  'shutdown.end': 'removed',
  'power_off.start': 'recorded ACTIVE',
  'power_off.end': 'ended SHUTOFF',
  'power_on.start': 'recorded SHUTOFF',
  'power_on.end': 'relocated ACTIVE',
  'reboot.start': 'ended HARD_REBOOT',
  'reboot.end': 'relocated ACTIVE',
  'pause.start': 'recorded ACTIVE',
  'pause.end': 'recorded PAUSED',
  'unpause.start': 'recorded PAUSED',
  'unpause.end': 'recorded ACTIVE',
  'suspend.start': 'recorded ACTIVE',
  'suspend.end': 'ended SUSPENDED',
  'resume.start': 'recorded SUSPENDED',
  'resume.end': 'relocated ACTIVE',
  'lock.none': 'recorded ACTIVE locked',
  'unlock.none': 'recorded ACTIVE',
  'rescue.start': 'ended ACTIVE',
  'rescue.end': 'relocated RESCUE',
  'unrescue.start': 'ended RESCUE',
  'unrescue.end': 'relocated ACTIVE',
  'rebuild_scheduled.none': 'ended REBUILD',
  'rebuild.start': 'ended REBUILD',
  'rebuild.end': 'relocated ACTIVE',
  'resize_prep.start': 'recorded RESIZE',
  'resize_prep.end': 'recorded RESIZE',
  'resize.start': 'recorded RESIZE',
  'resize.end': 'ended RESIZE',
  'resize_finish.start': 'recorded RESIZE',
  'resize_finish.end': 'moved VERIFY_RESIZE',
  'resize_confirm.start': 'recorded VERIFY_RESIZE',
  'resize_confirm.end': 'recorded ACTIVE',
  'shelve.start': 'recorded ACTIVE',
  'shelve.end': 'ended SHELVED',
  'shelve_offload.start': 'ended SHELVED',
  'shelve_offload.end': 'ended SHELVED_OFFLOADED',
  'unshelve.start': 'recorded SHELVED_OFFLOADED',
  'unshelve.end': 'moved ACTIVE',
  'live_migration_pre.start': 'recorded MIGRATING, moving',
  'live_migration_pre.end': 'recorded MIGRATING, moving',
  'live_migration_post.start': 'nothing',
  'live_migration_post.end': 'noticed, moved',
  'live_migration_post_dest.start': 'nothing',
  'live_migration_post_dest.end': 'moved ACTIVE',
  'update building/scheduling': 'recorded BUILD',
  'update building/networking': 'recorded BUILD',
  'update building/block_device_mapping': 'recorded BUILD',
  'update building/spawning': 'recorded BUILD',
  'update building/': 'recorded BUILD',
  'update active/': 'recorded ACTIVE',
  'update active/powering-off': 'recorded ACTIVE',
  'update active/pausing': 'recorded ACTIVE',
  'update active/suspending': 'recorded ACTIVE',
  'update active/rescuing': 'recorded ACTIVE',
  'update active/image_snapshot': 'recorded ACTIVE',
  'update active/reboot_pending_hard': 'recorded HARD_REBOOT',
  'update active/reboot_started_hard': 'recorded HARD_REBOOT',
  'update active/rebooting_hard': 'recorded HARD_REBOOT',
  'update active/rebuilding': 'recorded REBUILD',
  'update active/rebuild_block_device_mapping': 'recorded REBUILD',
  'update active/rebuild_spawning': 'recorded REBUILD',
  'update active/resize_prep': 'recorded RESIZE',
  'update active/resize_migrating': 'recorded RESIZE',
  'update active/resize_migrated': 'recorded RESIZE',
  'update active/resize_finish': 'recorded RESIZE',
  'update active/shelving': 'recorded ACTIVE',
  'update active/shelving_image_pending_upload': 'recorded ACTIVE',
  'update active/shelving_image_uploading': 'recorded ACTIVE',
  'update active/migrating': 'recorded MIGRATING, moving',
  'update active/deleting': 'removed',
  'update stopped/': 'ended SHUTOFF',
  'update stopped/powering-on': 'ended SHUTOFF',
  'update paused/': 'recorded PAUSED',
  'update paused/unpausing': 'recorded PAUSED',
  'update suspended/': 'ended SUSPENDED',
  'update suspended/resuming': 'ended SUSPENDED',
  'update rescued/': 'recorded RESCUE',
  'update rescued/unrescuing': 'recorded RESCUE',
  'update resized/': 'recorded VERIFY_RESIZE',
  'update shelved/': 'ended SHELVED',
  'update shelved/shelving_offloading': 'recorded SHELVED',
  'update shelved_offloaded/': 'ended SHELVED_OFFLOADED',
  'update shelved_offloaded/unshelving': 'ended SHELVED_OFFLOADED',
  'update shelved_offloaded/spawning': 'ended SHELVED_OFFLOADED',
  'update error/': 'recorded ERROR',
  'update error/deleting': 'removed',
  'update deleted/': 'removed for good',
};
const NOT_OURS = /^(scheduler\.|compute_task\.|compute\.exception|(compute\.)?instance\.exists)/;

const parse = (message: Notification): InstanceEvent | null =>
  parseNotification(message, readEventType(message.eventType));

function decoded({ body }: RecordedNotification): Notification {
  const result = decodeNotification(Buffer.from(body), 1_000_000);
  if (!result.ok) throw new Error(result.fault);
  return result.value;
}

function summary(event: InstanceEvent, effect: Effect): string {
  const lock = event.event === 'lock' && event.locked === true ? ' locked' : '';
  switch (effect.kind) {
    case 'nothing':
      return 'nothing';
    case 'removed':
      return effect.final ? 'removed for good' : 'removed';
    case 'noticed':
      return `noticed, ${effect.change}`;
    case 'recorded': {
      const { ended, addressStale, change } = effect;
      if (ended) return `ended ${event.status}${lock}`;
      const kind = change === 'moved' ? 'moved' : addressStale ? 'relocated' : 'recorded';
      return `${kind} ${event.status}${lock}${change === 'moving' ? ', moving' : ''}`;
    }
  }
}

const keyOf = (event: InstanceEvent): string =>
  event.event === 'update'
    ? `update ${event.state}/${event.taskState ?? ''}`
    : `${event.event}.${event.phase}`;

const RECORDINGS = [
  'notifications',
  'notifications-console-errors',
  'notifications-live-migration/plain',
  'notifications-live-migration/race-3',
  'notifications-live-migration/tls-back',
] as const;

describe.each(RECORDINGS)('the messages of %s', (recording) => {
  it.each(recordedNotifications(recording).map((message) => [message.name, message] as const))(
    '%s',
    (name, recorded) => {
      const message = decoded(recorded);
      const event = parse(message);
      if (NOT_OURS.test(message.eventType)) {
        expect(event).toBeNull();
        return;
      }
      if (event === null) throw new Error(`${message.eventType} was not read`);
      expect(summary(event, effectOf(event))).toBe(MEANINGS[keyOf(event)]);
      expect(event).toMatchObject({
        format: name.includes('-legacy-') ? 'unversioned' : 'versioned',
        time: message.timestamp,
        uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
        projectId: expect.stringMatching(/^[0-9a-f]{32}$/),
        userId: expect.stringMatching(/^[0-9a-f]{32}$/),
        name: expect.any(String),
      });
      expect(event.locked === null).toBe(event.format === 'unversioned');
    },
  );
});

describe('the two formats', () => {
  it('say the same, event by event', () => {
    const told = new Map<string, InstanceEvent[]>();
    for (const recorded of recordedNotifications('notifications-live-migration/plain')) {
      const event = parse(decoded(recorded));
      if (event !== null) told.set(event.format, [...(told.get(event.format) ?? []), event]);
    }
    const bare = (event: InstanceEvent) => ({
      ...event,
      ...{ format: '', time: 0, powerState: null, locked: null },
    });
    expect(told.get('versioned')?.map(bare)).toEqual(told.get('unversioned')?.map(bare));
  });
});

describe('the migrations of which the bodies were not kept', () => {
  const template = new Map<string, Notification>();
  for (const recorded of recordedNotifications('notifications-live-migration/plain')) {
    const message = decoded(recorded);
    template.set(message.eventType, message);
  }

  it.each(migrationTimelines().map((line) => [`${line.run} ${line.name}`, line] as const))(
    '%s',
    (_name, line) => {
      const eventType = line.name.replace(/^\d+-versioned-(.*)\.json$/, '$1');
      const message = template.get(eventType);
      if (message === undefined) throw new Error(`no body of ${eventType}`);
      const event = parse({
        ...message,
        publisherId: line.publisher,
        payload: withStates(message.payload, line.host, line.task_state),
      });
      if (eventType.startsWith('scheduler.')) {
        expect(event).toBeNull();
        return;
      }
      if (event === null) throw new Error(`${eventType} was not read`);
      expect(event).toMatchObject({ host: line.host, taskState: line.task_state });
      expect(summary(event, effectOf(event))).toBe(MEANINGS[keyOf(event)]);
    },
  );

  it('end on a host that the last message of all does not name', () => {
    const runs = new Set(migrationTimelines().map(({ run }) => run));
    expect(runs.size).toBe(23);
    for (const one of runs) {
      const lines = migrationTimelines().filter(({ run }) => run === one);
      const end = lines.find(({ name }) => name.includes('post_dest.end'));
      const late = lines.find(({ name }) => name.includes('live_migration_post.end'));
      expect(end?.host).not.toBe(late?.host);
      expect(end?.task_state).toBeNull();
    }
  });
});

function withStates(payload: unknown, host: string | null, taskState: string | null): unknown {
  const object = payload as { 'nova_object.data'?: Record<string, unknown> };
  return {
    ...object,
    'nova_object.data': { ...object['nova_object.data'], host, task_state: taskState },
  };
}
