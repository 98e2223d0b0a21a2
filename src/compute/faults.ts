// SPDX-License-Identifier: Apache-2.0
// What can go wrong with Nova. No message holds a token, a password or a body that is not Nova's own fault.
import { KerbsideException, Unavailable } from '../exception.js';

/** Nova, or the way to it, does not do its part at the moment. */
export class NovaUnavailable extends Unavailable {}

/** This Nova is too old for what is asked; the message says which microversion it takes. */
export class NovaTooOld extends Unavailable {}

/** Nova says no, for a reason that will stay: 400, 401, 403, 501. */
export class NovaRefused extends KerbsideException {
  constructor(
    readonly status: 400 | 401 | 403 | 501,
    message: string,
  ) {
    super(message);
  }
}
