// SPDX-License-Identifier: Apache-2.0
// What a client may conclude from the refusal of its channel, and what the audit trail says of it.
import { AUDIT } from '../objects/audit-message.js';
import type { Refusal } from '../objects/console-session.js';
import type { Denial } from './ipc.js';

/** What a client may conclude from each refusal: only a bad token earns result 7. */
export const BECAUSE: Readonly<Record<Refusal, Denial['because']>> = {
  token_unknown: 'token',
  token_expired: 'token',
  token_terminated: 'token',
  token_in_use: 'token',
  main_required: 'connection_id',
  bad_connection_id: 'connection_id',
  console_gone: 'channel',
  source_gone: 'channel',
};

/** The refusal in the words of the audit trail. */
export function refusalMessage(reason: Refusal): string {
  if (reason === 'console_gone' || reason === 'source_gone') return AUDIT.invalidConsole;
  return `Channel refused: ${reason.replaceAll('_', ' ')}`;
}
