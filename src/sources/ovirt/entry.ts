// SPDX-License-Identifier: Apache-2.0
// What an ovirt entry of sources.yaml says beyond the keys of all sources.
import { readApiKeys } from '../api-entry.js';
import type { FieldReader } from '../file/field-reader.js';

/** The keys that only ovirt entries have. */
export const OVIRT_KEYS = ['verify'] as const;

const LONGEST_URL = 1024;
const WORDS = {
  url: "the engine's URL, as https://engine.example.com/ovirt-engine",
  username: 'a user with its domain, as kerbside@internal',
  password: 'the password of the user',
};

/** Reads and judges the keys that ovirt entries have, and demands those that it cannot be without. */
export function readOvirt(fields: FieldReader): Record<string, string> {
  const options = readApiKeys(fields, WORDS);
  const url = fields.text('url', LONGEST_URL);
  if (url !== null && /\/api\/*$/.test(url)) fields.fault('url', `ends in /api; give ${WORDS.url}`);
  return options;
}
