// SPDX-License-Identifier: Apache-2.0
// Which explanation a user gets whose token opens nothing.
import type { DenialReason } from '../objects/console-session-state.js';
import type { Explained } from './explanation.js';

const OF_DENIAL: Readonly<Record<DenialReason, Explained>> = {
  token_unknown: 'unknown',
  token_expired: 'unknown',
  token_terminated: 'terminated',
  token_in_use: 'in_use',
  token_replaced: 'replaced',
  console_in_use: 'console_in_use',
  main_required: 'lost',
  bad_connection_id: 'lost',
  guest_moved: 'lost',
  destination_failed: 'lost',
  console_gone: 'gone',
  source_gone: 'gone',
};

/** What to explain to a user whose channel was denied for this reason. */
export function explainedDenial(reason: DenialReason): Explained {
  return OF_DENIAL[reason];
}
