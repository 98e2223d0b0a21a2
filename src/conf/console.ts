// SPDX-License-Identifier: Apache-2.0
// [console]: how long a console token may start a session, and how long a lost session may come back.
import type { GroupSpec } from './types.js';

/** The options of [console]. */
export const CONSOLE_GROUP = {
  name: 'console',
  help: 'Console tokens and the sessions that they start.',
  options: {
    token_ttl: {
      type: 'integer',
      unit: 'seconds',
      default: 600,
      min: 1,
      max: 86400,
      help:
        'How long a console token may start a session after it was handed out. Once its main channel is up, the ' +
        'token serves the channels of that session for as long as the session lives, late ones such as USB included. ' +
        "The default is the one of Nova's own console tokens.",
      deprecatedEnv: { name: 'CONSOLE_TOKEN_DURATION', unit: 'minutes' },
    },
    reconnect_grace: {
      type: 'integer',
      unit: 'seconds',
      default: 60,
      min: 0,
      max: 3600,
      help:
        'How long after the loss of its main channel a session may be taken up again with the same token. ' +
        '0 means that a lost session is over. A session that an administrator terminated never comes back.',
    },
  },
} as const satisfies GroupSpec;
