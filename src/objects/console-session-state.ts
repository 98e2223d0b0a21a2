// SPDX-License-Identifier: Apache-2.0
// What each state of a session answers to a channel that asks for admission. The states and the moves between them are a
// table of db/models/session-state.ts, which the statements take their conditions from.
import type { SessionState } from '../db/models/session-state.js';

import { isReplaced, type ConcurrentSessions } from './concurrent-sessions.js';

export type { SessionState };

/** Why a channel may not be opened. */
export type DenialReason =
  | 'token_unknown'
  | 'token_expired'
  | 'token_terminated'
  | 'token_in_use'
  | 'token_replaced'
  | 'console_in_use'
  | 'main_required'
  | 'bad_connection_id'
  /** It was for the destination of a migration, and the guest has moved by another way: its client is told to come back. */
  | 'guest_moved'
  /** It was for the destination of a migration, which has failed: its client is told to stay where it is. */
  | 'destination_failed'
  | 'console_gone'
  | 'source_gone';

/** SPICE_CHANNEL_MAIN of spice/enums.h. */
export const MAIN_CHANNEL = 1;

/** What is known about a token when a channel comes with it. Times in epoch seconds. */
export interface AdmissionView {
  readonly state: SessionState;
  readonly expires: number;
  readonly revoked: number | null;
  readonly terminated_at: number | null;
  /** The claim on the main channel. */
  readonly main_ref: string | null;
  readonly closing_since: number | null;
  /** The session id that the client was given; its other channels must show it. */
  readonly connection_id: number | null;
  /** Why the session ended; null: it has not, or nobody said. */
  readonly session_reason: string | null;
  /** Another session that holds the console; null: none does. */
  readonly held_by: string | null;
  /** null: the console is gone. */
  readonly console_uuid: string | null;
  /** null: the source is gone. */
  readonly source_deleted: number | null;
  /** What its client was told of a migration, and has made of it: as console_sessions has it. */
  readonly migration_state: string | null;
}

/** Under which conditions a channel is admitted. */
export interface AdmissionTerms {
  /** Epoch seconds. */
  readonly now: number;
  /** Seconds. */
  readonly grace: number;
  /** What holds at the console for this user. */
  readonly concurrency: ConcurrentSessions;
}

/** Why this channel may not be opened now; null when it may. The claim itself decides between two at once. */
export function admit(
  view: AdmissionView,
  request: { readonly channelType: number; readonly connectionId: number },
  { now, grace, concurrency }: AdmissionTerms,
): DenialReason | null {
  const isMain = request.channelType === MAIN_CHANNEL;
  if (view.terminated_at !== null)
    return isReplaced(view.session_reason) ? 'token_replaced' : 'token_terminated';
  if (view.revoked !== null) return 'token_expired';
  const refused = isMain
    ? refuseMain(view, request.connectionId, now, grace)
    : refuseOther(view, request.connectionId);
  if (refused !== null) return refused;
  if (view.source_deleted === null || view.source_deleted !== 0) return 'source_gone';
  if (view.console_uuid === null) return 'console_gone';
  return isMain && concurrency === 'refuse' && view.held_by !== null ? 'console_in_use' : null;
}

function refuseMain(
  view: AdmissionView,
  connectionId: number,
  now: number,
  grace: number,
): DenialReason | null {
  if (connectionId !== 0) return isAnnounced(view, connectionId) ? null : 'bad_connection_id';
  if (mayReturn(view)) return null;
  if (view.main_ref !== null) return 'token_in_use';
  switch (view.state) {
    case 'pending':
      return view.expires < now ? 'token_expired' : null;
    case 'closing':
      return (view.closing_since ?? 0) < now - grace ? 'token_expired' : null;
    case 'active':
    case 'migrating':
      return 'token_in_use';
    case 'closed':
      return 'token_expired';
  }
}

function refuseOther(view: AdmissionView, connectionId: number): DenialReason | null {
  switch (view.state) {
    case 'pending':
      return 'main_required';
    case 'closing':
      if (isOvertaken(view)) return refuseLate(view, connectionId);
      if (view.migration_state !== 'linked') return 'main_required';
      return connectionId === view.connection_id ? null : 'bad_connection_id';
    case 'active':
      return connectionId === view.connection_id ? null : 'bad_connection_id';
    case 'migrating':
      if (isOvertaken(view)) return refuseLate(view, connectionId);
      return connectionId === view.connection_id ? null : 'bad_connection_id';
    case 'closed':
      return 'token_expired';
  }
}

/** Whether a client in the midst of a migration opens channels to a destination that it cannot go over to any more. */
function isOvertaken({ migration_state }: AdmissionView): boolean {
  return migration_state === 'switched' || migration_state === 'abandoned';
}

/** Late for the destination of a migration that its guest has overtaken, or which has failed. */
function refuseLate({ connection_id, migration_state }: AdmissionView, connectionId: number): DenialReason {
  if (connectionId !== connection_id) return 'main_required';
  return migration_state === 'switched' ? 'guest_moved' : 'destination_failed';
}

/** A main channel to the destination of a migration that was announced to the client, and for which none has come yet. */
function isAnnounced(
  { state, migration_state, connection_id }: AdmissionView,
  connectionId: number,
): boolean {
  return state === 'migrating' && migration_state === 'announced' && connectionId === connection_id;
}

/** The client was told to come back and begin anew: its old main channel may live for a moment. */
function mayReturn({ state, migration_state }: AdmissionView): boolean {
  return state === 'migrating' && migration_state === 'switched';
}
