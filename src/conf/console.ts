// SPDX-License-Identifier: Apache-2.0
// [console]: how long a console token may start a session, how long a lost session may come back, and what a viewer shows
// whose desktop does not come up.
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
    concurrent_sessions: {
      type: 'choice',
      default: 'auto',
      choices: ['auto', 'replace', 'refuse', 'share'],
      help:
        'What happens when a user opens a console that is open already. "replace": the first session ends, which is what a plain ' +
        'QEMU does. "refuse": the second one is refused before the hypervisor is asked. "share": both live; the hypervisor must ' +
        'take several clients (QEMU with SPICE_DEBUG_ALLOW_MC=1 in its environment), or it ends the first one by itself. "auto": ' +
        '"replace" for those whom the policy kerbside:consoles:replace:unasked names (administrators, and users of Kerbside ' +
        'itself), "refuse" for all others: users of OpenStack who are no administrators, and links of Nova and Shaken Fist, which ' +
        'do not say whose they are. A source and a console may have a setting of their own (concurrent_sessions in sources.yaml).',
    },
    message_screen: {
      type: 'choice',
      default: 'off',
      choices: ['off', 'on'],
      help:
        'What a viewer shows whose ticket is good and whose desktop does not come up: the hypervisor is away or refuses, the ' +
        'instance is stopped or moves, another machine answers, the desktop is open in another window. "on": a screen with ' +
        'the reason and what to do, which the proxy draws itself; a key tries again where that can help. "off": the ' +
        'connection fails, and viewers have one sentence for all of it. A desktop that is ended while it is used (by an ' +
        'administrator, for another session, because the proxy stops) shows why in the same way. A source and a console may have a setting of their ' +
        'own (message_screen in sources.yaml).',
    },
    message_screen_time: {
      type: 'integer',
      unit: 'seconds',
      default: 60,
      min: 5,
      max: 3600,
      help: 'How long a message screen stays, unless its window is closed before.',
    },
    max_message_screens: {
      type: 'integer',
      default: 300,
      min: 1,
      max: 100000,
      help:
        'How many channels of message screens one relay worker holds at the same time; a screen has three of them. Beyond ' +
        'that desktops fail as without message screens.',
    },
  },
} as const satisfies GroupSpec;
