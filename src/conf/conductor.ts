// SPDX-License-Identifier: Apache-2.0
// [conductor]: how several conductors share the background work.
import type { GroupSpec } from './types.js';

/** The options of [conductor]. */
export const CONDUCTOR_GROUP = {
  name: 'conductor',
  help: 'How several conductors share the background work: each task is done by one of them at a time.',
  options: {
    lease_time: {
      type: 'float',
      unit: 'seconds',
      default: 15,
      min: 1,
      max: 300,
      help:
        'When the conductor that does a task dies, another one does it after this time at the latest. A conductor that ' +
        'cannot reach the database stops its tasks before that. The same on every node. A shorter time asks the ' +
        'database more often: each conductor looks at the leases fifteen times in it, but not more than ten times and ' +
        'not less than once in a second.',
    },
  },
} as const satisfies GroupSpec;
