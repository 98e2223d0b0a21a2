// SPDX-License-Identifier: Apache-2.0
// Why a machine has no console at this moment, in words that hold for any platform.
import type { LocationFault } from '../close-reason.js';
import { Conflict } from '../exception.js';

/** Why a machine has no console now. */
export type InstanceFault = Exclude<LocationFault, 'stale'>;

/** The machine is not in a state in which it has a console. */
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
