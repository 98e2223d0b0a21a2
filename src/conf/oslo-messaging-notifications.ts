// SPDX-License-Identifier: Apache-2.0
// [oslo_messaging_notifications]: where Kerbside's own notifications go; names, meanings and defaults of oslo.messaging.
import type { GroupSpec } from './types.js';

/** The options of [oslo_messaging_notifications]. */
export const OSLO_MESSAGING_NOTIFICATIONS_GROUP = {
  name: 'oslo_messaging_notifications',
  help: 'The notifications that Kerbside sends: sessions that start and end, refused consoles, sources that fail.',
  options: {
    driver: {
      type: 'list',
      item: 'word',
      choices: ['messagingv2', 'messaging', 'log', 'noop'],
      default: [],
      minItems: 0,
      help:
        'How notifications are sent: messagingv2 (RabbitMQ, with the envelope of version 2), messaging (without an ' +
        'envelope), log (a line in the log), noop (not at all). Several may be named, on one line or on several. Empty ' +
        'means that none is sent. With a messaging driver somebody must consume the queues that are made, such as ' +
        'notifications.info: they grow otherwise.',
    },
    transport_url: {
      type: 'secret',
      default: '',
      help: 'The broker that notifications are sent to. Empty means that of [DEFAULT] transport_url.',
    },
    topics: {
      type: 'list',
      item: 'word',
      default: ['notifications'],
      minItems: 1,
      help: 'The topics that notifications are sent to, each with the priority as its suffix: notifications.info.',
    },
    retry: {
      type: 'integer',
      default: -1,
      min: -1,
      max: 1000000,
      help:
        'How often the sending of a notification is tried again, failed attempts to connect included. -1 means until ' +
        'it succeeds. In every case at most 1000 notifications wait in memory; the oldest is dropped and counted when ' +
        'one more comes, and no session ever waits for one.',
    },
  },
} as const satisfies GroupSpec;
