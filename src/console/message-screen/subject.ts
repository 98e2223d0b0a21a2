// SPDX-License-Identifier: Apache-2.0
// What a message screen is about: from the fault that ends a main channel before anything has passed on it, or from the order
// that ends a session. And which of it may be over in a moment.
import type { CloseReason } from '../../close-reason.js';
import { explainedEnd } from '../../service/explained-end.js';
import type { Explained } from '../../service/explanation.js';
import type { ClientConnection } from '../connection/client-connection.js';
import {
  BackendFailed,
  ConnectionEnded,
  LinkRefused,
  type BackendFailureReason,
} from '../connection/ends.js';
import type { ClientLink } from '../connection/link.js';
import { CHANNEL } from '../spice/constants.js';
import { ProtocolError } from '../spice/errors.js';

/** What a screen tells, and whose desktop it is about. */
export interface ScreenSubject {
  readonly about: Explained;
  readonly sessionId: string;
  /** Name of its console, of any length and any characters; null: not known on this channel. */
  readonly name: string | null;
}

/** Failures of a hypervisor that is there; the others are of one that is not. */
const REFUSALS: ReadonlySet<BackendFailureReason> = new Set([
  'wrong_ca',
  'wrong_subject',
  'wrong_host_name',
  'certificate_invalid',
  'tls_failed',
  'tls_required',
  'no_address',
  'wrong_ticket',
  'link_refused',
  'protocol',
]);

/** Ends of a connection of ours that say what became of the desktop: the others are the client's own, or an order. */
const TOLD: ReadonlySet<CloseReason> = new Set([
  'backend closed',
  'backend connection lost',
  'wrong guest',
  'guest not identified',
  'control plane failed',
  'ticket not minted',
  'recording failed',
  'other protocol',
]);

/** Orders that end a session from outside. */
const ORDERS: ReadonlySet<CloseReason> = new Set([
  'terminated by request',
  'replaced',
  'recording failed',
  'proxy shut down',
]);

/** Channels that go on on a screen: their clients show nothing of the others. */
const CARRIED: ReadonlySet<number> = new Set([CHANNEL.main, CHANNEL.display, CHANNEL.inputs]);

/** Trying again does not help. */
const FINAL: ReadonlySet<Explained> = new Set([
  'gone',
  'forbidden',
  'terminated',
  'replaced',
  'other_viewer',
]);

/** Whether the desktop can be back. */
export function canBeBack(about: Explained): boolean {
  return !FINAL.has(about);
}

/** What the client of a failed main channel is to be shown; null: nothing. */
export function subjectOf(connection: ClientConnection, fault: unknown): ScreenSubject | null {
  if (connection.signal.aborted) return null;
  if (fault instanceof LinkRefused) {
    const { screen, sessionId } = fault;
    return screen === undefined || sessionId === undefined ? null : { about: screen, sessionId, name: null };
  }
  const { grant, traffic, channelType } = connection;
  if (grant?.messageScreen !== true || channelType !== CHANNEL.main || traffic?.untouched === false)
    return null;
  const about = aboutOf(fault);
  return about === null ? null : { about, sessionId: grant.sessionId, name: grant.name };
}

/** What the client of an open channel is to be shown, whose session was ended by an order; null: nothing. */
export function subjectOfOrder(
  { grant, traffic, channelType }: ClientConnection,
  { message: { channelId } }: ClientLink,
  fault: unknown,
): ScreenSubject | null {
  if (grant?.messageScreen !== true || !(fault instanceof ConnectionEnded) || !ORDERS.has(fault.reason))
    return null;
  if (!CARRIED.has(channelType) || channelId !== 0) return null;
  // A client that has heard nothing on its main channel waits for what a screen does not say again.
  if (channelType === CHANNEL.main && traffic?.untouched !== false) return null;
  return { about: explainedEnd(fault.reason), sessionId: grant.sessionId, name: grant.name };
}

function aboutOf(fault: unknown): Explained | null {
  if (fault instanceof BackendFailed)
    return REFUSALS.has(fault.reason) ? 'refused' : explainedEnd(fault.closeReason);
  if (fault instanceof ProtocolError) return 'refused';
  if (!(fault instanceof ConnectionEnded)) return null;
  if (fault.reason === 'backend broke the protocol') return 'refused';
  return TOLD.has(fault.reason) ? explainedEnd(fault.reason) : null;
}
