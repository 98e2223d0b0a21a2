// SPDX-License-Identifier: Apache-2.0
// What happened in each of the last hours. The records are the history: nothing is written for it. An hour that is over is read
// once and kept in memory; the one that goes on is read each time.
import { countBegunSessions, countRefusalsBySlot, sumTraffic } from '../db/api/overview.js';
import type { Database } from '../db/database.js';

const HOUR = 3600;
const HOURS = 24;
/** Seconds for which records of an hour that is over may still come: nodes write them in batches, and after outages. */
const SETTLING = 600;

/** One hour; times are epoch seconds. */
export interface Hour {
  readonly begin: number;
  /** Sessions made in it whose client has come. */
  readonly sessions: number;
  readonly refusals: number;
  /** Channels that ended in it, and what they had carried. */
  readonly channels: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** The last 24 hours, of the whole site. */
export class HourlyHistory {
  private readonly kept = new Map<number, Hour>();

  constructor(private readonly db: Database) {}

  /** The hours, the oldest first; the last one goes on. @param now epoch seconds */
  async hours(now: number): Promise<readonly Hour[]> {
    const last = Math.floor(now / HOUR) * HOUR;
    const begins = Array.from({ length: HOURS }, (_, at) => last + (at - HOURS + 1) * HOUR);
    const first = begins.find((begin) => !this.kept.has(begin)) ?? last;
    const read = await this.read(first);
    for (const begin of this.kept.keys()) if (begin < (begins[0] ?? last)) this.kept.delete(begin);
    return begins.map((begin) => {
      const hour = this.kept.get(begin) ?? read(begin);
      if (begin + HOUR + SETTLING <= now) this.kept.set(begin, hour);
      return hour;
    });
  }

  private async read(from: number): Promise<(begin: number) => Hour> {
    const traffic = bySlot(await sumTraffic(this.db, from, HOUR));
    const sessions = bySlot(await countBegunSessions(this.db, from, HOUR));
    const refusals = bySlot(await countRefusalsBySlot(this.db, from, HOUR));
    return (begin) => {
      const slot = (begin - from) / HOUR;
      const { channels = 0, up = 0, down = 0 } = traffic.get(slot) ?? {};
      return {
        begin,
        sessions: sessions.get(slot)?.count ?? 0,
        refusals: refusals.get(slot)?.count ?? 0,
        channels,
        bytesUp: Number(up),
        bytesDown: Number(down),
      };
    };
  }
}

function bySlot<Slot extends { slot: number | string }>(slots: readonly Slot[]): Map<number, Slot> {
  return new Map(slots.map((slot) => [Number(slot.slot), slot]));
}
