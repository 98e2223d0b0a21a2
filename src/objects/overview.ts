// SPDX-License-Identifier: Apache-2.0
// The whole site in a few figures, and marks that say whether anything has changed. Reads only.
import {
  countConsoles,
  countRefusals,
  countSeenSessions,
  countSessions,
  readMarks,
  sumTraffic,
  type ChangeMarks,
} from '../db/api/overview.js';
import { countSeenConsoles, type Sight } from '../db/api/sight.js';
import type { Database } from '../db/database.js';
import { systemClock } from './clock.js';
import type { Clock } from './clock.js';

export type { ChangeMarks };

const HOUR = 3600;
const SLOTS = 24;
const MOST_REFUSALS = 8;

/** The figures of a site. */
export interface Figures {
  readonly consoles: number;
  /** Sessions that are not over, by their state. */
  readonly sessions: { readonly pending: number; readonly active: number; readonly closing: number };
  /** What channels carried that ended in each of the last 24 hours, the oldest first; `begin` in epoch seconds. */
  readonly traffic: readonly {
    readonly begin: number;
    readonly channels: number;
    readonly bytesUp: number;
    readonly bytesDown: number;
  }[];
  /** Refusals of the last hour by what the audit trail says of them, the most frequent first. */
  readonly refusals: readonly { readonly message: string; readonly count: number }[];
}

/** The overview of this site. */
export class Overview {
  constructor(
    private readonly db: Database,
    private readonly now: Clock = systemClock,
  ) {}

  /** Marks to compare with earlier ones. */
  async marks(): Promise<ChangeMarks | undefined> {
    return readMarks(this.db);
  }

  /** The same of the consoles that somebody sees; traffic and refusals are the site's, and not told. */
  async figuresOf(sight: Sight): Promise<Figures> {
    const sessions: Record<string, number> = {};
    for (const { state, sessions: count } of await countSeenSessions(this.db, sight)) sessions[state] = count;
    const consoles = await countSeenConsoles(this.db, sight);
    return { consoles, sessions: statesOf(sessions), traffic: [], refusals: [] };
  }

  /** The figures as they are now. */
  async figures(): Promise<Figures> {
    const now = this.now();
    const from = (Math.floor(now / HOUR) - SLOTS + 1) * HOUR;
    const sessions: Record<string, number> = {};
    for (const { state, sessions: count } of await countSessions(this.db)) sessions[state] = count;
    const slots = new Map((await sumTraffic(this.db, from, HOUR)).map((slot) => [Number(slot.slot), slot]));
    const refusals = await countRefusals(this.db, now - HOUR, MOST_REFUSALS);
    return {
      consoles: await countConsoles(this.db),
      sessions: statesOf(sessions),
      traffic: Array.from({ length: SLOTS }, (_, at) => {
        const slot = slots.get(at);
        return {
          begin: from + at * HOUR,
          channels: slot?.channels ?? 0,
          bytesUp: Number(slot?.up ?? 0),
          bytesDown: Number(slot?.down ?? 0),
        };
      }),
      refusals: refusals.map(({ message, refusals: count }) => ({ message, count })),
    };
  }
}

function statesOf(sessions: Readonly<Record<string, number>>): Figures['sessions'] {
  const { pending = 0, active = 0, migrating = 0, closing = 0 } = sessions;
  return { pending, active: active + migrating, closing };
}
