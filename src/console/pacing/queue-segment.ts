// SPDX-License-Identifier: Apache-2.0
// The draws between two barriers of the queue: they may change places among themselves, as far as those that overlap
// keep their order, and a draw that a later one hides is taken out. Their number is bounded, and with it the time of
// each step over them.
import type { Message } from '../relay/stage.js';
import { covers, overlap } from './box.js';
import type { Draw, StreamFrame } from './draw-message.js';
import { regionOf, type Region, type RegionUsage } from './region-usage.js';

/** Most draws in a segment: a step over them takes microseconds. */
export const MAX_SEGMENT_DRAWS = 512;
/** A draw that has waited longer, in ms, is served although others have had less. */
const OVERDUE_MS = 2000;
/** One of so many draws is an overdue one, if there is any: the others stay quick. */
const OVERDUE_EVERY = 4;

/** A message that may change places, while it waits. */
export interface QueuedDraw {
  readonly message: Message;
  readonly draw: Draw | StreamFrame;
  readonly region: Region;
  /** Since when its region has waited, monotonic ms: earlier than the message came where it has hidden others. */
  since: number;
  /** Draws before it in the segment that have to be sent before it. */
  blockers: number;
  /** No later draw takes it out any more: it is overdue, and others are sent early for its sake. */
  pinned: boolean;
}

/** A draw that is to be sent. */
interface Taken {
  readonly draw: QueuedDraw;
  /** One that had come earlier waits on. */
  readonly overtakes: boolean;
}

/** A draw that has just come. @param at monotonic ms */
export function queuedDraw(message: Message, draw: Draw | StreamFrame, at: number): QueuedDraw {
  return { message, draw, region: regionOf(draw.surface, draw.box), since: at, blockers: 0, pinned: false };
}

/** Draws that may change places. */
export class QueueSegment {
  /** In the server's order. */
  private draws: QueuedDraw[] = [];
  private untilOverdue = OVERDUE_EVERY;

  /** Draws that wait. */
  get size(): number {
    return this.draws.length;
  }

  /** Takes out the draws that `later` makes invisible, and gives them, in order. It inherits how long they have waited. */
  hide(later: QueuedDraw): QueuedDraw[] {
    const hidden: QueuedDraw[] = [];
    for (let i = 0; i < this.draws.length; i++) {
      const queued = this.at(i);
      if (queued.pinned || !hides(later.draw, queued.draw)) continue;
      hidden.push(this.remove(i--));
      later.since = Math.min(later.since, queued.since);
    }
    return hidden;
  }

  /** Puts a draw behind all others. The caller minds {@link MAX_SEGMENT_DRAWS}. */
  add(added: QueuedDraw): void {
    added.blockers = 0;
    for (const queued of this.draws) if (conflicts(queued.draw, added.draw)) added.blockers++;
    this.draws.push(added);
  }

  /** Takes out the draw to be sent next: that of the region which has had the least, or an overdue one. */
  take(usage: RegionUsage, at: number): Taken | null {
    if (this.draws.length === 0) return null;
    const index = this.overdue(at) ?? this.leastServed(usage, at);
    return { draw: this.remove(index), overtakes: index > 0 };
  }

  private at(index: number): QueuedDraw {
    return this.draws[index] as QueuedDraw;
  }

  private leastServed(usage: RegionUsage, at: number): number {
    const growth = usage.growth(at);
    let best = 0;
    let least = Infinity;
    for (let i = 0; i < this.draws.length; i++) {
      const queued = this.at(i);
      if (queued.blockers > 0) continue;
      const score =
        usage.stored(queued.region) + (queued.message.bytes.length / queued.region.tiles) * growth;
      if (score >= least) continue;
      least = score;
      best = i;
    }
    return best;
  }

  /** The index of the draw that has waited longest, or of what has to go before it; null unless its turn has come. */
  private overdue(at: number): number | null {
    if (this.untilOverdue > 0) this.untilOverdue--;
    if (this.untilOverdue > 0) return null;
    let index = this.longestWaiting();
    const oldest = this.at(index);
    if (at - oldest.since <= OVERDUE_MS) return null;
    this.untilOverdue = OVERDUE_EVERY;
    // Else a region that is drawn anew again and again might for ever wait for something else.
    if (oldest.blockers > 0) oldest.pinned = true;
    while (this.at(index).blockers > 0) index = this.firstBlocker(index);
    return index;
  }

  private longestWaiting(): number {
    let index = 0;
    for (let i = 1; i < this.draws.length; i++) if (this.at(i).since < this.at(index).since) index = i;
    return index;
  }

  private firstBlocker(index: number): number {
    const { draw } = this.at(index);
    return this.draws.findIndex((queued) => conflicts(queued.draw, draw));
  }

  private remove(index: number): QueuedDraw {
    const removed = this.at(index);
    this.draws.splice(index, 1);
    for (let i = index; i < this.draws.length; i++) {
      const later = this.at(i);
      if (conflicts(removed.draw, later.draw)) later.blockers--;
    }
    return removed;
  }
}

/** Whether two draws have to keep their order: they write the same pixels, or are frames of one stream. */
function conflicts(a: Draw | StreamFrame, b: Draw | StreamFrame): boolean {
  if (a.kind === 'stream_data' && b.kind === 'stream_data' && a.stream === b.stream) return true;
  return a.surface === b.surface && overlap(a.box, b.box);
}

/**
 * Whether nothing of `earlier` can be seen once `later` is drawn. A frame hides frames of its stream alone: it may come
 * too late for a client to show it, and then what it should have hidden must have been drawn.
 */
function hides(later: Draw | StreamFrame, earlier: Draw | StreamFrame): boolean {
  if (later.surface !== earlier.surface || !covers(later.box, earlier.box)) return false;
  if (earlier.kind === 'stream_data' && !earlier.intraOnly) return false;
  if (later.kind === 'draw') return later.opaque;
  if (earlier.kind === 'draw' || later.stream !== earlier.stream) return false;
  // Where time does not go on, a client begins the stream's schedule anew, and may show either frame.
  return later.mmTime !== 0 && earlier.mmTime !== 0 && ((later.mmTime - earlier.mmTime) | 0) >= 0;
}
