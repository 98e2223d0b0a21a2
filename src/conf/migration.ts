// SPDX-License-Identifier: Apache-2.0
// [migration]: what becomes of sessions whose guest is moved to another hypervisor while it runs.
import { isIP } from 'node:net';
import type { GroupSpec } from './types.js';

/** An address, a network or a host name. */
const PLACE = /^(?:[0-9A-Fa-f:.]+(?:\/\d{1,3})?|(?!-)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.?)$/;

/** The options of [migration]. */
export const MIGRATION_GROUP = {
  name: 'migration',
  help: 'What becomes of the sessions of a guest that is moved to another hypervisor while it runs (live migration).',
  options: {
    mode: {
      type: 'choice',
      default: 'robust',
      choices: ['robust', 'seamless', 'off'],
      mutable: true,
      help:
        'How a session goes on at the other hypervisor. "robust": when the guest has moved, its client is told to connect again, to Kerbside, which takes it to the new ' +
        'hypervisor: the picture stands for a few round trips. "seamless": clients that can connect to both hypervisors at ' +
        'once, through Kerbside, and go over without the window being set up anew; where a client is too slow for that, ' +
        'the robust way is taken. "off": no migration is followed, and the session ends when the guest has moved. In no mode ' +
        'does a client learn the address of a hypervisor. A source, and a console of a static source, may have a mode of ' +
        'its own (migration in sources.yaml).',
    },
    allowed_hosts: {
      type: 'list',
      item: 'word',
      pattern: {
        accepts: PLACE,
        expected: 'addresses, networks (such as 192.0.2.0/24) or host names',
      },
      default: [],
      minItems: 0,
      mutable: true,
      help:
        'Where guests may be moved to: addresses, networks and host names. A hypervisor says itself where its guest goes, ' +
        'so that one that was taken over could send Kerbside anywhere. Empty: the hypervisors that the source of the ' +
        'console is known to have, by the addresses of its consoles and, for OpenStack, by the list of hypervisors of Nova ' +
        '(which only an administrator of the cloud may read). To be set where guests may be moved to a hypervisor that no ' +
        'console is known of.',
    },
  },
} as const satisfies GroupSpec;

/** Whether a text is an address or a network, and no host name. */
export function isNetwork(text: string): boolean {
  return isIP(text.split('/')[0] ?? '') !== 0;
}
