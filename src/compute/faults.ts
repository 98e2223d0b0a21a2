// SPDX-License-Identifier: Apache-2.0
// What can go wrong with Nova. No message holds a token, a password or a body that is not Nova's own fault.
import { Conflict, KerbsideException, Unavailable } from '../exception.js';

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

/** Why an instance has no console now. */
export type InstanceFault = 'gone' | 'stopped' | 'moving' | 'building';

/** The instance is not in a state in which it has a console. */
export class InstanceNotReady extends Conflict {
  constructor(
    readonly why: InstanceFault,
    message: string = SENTENCES[why],
  ) {
    super(message);
  }
}

const SENTENCES: Readonly<Record<InstanceFault, string>> = {
  gone: 'the instance is gone',
  stopped: 'the instance is not running',
  moving: 'the instance is being moved to another host; try again when that is done',
  building: 'the instance is not ready yet',
};
