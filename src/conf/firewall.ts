// SPDX-License-Identifier: Apache-2.0
// [firewall]: which channels and messages may pass.
import { CHANNEL_NAMES } from './channel-names.js';
import { RATE_PATTERN } from './firewall-rate.js';
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
    rates: {
      type: 'list',
      item: 'word',
      pattern: RATE_PATTERN,
      default: [],
      minItems: 0,
      mutable: true,
      help:
        'How much a channel may carry in one direction: <channel>.<direction>.<unit>=<a second>[:<at once>], with ' +
        'client_to_server or server_to_client, and messages or bytes. "inputs.client_to_server.messages=500:2000" lets ' +
        'a client send 2000 inputs at once and 500 a second in the long run; without a burst it is what one second ' +
        'brings. More than that breaks the rule rate_cap. Empty: no limit. Each rate costs a little for every message ' +
        'of its direction. A source, and a console, may have rates of its own in place of these.',
    },
  },
} as const satisfies GroupSpec;
