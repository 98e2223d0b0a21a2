// SPDX-License-Identifier: Apache-2.0
// [nova]: how long OpenStack sources may take, and how often strangers may ask them.
import type { GroupSpec } from './types.js';

/** The options of [nova]. */
export const NOVA_GROUP = {
  name: 'nova',
  help: 'OpenStack sources: deadlines, and the exchange of console tokens of Nova (GET /nova, /nova-console.vv).',
  options: {
    request_timeout: {
      type: 'float',
      unit: 'seconds',
      default: 5,
      min: 0.5,
      max: 60,
      help: 'How long one request to the Keystone or the Nova of a source may take, from the connection to the last byte.',
    },
    exchange_timeout: {
      type: 'float',
      unit: 'seconds',
      default: 10,
      min: 1,
      max: 120,
      help:
        'How long the exchange of a console token may take. All OpenStack sources are asked at the same time; one that ' +
        'has not answered by then counts as one that does not answer.',
    },
    failed_exchanges_per_address: {
      type: 'integer',
      default: 60,
      min: 1,
      max: 1000000,
      help:
        'Exchanges that may fail for one client address (an IPv6 network of 64 bits counts as one) within ' +
        'exchange_window; after that it is answered 429. Exchanges that succeed do not count.',
    },
    exchange_window: {
      type: 'integer',
      unit: 'seconds',
      default: 60,
      min: 1,
      max: 86400,
      help: 'The time over which failed exchanges are counted.',
    },
  },
} as const satisfies GroupSpec;
