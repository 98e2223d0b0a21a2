// SPDX-License-Identifier: Apache-2.0
// The retention of the audit trail: events that are too old or too many are removed, unless a hold keeps them. Where a part of
// the chain is taken out an anchor stays, with the digest that the chain goes on from; it is written first, so that an
// interruption leaves events that are still there and marked as gone, never the other way round. Events that have no place
// in the chain yet stay.
import { countAllAuditEvents } from '../db/api/audit-events.js';
import {
  anchorRange,
  deleteUnheld,
  listAnchors,
  listRemovableAfter,
  listRemovableBefore,
} from '../db/api/audit-retention.js';
import type { ChainRange, RemovableEvent } from '../db/api/audit-retention.js';
import type { Database } from '../db/database.js';

/** Limits of the audit trail. */
export interface AuditRetention {
  /** Oldest age kept, seconds; absent = any. */
  readonly maxAge?: number | undefined;
  /** Most events kept; absent = any. */
  readonly maxEvents?: number | undefined;
}

const BATCH = 500;

/** Removes audit events over the limits, in batches. Gives how many. `now`: epoch seconds. */
export async function reapAuditEvents(db: Database, retention: AuditRetention, now: number): Promise<number> {
  const { maxAge, maxEvents } = retention;
  const old = maxAge === undefined ? 0 : await removeBefore(db, now - maxAge, now);
  return old + (maxEvents === undefined ? 0 : await removeOver(db, maxEvents, now));
}

async function removeBefore(db: Database, before: number, now: number): Promise<number> {
  let removed = 0;
  let last: RemovableEvent | null = null;
  for (;;) {
    const events: RemovableEvent[] = await listRemovableBefore(db, before, last, BATCH);
    removed += await remove(db, events, now);
    if (events.length < BATCH) return removed;
    last = events.at(-1) ?? null;
    await breathe();
  }
}

async function removeOver(db: Database, most: number, now: number): Promise<number> {
  let over = (await countAllAuditEvents(db)) - most;
  let removed = 0;
  let position = 0;
  while (over > 0) {
    const limit = Math.min(over, BATCH);
    const events = await listRemovableAfter(db, position, limit);
    const gone = await remove(db, events, now);
    removed += gone;
    over -= gone;
    if (events.length < limit) break;
    position = events.at(-1)?.position ?? position;
    await breathe();
  }
  return removed;
}

async function remove(db: Database, events: readonly RemovableEvent[], now: number): Promise<number> {
  if (events.length === 0) return 0;
  const ordered = [...events].sort((a, b) => a.position - b.position);
  const first = ordered[0]?.position ?? 0;
  const last = ordered.at(-1)?.position ?? 0;
  // An interrupted removal has marked some of them already.
  const marked = await listAnchors(db, { first, last });
  for (const range of rangesOf(ordered.filter((event) => !isWithin(event.position, marked)))) {
    const end = range.at(-1) as RemovableEvent;
    const places = { first: range[0]?.position ?? end.position, last: end.position };
    await anchorRange(db, places, end.digest, now);
  }
  return deleteUnheld(
    db,
    ordered.map(({ id }) => id),
  );
}

/** Events that follow each other in the chain, together. */
function rangesOf(ordered: readonly RemovableEvent[]): RemovableEvent[][] {
  const ranges: RemovableEvent[][] = [];
  for (const event of ordered) {
    const range = ranges.at(-1);
    if (range?.at(-1)?.position === event.position - 1) range.push(event);
    else ranges.push([event]);
  }
  return ranges;
}

function isWithin(position: number, ranges: readonly ChainRange[]): boolean {
  return ranges.some(({ first, last }) => first <= position && position <= last);
}

// SQLite's driver is synchronous: without this a long clean-up would hold up every request.
function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
