// SPDX-License-Identifier: Apache-2.0
// The server's messages of a display channel that wait for a slow link. One goes out for each that came in. What draws
// may overtake what it does not overlap; a draw that a later one hides is replaced by a message that does nothing; all
// else is a barrier, with the same messages before it and behind it as the server gave it.
//
// Serials: a client counts messages, and the server names counts (WAIT_FOR_CHANNELS, INVAL_ALL_PIXMAPS) to say that
// something in a cache is there, or not needed any more. Only barriers touch caches. So it is enough, and necessary, that
// a barrier which was the Nth message is the Nth to go out: a replacement goes out before the barrier that came next
// after the draw it stands for, and not before the barrier that came last before it. Within these bounds it goes out
// soon, since many small ones in front of a barrier would be a wait of their own; but not all at once, since draws are
// hidden as fast as a server draws, and the others would wait for all of that.
//
// The queue has no clock and no timer: monotonic milliseconds come with each call, and one that is earlier than the last
// counts as the last. It does not bound itself: who pushes looks at `bytes` and `length`.
import type { Message } from '../relay/stage.js';
import { SERVER_MESSAGE } from '../spice/message-types.js';
import { readDrawMessage } from './draw-message.js';
import { Fifo } from './fifo.js';
import { MAX_SEGMENT_DRAWS, queuedDraw, QueueSegment, type QueuedDraw } from './queue-segment.js';
import { regionOf, RegionUsage } from './region-usage.js';
import { StreamReports } from './stream-reports.js';
import { StreamTable } from './stream-table.js';

/** Sent in place of a draw that is hidden: an INVAL_LIST without entries, under a mini header. */
export const REPLACEMENT: Message = replacement();

/** Replacements that are sent in a row while draws wait: together they are as large as a small draw. */
const MAX_REPLACEMENTS_IN_A_ROW = 16;

/** What the queue has done so far; counters, only ever rising. */
export interface QueueCounters {
  /** Draws that were not sent since a later one hides them. */
  readonly supersededDraws: number;
  /** Video frames that were not sent since a later frame or draw hides them. */
  readonly supersededFrames: number;
  /** Bytes of both, headers included. */
  readonly supersededBytes: number;
  /** Draws and frames that were sent. */
  readonly sentDraws: number;
  /** Those of them that went before one that had come earlier. */
  readonly overtakingDraws: number;
}

/** What lies between two barriers, and the barriers that end it, in the order in which they go out. */
class Section {
  /** Replacements for draws that were hidden. */
  replacements = 0;
  /** Replacements since the last draw. */
  replacementsInARow = 0;
  readonly pings = new Fifo<Message>();
  readonly draws = new QueueSegment();
  readonly barriers = new Fifo<Message>();
  /** Of all of them. */
  bytes = 0;

  get hasOnlyBarriers(): boolean {
    return (
      this.replacements === 0 && this.pings.length === 0 && this.draws.size === 0 && this.barriers.length > 0
    );
  }

  get isEmpty(): boolean {
    return (
      this.replacements === 0 &&
      this.pings.length === 0 &&
      this.draws.size === 0 &&
      this.barriers.length === 0
    );
  }
}

/** Messages of one display channel on their way to the client; see the head of the file. */
export class DrawQueue {
  private readonly sections = new Fifo<Section>();
  private head = new Section();
  private tail = this.head;
  private readonly usage = new RegionUsage();
  private readonly reports = new StreamReports();
  private totalBytes = 0;
  private totalLength = 0;
  private readonly count = {
    supersededDraws: 0,
    supersededFrames: 0,
    supersededBytes: 0,
    sentDraws: 0,
    overtakingDraws: 0,
  };

  /**
   * @param streams the channel's streams: kept up to date by {@link push}, and by its owner (with
   *   {@link StreamTable.note}) while messages go past the queue
   */
  constructor(private readonly streams: StreamTable = new StreamTable()) {
    this.sections.push(this.head);
  }

  /** Bytes that are to go out, replacements included. */
  get bytes(): number {
    return this.totalBytes;
  }

  /** Messages that are to go out, replacements included. */
  get length(): number {
    return this.totalLength;
  }

  /** The next message is a barrier: until it is sent, nothing that is read from the server can be sent early. */
  get blockedByBarrier(): boolean {
    return this.head.hasOnlyBarriers;
  }

  /** Bytes that have to go out before a draw that would be pushed now could: 0 as long as no barrier waits. */
  get bytesBeforeNewDraw(): number {
    const open = this.tail.barriers.length === 0;
    return open ? this.totalBytes - this.tail.bytes : this.totalBytes;
  }

