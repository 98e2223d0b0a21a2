// SPDX-License-Identifier: Apache-2.0
// The overview of the admin UI.
import type { Figures } from '../../objects/overview.js';
import { isoTime } from './v1/time.js';

/** The figures of the site. */
export function viewFigures(figures: Figures): Record<string, unknown> {
  return {
    consoles: figures.consoles,
    sessions: figures.sessions,
    sources: figures.sources,
    hours: figures.hours.map(({ begin, sessions, refusals, channels, bytesUp, bytesDown }) => ({
      begin_at: isoTime(begin),
      sessions,
      refusals,
      channels,
      bytes_up: bytesUp,
      bytes_down: bytesDown,
    })),
    refusals: figures.refusals,
  };
}
