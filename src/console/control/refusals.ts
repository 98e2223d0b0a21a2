// SPDX-License-Identifier: Apache-2.0
// What a client may conclude from the refusal of its channel, what the audit trail says of it, and which refusals are
// told to others.
import { AUDIT } from '../../objects/audit-message.js';
import type { Refusal } from '../../objects/console-session-state.js';
import type { Denial } from '../ipc.js';

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

/**
 * Refusals that no look at the database precedes, but that are told to others: a worker, or its parent, has turned away
 * somebody who wanted a console. Whoever only knocks (`tls`, `link`, `link_timeout`, `need_secured`, `proxy_header`) has
 * not asked for one.
 */
const TOLD: ReadonlySet<string> = new Set([
  'token_malformed',
  'limit_connections',
  'limit_address',
  'limit_half_open',
  'database_away',
]);

/** Whether the note of a refusal is all that is known of it, and others want to hear of it. */
export function isToldByNote(reason: string): boolean {
  return TOLD.has(reason);
}
