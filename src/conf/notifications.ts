// SPDX-License-Identifier: Apache-2.0
// [notifications]: the notifications of Nova that Kerbside consumes, and the dead letters of those that it cannot handle.
import type { GroupSpec } from './types.js';

const NAME = {
  accepts: /^[A-Za-z0-9_.:-]{1,200}$/,
  expected: 'up to 200 letters, digits, dots, colons, underscores and hyphens',
};

/** The options of [notifications]. */
export const NOTIFICATIONS_GROUP = {
  name: 'notifications',
  help:
    'The notifications of Nova that conductors hear, so that consoles follow their instances at once. Nova sends none by ' +
    'default; see the guide on messaging. Without them Kerbside stays right by polling its sources.',
  options: {
    enabled: {
      type: 'boolean',
      default: true,
      help: 'Hear notifications when there is a broker to hear them from.',
    },
    transport_url: {
      type: 'secret',
      default: '',
      help:
        "The broker of Nova's notifications. Empty means that of [oslo_messaging_notifications] transport_url, and if " +
        'that is empty too, [DEFAULT] transport_url.',
    },
    exchange: {
      type: 'string',
      default: 'nova',
      pattern: NAME,
      help: 'The exchange that Nova sends to: its control_exchange.',
    },
    topics: {
      type: 'list',
      item: 'word',
      default: ['versioned_notifications', 'notifications'],
      minItems: 1,
      help:
        'The topics to hear: [notifications] versioned_notifications_topics and [oslo_messaging_notifications] topics of ' +
        'Nova. Both formats say the same; either is enough.',
    },
    pool: {
      type: 'string',
      default: 'kerbside-notifications',
      pattern: NAME,
      help:
        'The queue that all conductors of a site share: each message comes to one of them. Sites that share a broker ' +
        'need different pools. What cannot be handled goes to the queue of this name with ".dead" at its end.',
    },
    requeue: {
      type: 'boolean',
      default: true,
      help:
        'Give a message whose handling failed back to the queue once before it goes to the dead letters. A message that ' +
        'cannot be read goes there at once.',
    },
    handler_timeout: {
      type: 'float',
      unit: 'seconds',
      default: 30,
      min: 1,
      max: 600,
      help: 'How long the handling of one message may take before it counts as failed.',
    },
    max_message_size: {
      type: 'integer',
      unit: 'bytes',
      default: 524288,
      min: 4096,
      max: 16777216,
      help: 'The longest message that is read. Those of Nova have 2 to 10 KiB, more with many volumes.',
    },
    message_ttl: {
      type: 'integer',
      unit: 'seconds',
      default: 3600,
      min: 0,
      max: 604800,
      help:
        'How long a message waits in the queue of the pool while no conductor runs; after that the broker drops it. ' +
        'The sources are polled anyway. 0 means for ever. It counts when the queue is made.',
    },
    queue_max_length: {
      type: 'integer',
      default: 100000,
      min: 1,
      max: 100000000,
      help: 'The most messages that wait in the queue of the pool; the oldest is dropped. It counts when the queue is made.',
    },
    dead_letter_max_length: {
      type: 'integer',
      default: 1000,
      min: 1,
      max: 1000000,
      help: 'The most messages that the dead-letter queue keeps; the oldest is dropped. It counts when the queue is made.',
    },
  },
} as const satisfies GroupSpec;
