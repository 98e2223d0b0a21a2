// SPDX-License-Identifier: Apache-2.0
// Parses a message of Nova, in either format, into a typed event; a malformed one is rejected, and others are ignored. The
// minor version of a payload is not checked: Nova only adds fields in one.
import type { Notification } from '../messaging/envelope.js';
import type { EventType } from './event-type.js';
import { NotificationFault } from './fault.js';
import type { EventName, InstanceEvent } from './instance-event.js';
import { PayloadReader } from './payload-reader.js';
import { readState } from './status.js';

/** Major versions of `nova_object.version` that can be read; InstanceUpdatePayload is at 2, the others are at 1. */
const MAJORS: readonly string[] = ['1', '2'];

/**
 * The event in a message; null when it has no effect on consoles.
 *
 * @param type the message's parsed event type
 * @throws NotificationFault when it should be an event of an instance and cannot be read
 */
export function parseNotification(message: Notification, type: EventType | null): InstanceEvent | null {
  const event = type?.event ?? null;
  if (type === null || event === null) return null;
  return type.format === 'versioned' ? versioned(message, type, event) : unversioned(message, type, event);
}

function versioned(message: Notification, type: EventType, event: EventName): InstanceEvent {
  const { eventType } = message;
  const payload = new PayloadReader(eventType, message.payload, 'payload');
  const major = payload.text('nova_object.version').split('.', 1)[0] ?? '';
  if (!MAJORS.includes(major))
    throw new NotificationFault(
      `${eventType}: payload.nova_object.version ${JSON.stringify(major.slice(0, 8))} is not known; ` +
        `known are ${MAJORS.join(' and ')}`,
    );
  const data = payload.object('nova_object.data');
  return {
    ...{ event, phase: type.phase, format: type.format },
    time: message.timestamp,
    uuid: data.uuid('uuid'),
    projectId: data.optional('tenant_id'),
    userId: data.optional('user_id'),
    name: data.optional('display_name'),
    host: data.optional('host'),
    ...readState(data.text('state'), data.optional('task_state')),
    powerState: data.optional('power_state'),
    locked: data.flag('locked'),
    metadata: data.members('metadata'),
  };
}

function unversioned(message: Notification, type: EventType, event: EventName): InstanceEvent {
  const { eventType } = message;
  const data = new PayloadReader(eventType, message.payload, 'payload');
  return {
    ...{ event, phase: type.phase, format: type.format },
    time: message.timestamp,
    uuid: data.uuid('instance_id'),
    projectId: data.optional('tenant_id'),
    userId: data.optional('user_id'),
    name: data.optional('display_name'),
    host: data.optional('host'),
    ...readState(data.text('state'), data.optional('state_description')),
    powerState: null,
    locked: null,
    metadata: data.members('metadata'),
  };
}
