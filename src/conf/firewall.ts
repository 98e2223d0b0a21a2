// SPDX-License-Identifier: Apache-2.0
// [firewall]: which channels and messages may pass.
import { CHANNEL_NAMES } from './channel-names.js';
import type { GroupSpec } from './types.js';

/** The options of [firewall]. */
export const FIREWALL_GROUP = {
  name: 'firewall',
  help: 'Which channels and messages may pass.',
  options: {
    mode: {
      type: 'choice',
      default: 'enforce',
      choices: ['enforce', 'warn', 'off'],
      mutable: true,
      help:
        'What happens to a channel that breaks a rule: "enforce" ends it, "warn" only records it, "off" does not look. ' +
        '"warn" is for finding out what a rule would break. A source, and a console, may have a mode of its own.',
      deprecatedEnv: { name: 'FIREWALL_MODE' },
    },
    permitted_channels: {
      type: 'list',
      item: 'word',
      default: [],
      choices: CHANNEL_NAMES,
      minItems: 0,
      mutable: true,
      help:
        'The channels that clients may open. Empty permits all of them. A desktop without USB, shared folders, ' +
        'sound and smartcards is "main,display,inputs,cursor".',
      deprecatedEnv: { name: 'FIREWALL_PERMITTED_CHANNELS' },
    },
  },
} as const satisfies GroupSpec;