  /** What has been done so far. */
  get counters(): QueueCounters {
    return this.count;
  }

  /** Takes a message, in the server's order. @param at monotonic ms */
  push(message: Message, at: number): void {
    const read = readDrawMessage(message, this.streams);
    switch (read.kind) {
      case 'draw':
      case 'stream_data':
        this.pushDraw(queuedDraw(message, read, at));
        return;
      case 'ping':
        this.grow(this.openTail(), message);
        this.tail.pings.push(message);
        return;
      case 'barrier':
        this.streams.note(message);
        this.reports.note(message);
        this.grow(this.tail, message);
        this.tail.barriers.push(message);
        return;
      default:
        read satisfies never;
    }
  }

  /**
   * Takes out the message to be sent next; null when there is none. In this order: PINGs, replacements (now and then a
   * draw between them), draws (least served region first), the barriers behind them. @param at monotonic ms
   */
  next(at: number): Message | null {
    while (this.head.isEmpty && this.head !== this.tail) {
      this.sections.shift();
      this.head = this.sections.peek() ?? this.tail;
    }
    const message = this.takeFrom(this.head, at);
    if (message !== null) this.shrink(this.head, message);
    return message;
  }

  /**
   * Whether a message draws where hardly anything was sent lately, compared with what is usual where it is: what an
   * answer to a key press looks like on a busy screen. False for what does not draw. @param at monotonic ms
   */
  isCold(message: Message, at: number): boolean {
    const read = readDrawMessage(message, this.streams);
    if (read.kind !== 'draw' && read.kind !== 'stream_data') return false;
    return this.usage.isCold(regionOf(read.surface, read.box), at);
  }

  /**
   * A client's STREAM_REPORT, made true: with the frames in it that were superseded here.
   * @param report the message's body
   * @returns the same buffer where nothing is to be changed; see {@link StreamReports.amend}
   */
  amendStreamReport(report: Buffer): Buffer {
    return this.reports.amend(report);
  }

  private pushDraw(draw: QueuedDraw): void {
    const section = this.openTail();
    for (const hidden of section.draws.hide(draw)) this.supersede(section, hidden);
    const roomy = section.draws.size < MAX_SEGMENT_DRAWS ? section : this.appendSection();
    roomy.draws.add(draw);
    this.grow(roomy, draw.message);
  }

  private supersede(section: Section, { message, draw }: QueuedDraw): void {
    if (draw.kind === 'draw') this.count.supersededDraws++;
    else this.count.supersededFrames++;
    if (draw.kind === 'stream_data') this.reports.dropped(draw.stream, draw.mmTime);
    this.count.supersededBytes += message.bytes.length;
    this.shrink(section, message);
    this.grow(section, REPLACEMENT);
    section.replacements++;
  }

  private takeFrom(section: Section, at: number): Message | null {
    const ping = section.pings.shift();
    if (ping !== undefined) return ping;
    const drawsWait = section.draws.size > 0;
    const enough = drawsWait && section.replacementsInARow >= MAX_REPLACEMENTS_IN_A_ROW;
    if (section.replacements === 0 || enough)
      return this.takeDraw(section, at) ?? section.barriers.shift() ?? null;
    section.replacements--;
    section.replacementsInARow++;
    return REPLACEMENT;
  }

  private takeDraw(section: Section, at: number): Message | null {
    const taken = section.draws.take(this.usage, at);
    if (taken === null) return null;
    section.replacementsInARow = 0;
    this.usage.charge(taken.draw.region, taken.draw.message.bytes.length, at);
    this.count.sentDraws++;
    if (taken.overtakes) this.count.overtakingDraws++;
    return taken.draw.message;
  }

  /** The last section, to which draws can be added: a new one, if barriers have ended it. */
  private openTail(): Section {
    return this.tail.barriers.length === 0 ? this.tail : this.appendSection();
  }

  private appendSection(): Section {
    this.tail = new Section();
    this.sections.push(this.tail);
    return this.tail;
  }

  private grow(section: Section, message: Message): void {
    section.bytes += message.bytes.length;
    this.totalBytes += message.bytes.length;
    this.totalLength++;
  }

  private shrink(section: Section, message: Message): void {
    section.bytes -= message.bytes.length;
    this.totalBytes -= message.bytes.length;
    this.totalLength--;
  }
}

function replacement(): Message {
  const bytes = Buffer.from([SERVER_MESSAGE.display.INVAL_LIST, 0, 2, 0, 0, 0, 0, 0]);
  return { type: SERVER_MESSAGE.display.INVAL_LIST, bytes, body: bytes.subarray(6) };
}
