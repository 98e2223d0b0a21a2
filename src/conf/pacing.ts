// SPDX-License-Identifier: Apache-2.0
// [pacing]: pictures over slow links.
import type { GroupSpec } from './types.js';

/** The options of [pacing]. */
export const PACING_GROUP = {
  name: 'pacing',
  help: 'Pictures over slow links: what waits for a client is put in order and thinned out here.',
  options: {
    mode: {
      type: 'choice',
      default: 'off',
      choices: ['auto', 'on', 'off'],
      mutable: true,
      help:
        'Whether the display channels of a session are paced. A paced channel never has more on its way to the client ' +
        'than the link holds; draws wait in the proxy, where the region that the user works in goes first and what a ' +
        'later draw hides is not sent. "auto" does so where the round trip is long (8 ms and more) or the client does ' +
        'not take what is sent, and is the plain relay elsewhere; "on" does so always, "off" never. Off as long as guests with the native QXL driver ' +
        'are slower with it than without. A source and a ' +
        'console may have a mode of their own (pacing in sources.yaml).',
    },
    max_queue_bytes: {
      type: 'integer',
      unit: 'bytes',
      default: 4194304,
      min: 262144,
      max: 67108864,
      mutable: true,
      help:
        'How much may wait for the client of one session, in each relay worker that carries display channels of it. ' +
        'With more the hypervisor waits. A message that is larger goes through in pieces.',
    },
    max_overread: {
      type: 'float',
      default: 3,
      min: 1,
      max: 20,
      mutable: true,
      help:
        'How many times what is delivered to the client may be read from the hypervisor in the moments after an input. ' +
        'Then draws are read ahead and thinned out, so that the answer to a key comes soon. More makes it sooner on a ' +
        'very busy screen, and costs traffic between proxy and hypervisor.',
    },
    allow_jpeg: {
      type: 'boolean',
      default: false,
      mutable: true,
      help:
        'Let hypervisors test the link of each session themselves when it starts. They take every link with a long ' +
        'round trip for a slow one, and compress pictures with loss (JPEG) as long as the session lives.',
    },
  },
} as const satisfies GroupSpec;
