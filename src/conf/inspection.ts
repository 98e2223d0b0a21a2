// SPDX-License-Identifier: Apache-2.0
// [inspection]: a log of the messages of channels, in words, for whoever looks for a fault.
import type { GroupSpec } from './types.js';

/** The options of [inspection]. */
export const INSPECTION_GROUP = {
  name: 'inspection',
  help:
    'Traffic inspection: a text file for each channel with a line for each message. For finding faults, not for every day: it ' +
    'costs CPU time and disk, and shows what users do.',
  options: {
    mode: {
      type: 'choice',
      default: 'off',
      choices: ['off', 'sampled', 'full'],
      help:
        'How much is shown. "full": every message has its line; "sampled": one of [inspection] sample of each type, and the first of each; "off": ' +
        'nobody looks, at no cost.',
      deprecatedEnv: {
        name: 'TRAFFIC_INSPECTION',
        values: {
          ...{ 1: 'full', true: 'full', True: 'full' },
          ...{ 0: 'off', false: 'off', False: 'off' },
          '': 'off',
        },
      },
    },
    path: {
      type: 'path',
      default: '',
      help:
        'The directory of the text files, one for each channel. It must exist and be closed to others. Without one there is ' +
        'no inspection.',
      deprecatedEnv: { name: 'TRAFFIC_OUTPUT_PATH' },
    },
    sample: {
      type: 'integer',
      default: 100,
      min: 1,
      max: 1_000_000,
      help: 'Of how many messages of one type "sampled" shows one.',
    },
    keystrokes: {
      type: 'boolean',
      default: false,
      help: 'Whether key presses are in it, with their scancodes: passwords among them.',
      deprecatedEnv: { name: 'TRAFFIC_INSPECTION_INTIMATE' },
    },
    max_bytes: {
      type: 'integer',
      unit: 'bytes',
      default: 1_073_741_824,
      min: 65_536,
      max: Number.MAX_SAFE_INTEGER,
      help: 'How much the files of this run may take; beyond that nothing more is written, and the log says so.',
    },
  },
} as const satisfies GroupSpec;
