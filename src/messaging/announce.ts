// SPDX-License-Identifier: Apache-2.0
// Announces to all processes of a site that a session is over, or that consoles have other settings.
import type { SessionEnded } from '../objects/channel-types.js';
import type { Fanout } from './fanout.js';

/** Called for each session that ends: every proxy then ends its channels at once. */
export function announceTo(fanout: Fanout): (ended: SessionEnded) => void {
  return ({ sessionId, generation, terminated, replaced }) =>
    fanout.cast({
      method: 'session_ended',
      args: { session_id: sessionId, generation, terminated, ...(replaced === true ? { replaced } : {}) },
    });
}

/** Called with a source when it, or consoles of it, say something else for themselves: open sessions follow at once. */
export function announceSettingsTo(fanout: Fanout): (source: string) => void {
  return (source) => fanout.cast({ method: 'settings_changed', args: { source } });
}
