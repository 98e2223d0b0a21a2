// SPDX-License-Identifier: Apache-2.0
// The certificate and key with which Kerbside says who it is to another server: whether they belong together.
import { createSecureContext } from 'node:tls';
import { ConfError } from '../exception.js';
import { shownPath } from '../option-file.js';

/** Both as PEM, and the files that they are of. */
export interface ClientIdentity {
  readonly cert: string;
  readonly key: string;
  readonly certPath: string;
  readonly keyPath: string;
}

/**
 * Checks that the key is that of the certificate.
 * @param option that names the key, of `group`
 * @throws ConfError it is not, or OpenSSL takes neither
 */
export function checkIdentity(
  group: string,
  option: string,
  { cert, key, certPath, keyPath }: ClientIdentity,
): void {
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    const { reason, message } = error as Error & { reason?: string };
    throw new ConfError(
      ...([group, option] as const),
      `the key of ${shownPath(keyPath)} cannot be used with the certificate of ${shownPath(certPath)} ` +
        `(${reason ?? message})`,
      'name the certificate and its own key, unencrypted and in PEM',
    );
  }
}
