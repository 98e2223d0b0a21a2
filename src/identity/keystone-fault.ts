// SPDX-License-Identifier: Apache-2.0
// What can go wrong between Kerbside and Keystone. Each of them means "not now" to a caller that waits for Keystone; the
// kind says to the operator where to look. No message holds a token, a password or a body that Keystone sent.
import { Unavailable } from '../exception.js';

/**
 * Where the fault is.
 * `unreachable`: no connection, or it broke. `timeout`: no whole answer in time. `tls`: its certificate is refused.
 * `answer`: it answered, and not as Keystone does (an error, HTML, a redirect, too much). `credentials`: Keystone
 * refuses the service's own credentials. `catalog`: the catalog does not have what was looked for.
 */
export type KeystoneFaultKind = 'unreachable' | 'timeout' | 'tls' | 'answer' | 'credentials' | 'catalog';

/** Keystone, or the way to it, does not do its part at the moment. */
export class KeystoneFault extends Unavailable {
  constructor(
    readonly kind: KeystoneFaultKind,
    message: string,
  ) {
    super(message);
  }
}
