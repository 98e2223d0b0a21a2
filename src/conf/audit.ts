// SPDX-License-Identifier: Apache-2.0
// [audit]: how long the audit trail is kept.
import type { GroupSpec } from './types.js';

/** The options of [audit]. */
export const AUDIT_GROUP = {
  name: 'audit',
  help: 'How long audit events are kept. Old ones are removed once an hour, in small batches.',
  options: {
    max_age: {
      type: 'integer',
      unit: 'seconds',
      default: 31_536_000,
      min: 0,
      max: 3_153_600_000,
      help: 'Events older than this are removed. The default is one year; 0 keeps them for ever.',
    },
    max_events: {
      type: 'integer',
      default: 0,
      min: 0,
      max: 1_000_000_000,
      help: 'When there are more events than this, the oldest are removed. 0 sets no such limit.',
    },
  },
} as const satisfies GroupSpec;
