// SPDX-License-Identifier: Apache-2.0
// The connection id of a message screen: it says what the screen is about and that it belongs to the ticket, so that any
// worker on any node can serve the screen's next channel, and nothing of it has to be recorded. It opens nothing: the ticket
// is looked up for each channel, and the screen shows fixed words.
import { hash } from 'node:crypto';
import type { Explained } from '../service/explanation.js';

/** One screen: the session whose desktop failed, and the id that the screen's channels show. */
export interface ScreenName {
  readonly sessionId: string;
  /** u32. */
  readonly connectionId: number;
}

/** Seconds for which the workers of a proxy that ends show their users why. */
export const SHUTDOWN_SCREEN_TIME = 5;

/**
 * The lowest byte of the id. Nodes of two releases may serve one screen: numbers are never used again. 0 is none of them: the
 * id of a session is never 0.
 */
const NUMBER_OF: Readonly<Record<Explained, number>> = {
  absent: 1,
  unknown: 2,
  limited: 3,
  unavailable: 4,
  stopped: 5,
  moving: 6,
  building: 7,
  in_use: 8,
  terminated: 9,
  gone: 10,
  unreachable: 11,
  refused: 12,
  wrong_guest: 13,
  forbidden: 14,
  machine_ended: 15,
  idle: 16,
  interrupted: 17,
  not_opened: 18,
  lost: 19,
  console_in_use: 20,
  replaced: 21,
  other_viewer: 22,
};

const BY_NUMBER = new Map(
  (Object.entries(NUMBER_OF) as [Explained, number][]).map(([about, number]) => [number, about]),
);

/** The connection id of the screen about this, for the holder of this ticket: u32, not 0. */
export function screenConnectionId(ticket: string, about: Explained): number {
  const digest = hash('sha256', `message screen ${about} ${ticket}`, 'buffer');
  return ((digest.readUIntBE(0, 3) << 8) | NUMBER_OF[about]) >>> 0;
}

/** What the screen with this connection id is about; null: it is none of this ticket's. */
export function screenOf(ticket: string, connectionId: number): Explained | null {
  const about = BY_NUMBER.get(connectionId & 0xff);
  return about !== undefined && screenConnectionId(ticket, about) === connectionId ? about : null;
}
