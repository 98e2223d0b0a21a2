// SPDX-License-Identifier: Apache-2.0
// The guest data policy of a console as JSON Schema: of the original's object and of /v1 alike.
import { CLIPBOARD_RULES, FILE_TRANSFER_RULES, MOST_MONITORS } from '../objects/guest-policy.js';

type Schema = Readonly<Record<string, unknown>>;

const FLAG = { type: 'boolean' };

/** Each key with its value and the place that it comes from. */
export const GUEST_POLICY_SCHEMA = keys({
  clipboard: { type: 'string', enum: CLIPBOARD_RULES },
  file_transfer: { type: 'string', enum: FILE_TRANSFER_RULES },
  folder_sharing: FLAG,
  usb: {
    type: 'array',
    items: { type: 'string' },
    minItems: 1,
    description: '"*", "none", or device classes and devices such as "class:08" and "046d:c52b".',
  },
  smartcard: FLAG,
  audio_playback: FLAG,
  audio_record: FLAG,
  view_only: FLAG,
  max_monitors: {
    type: 'integer',
    minimum: 0,
    maximum: MOST_MONITORS,
    description: '0: as many as the guest has.',
  },
});

function keys(values: Readonly<Record<string, Schema>>): Schema {
  const from = {
    type: 'string',
    description: 'deployment, source <name>, project <id>, image, flavor, metadata or console.',
  };
  const entries = Object.entries(values).map(([key, value]) => [
    key,
    { type: 'object', additionalProperties: false, properties: { value, from }, required: ['value', 'from'] },
  ]);
  return {
    type: 'object',
    description: 'What data may enter and leave the desktop, and which place says so.',
    additionalProperties: false,
    properties: Object.fromEntries(entries) as Schema,
    required: Object.keys(values),
  };
}
