// SPDX-License-Identifier: Apache-2.0
// What a client may conclude from the denial of its channel, what the audit trail says of it, and which refused
// connections are told.
import { AUDIT } from '../../objects/audit-message.js';
import type { DenialReason } from '../../objects/console-session-state.js';
import type { Denial } from '../ipc.js';

/** What a client may conclude from each denial: only a bad token is answered with result 7. */
export const BECAUSE: Readonly<Record<DenialReason, Denial['because']>> = {
  token_unknown: 'token',
  token_expired: 'token',
  token_terminated: 'token',
  token_in_use: 'token',
  token_replaced: 'token',
  console_in_use: 'token',
  main_required: 'connection_id',
  bad_connection_id: 'connection_id',
  guest_moved: 'connection_id',
  destination_failed: 'connection_id',
  console_gone: 'channel',
  source_gone: 'channel',
};

/** Denials whose token is good, and is no use now. */
const SHOWN: ReadonlySet<DenialReason> = new Set([
  'token_in_use',
  'token_replaced',
  'console_in_use',
  'console_gone',
  'source_gone',
]);

/** Whether the client of a main channel may be shown why it was denied. */
export function isShown(reason: DenialReason): boolean {
  return SHOWN.has(reason);
}

/** The denial in the words of the audit trail. */
export function denialMessage(reason: DenialReason): string {
  if (reason === 'console_gone' || reason === 'source_gone') return AUDIT.invalidConsole;
  return channelRefused(reason);
}

/**
 * The refusal of a client whose token is not known.
 *
 * @param before refusals since the last one that were not written down
 */
export function strangerMessage(reason: string, before: number): string {
  const message = channelRefused(reason);
  return before === 0 ? message : `${message}; ${before} others before it were not written down`;
}

function channelRefused(reason: string): string {
  return `Channel refused: ${reason.replaceAll('_', ' ')}`;
}

/**
 * Connections that were refused without a question to the database, and are told all the same: their client wanted a
 * console. One that only probes the port (`tls`, `link`, `link_timeout`, `need_secured`, `proxy_header`) has not asked for
 * one.
 */
const TOLD: ReadonlySet<string> = new Set([
  'token_malformed',
  'limit_connections',
  'limit_address',
  'limit_half_open',
  'database_away',
]);

/** Whether a worker's note of a refused connection is to be told: nothing else tells of it. */
export function isTold(reason: string): boolean {
  return TOLD.has(reason);
}
