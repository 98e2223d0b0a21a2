// SPDX-License-Identifier: Apache-2.0
// The settings of one session: those of the node, but for what its console or source has of its own.
import type { PacingMode } from '../../objects/pacing-mode.js';
import type { SessionSettings } from '../ipc.js';

/** What holds for a session. @param pacingMode the console's own mode; null: it has none */
export function settingsOf(session: SessionSettings, pacingMode: PacingMode | null): SessionSettings {
  if (pacingMode === null || pacingMode === session.pacing.mode) return session;
  return { ...session, pacing: { ...session.pacing, mode: pacingMode } };
}
