// SPDX-License-Identifier: Apache-2.0
// Announces to all processes of a site that a session is over.
import type { SessionEnded } from '../objects/channel-types.js';
import type { Fanout } from './fanout.js';

/** Called for each session that ends: every proxy then ends its channels at once. */
export function announceTo(fanout: Fanout): (ended: SessionEnded) => void {
  return ({ sessionId, generation, terminated }) =>
    fanout.cast({ method: 'session_ended', args: { session_id: sessionId, generation, terminated } });
}
