// SPDX-License-Identifier: Apache-2.0
// The chain of audit events. Any number of processes write events without knowing of it; one at a time, under a lease, gives
// those that are there their places afterwards, each with a digest of itself and of all before it. An event that comes
// late, with a lower id, gets a later place: none is passed over. What reads in the order of the chain never waits for
// a writer.
import {
  chainedAfter,
  chainHead,
  countUnsealed,
  digestAt,
  eventById,
  listUnsealed,
  newestEventId,
  positionsOf,
  sealEvents,
} from '../db/api/audit-chain.js';
import type { ChainPlace } from '../db/api/audit-chain.js';
import { listAnchors } from '../db/api/audit-retention.js';
import type { Database } from '../db/database.js';
import type { AuditEventRow } from '../db/models/audit-event.js';
import { digestOf, GENESIS } from './audit-digest.js';
import type { SealedEvent } from './audit-digest.js';

/** Events that get their places by one statement. */
const BATCH = 200;
/** Events without a place are counted as far as that. */
const MOST_COUNTED = 100_000;
const BEGINNING: ChainPlace = { position: 0, digest: GENESIS };

/** The chain, as one process sees it. */
export class AuditChain {
  private horizon = 0;

  constructor(private readonly db: Database) {}

  /**
   * Gives those events their places that were there at the last call: a moment later everything that was written before
   * them is there too. Gives how many.
   *
   * @param onward asked before each further statement; false ends it early
   * @throws DuplicateRow when another process seals at the same time
   */
  async seal(onward: () => boolean = () => true): Promise<number> {
    const { horizon } = this;
    this.horizon = await newestEventId(this.db);
    if ((await listUnsealed(this.db, horizon, 1)).length === 0) return 0;
    let sealed = 0;
    // Read before the events: whoever seals some between the two has taken the place that the first of them would get.
    let head = await this.head();
    for (;;) {
      const events = await listUnsealed(this.db, horizon, BATCH);
      if (events.length === 0 || !onward()) return sealed;
      const places = placesAfter(head, events);
      sealed += await sealEvents(this.db, places);
      head = places.at(-1) ?? head;
      if (events.length < BATCH) return sealed;
    }
  }

  /** The end of the chain; position 0 before the first event. */
  async head(): Promise<ChainPlace> {
    return (await chainHead(this.db)) ?? BEGINNING;
  }

  /** Up to `limit` events after a position, in their order. */
  async after(position: number, limit: number): Promise<SealedEvent[]> {
    const sealed: SealedEvent[] = [];
    for (const row of await chainedAfter(this.db, position, limit)) {
      const { chain_position: place, chain_digest: digest, ...event } = row;
      sealed.push({
        ...event,
        position: place,
        digest,
        previous: await this.digestBefore(place, sealed.at(-1)),
      });
    }
    return sealed;
  }

  /** The events of a period, epoch seconds, whose end does not belong to it, in the order of the chain and in bounded memory. */
  async *within(from: number, to: number): AsyncGenerator<SealedEvent> {
    const range = await positionsOf(this.db, from, to);
    if (range === null) return;
    let position = range.first - 1;
    while (position < range.last) {
      const events = await this.after(position, BATCH);
      for (const event of events)
        if (event.position <= range.last && event.timestamp >= from && event.timestamp < to) yield event;
      position = events.at(-1)?.position ?? range.last;
    }
  }

  /** How many events have no place yet; not counted beyond 100,000. */
  unsealed(): Promise<number> {
    return countUnsealed(this.db, MOST_COUNTED);
  }

  /** What is in the database of an event now; null: it is gone. */
  find(id: number): Promise<AuditEventRow | null> {
    return eventById(this.db, id);
  }

  /** Whether retention has removed the event of a position. */
  async isRemoved(position: number): Promise<boolean> {
    return (await listAnchors(this.db, { first: position, last: position })).length > 0;
  }

  /** The digest before a place: of the event that was read before it, where nothing is missing between them. */
  private async digestBefore(place: number, read: SealedEvent | undefined): Promise<string | null> {
    if (place === 1) return GENESIS;
    return read?.position === place - 1 ? read.digest : digestAt(this.db, place - 1);
  }
}

/** The places that events get after a place, in their order. */
export function placesAfter(
  head: ChainPlace,
  events: readonly AuditEventRow[],
): (ChainPlace & { readonly id: number })[] {
  let { position, digest } = head;
  return events.map((event) => {
    position += 1;
    digest = digestOf(event, position, digest);
    return { id: event.id, position, digest };
  });
}
