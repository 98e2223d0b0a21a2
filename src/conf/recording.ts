// SPDX-License-Identifier: Apache-2.0
// [recording]: where sessions are recorded that a source or a console has recorded, for whose key, and within which bounds.
import { PUBLIC_KEY_PATTERN } from './recording-key.js';
import type { GroupSpec } from './types.js';

/** The options of [recording]. */
export const RECORDING_GROUP = {
  name: 'recording',
  help:
    'Recording of sessions. Which sessions are recorded is said in sources.yaml: "record: true" of a source or a console, ' +
    '"record_projects" of a source. Users may have to be told, or asked, before: that is for the operator to see to.',
  options: {
    path: {
      type: 'path',
      default: '',
      help:
        'The directory that recordings are written to. It must exist, belong to the user that Kerbside runs as, and be closed ' +
        'to others. Each node writes its part of a session; on a directory that all of them share they are found together.',
    },
    public_key: {
      type: 'string',
      pattern: PUBLIC_KEY_PATTERN,
      default: '',
      help:
        'The public key that recordings are encrypted for, as "kerbside-manage recording keygen" prints it. The private key ' +
        'is for those who watch recordings, and has no place on this machine.',
    },
    max_bytes: {
      type: 'integer',
      unit: 'bytes',
      default: 10_737_418_240,
      min: 0,
      max: Number.MAX_SAFE_INTEGER,
      help:
        'How much the directory may hold. The oldest recordings are removed for new ones, those that are being written never; ' +
        'when these alone are more, they fail. 0: no limit.',
    },
    max_age: {
      type: 'integer',
      unit: 'seconds',
      default: 2_592_000,
      min: 0,
      max: 315_360_000,
      help: 'After which time a recording is removed. 0: never.',
    },
    on_failure: {
      type: 'choice',
      default: 'continue',
      choices: ['continue', 'refuse'],
      help:
        'What happens when a session cannot be recorded, because the disk is full, gone or too slow. "continue": the session ' +
        'goes on, what is missing is marked in the recording and in the audit trail. "refuse": the session ends, and no ' +
        'session that is to be recorded begins until there is room again.',
    },
    record_input: {
      type: 'boolean',
      default: false,
      help:
        'Whether recordings hold what users type, what passes by the clipboard, and the data of smartcards, USB devices and of ' +
        'what clients send to ports and shared folders. All of it may hold passwords.',
    },
  },
} as const satisfies GroupSpec;
