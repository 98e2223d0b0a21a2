// SPDX-License-Identifier: Apache-2.0
// The whole site in a few figures, and marks that say whether anything has changed. Reads only.
import {
  countConsoles,
  countRefusals,
  countSeenSessions,
  countSessions,
  readMarks,
  type ChangeMarks,
} from '../db/api/overview.js';
import { countSeenConsoles, type Sight } from '../db/api/sight.js';
import type { Database } from '../db/database.js';
import { systemClock } from './clock.js';
import type { Clock } from './clock.js';
import { HourlyHistory, type Hour } from './hourly-history.js';

export type { ChangeMarks };

const HOUR = 3600;
const MOST_REFUSALS = 8;
/** A session whose guest is being moved is in use as it was. */
const IN_USE: readonly string[] = ['active', 'migrating'];

/** The figures of a site. */
export interface Figures {
  readonly consoles: number;
  /** Sessions that are not over, by their state. */
  readonly sessions: { readonly pending: number; readonly active: number; readonly closing: number };
  /** What each source has, by their names. */
  readonly sources: readonly { readonly name: string; readonly consoles: number; readonly active: number }[];
  /** What happened in each of the last 24 hours, the oldest first. */
  readonly hours: readonly Hour[];
  /** Refusals of the last hour by what the audit trail says of them, the most frequent first. */
  readonly refusals: readonly { readonly message: string; readonly count: number }[];
}

/** The overview of this site. */
export class Overview {
  private readonly history: HourlyHistory;

  constructor(
    private readonly db: Database,
    private readonly now: Clock = systemClock,
  ) {
    this.history = new HourlyHistory(db);
  }

  /** Marks to compare with earlier ones. */
  async marks(): Promise<ChangeMarks | undefined> {
    return readMarks(this.db);
  }

  /** The same of the consoles that somebody sees; what is the site's is not told. */
  async figuresOf(sight: Sight): Promise<Figures> {
    const sessions: Record<string, number> = {};
    for (const { state, sessions: count } of await countSeenSessions(this.db, sight)) sessions[state] = count;
    const consoles = await countSeenConsoles(this.db, sight);
    return { consoles, sessions: statesOf(sessions), sources: [], hours: [], refusals: [] };
  }

  /** The figures as they are now. */
  async figures(): Promise<Figures> {
    const now = this.now();
    const states: Record<string, number> = {};
    const active = new Map<string, number>();
    for (const { source, state, sessions } of await countSessions(this.db)) {
      states[state] = (states[state] ?? 0) + sessions;
      if (IN_USE.includes(state)) active.set(source, (active.get(source) ?? 0) + sessions);
    }
    const consoles = await countConsoles(this.db);
    const refusals = await countRefusals(this.db, now - HOUR, MOST_REFUSALS);
    return {
      consoles: consoles.reduce((all, { consoles: count }) => all + count, 0),
      sessions: statesOf(states),
      sources: consoles.map(({ source, consoles: count }) => ({
        ...{ name: source, consoles: count, active: active.get(source) ?? 0 },
      })),
      hours: await this.history.hours(now),
      refusals: refusals.map(({ message, refusals: count }) => ({ message, count })),
    };
  }
}

function statesOf(sessions: Readonly<Record<string, number>>): Figures['sessions'] {
  const { pending = 0, active = 0, migrating = 0, closing = 0 } = sessions;
  return { pending, active: active + migrating, closing };
}
