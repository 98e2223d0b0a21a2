// SPDX-License-Identifier: Apache-2.0
// What a shakenfist entry of sources.yaml says beyond the keys of all sources.
import { isTrue, readApiKeys, readFlag } from '../api-entry.js';
import type { FieldReader } from '../file/field-reader.js';

/** The keys that only shakenfist entries have. */
export const SHAKEN_FIST_KEYS = ['synthesize_host_subject', 'verify'] as const;

const WORDS = {
  url: "the URL of the cluster's API",
  username: 'the namespace to log in to; system for all of the cluster',
  password: 'a key of the namespace',
};

/** Reads and judges the keys that shakenfist entries have, and demands those that it cannot be without. */
export function readShakenFist(fields: FieldReader): Record<string, string> {
  const options = readApiKeys(fields, WORDS);
  return readFlag(fields, 'synthesize_host_subject')
    ? { ...options, synthesize_host_subject: 'true' }
    : options;
}

/** Whether a node that publishes no certificate is expected to have one of `CN=<its name>`. */
export function synthesizesSubject(options: Readonly<Record<string, string>> | undefined): boolean {
  return isTrue(options?.['synthesize_host_subject']);
}
