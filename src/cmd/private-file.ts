// SPDX-License-Identifier: Apache-2.0
// Files that hold a secret: nobody but their owner can read them, at no moment.
import { closeSync, fchmodSync, openSync, writeSync } from 'node:fs';

const OWNER_ONLY = 0o600;

/** Writes a file that only its owner can read, also when it existed with another mode. */
export function writePrivately(path: string, text: string): void {
  const descriptor = openSync(path, 'w', OWNER_ONLY);
  try {
    fchmodSync(descriptor, OWNER_ONLY);
    writeSync(descriptor, text);
  } finally {
    closeSync(descriptor);
  }
}
