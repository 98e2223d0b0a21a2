// SPDX-License-Identifier: Apache-2.0
// What lets a migration be run again. MySQL commits each statement by itself: after an interruption some of them have run
// already.
import { faultCode } from '../faults.js';

/** For the `catch` of a statement that adds a column or an index: it may be there already. */
export function unlessThere(error: unknown): void {
  if (!['ER_DUP_FIELDNAME', 'ER_DUP_KEYNAME'].includes(faultCode(error))) throw error;
}

/** For the `catch` of a statement that drops a column or an index: it may be gone already. */
export function unlessGone(error: unknown): void {
  if (faultCode(error) !== 'ER_CANT_DROP_FIELD_OR_KEY') throw error;
}
