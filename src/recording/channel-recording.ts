// SPDX-License-Identifier: Apache-2.0
// One channel of a recording: cuts its bytes into messages, leaves out what must not be recorded, and makes a gap of whole
// messages where the disk does not keep up.
import { MessageCutter } from '../console/spice/message-cutter.js';
import { leftOut } from './left-out.js';
import {
  channelRecord,
  closedRecord,
  gapRecord,
  messageRecord,
  moreRecords,
  type ChannelFacts,
  type Way,
} from './records.js';

/** Where the records of a channel go. */
export interface RecordSink {
  /** Too much waits for the disk. */
  readonly full: boolean;
  /** There is room again. */
  readonly roomy: boolean;
  append(records: readonly Buffer[], time: bigint): void;
  /** A gap has begun. */
  gap(): void;
}

/** What a {@link ChannelRecording} is made for. */
export interface RecordedChannel {
  /** The channel's number in the recording. */
  readonly number: number;
  readonly facts: ChannelFacts;
  readonly miniHeader: boolean;
  readonly recordInput: boolean;
}

/** Records one channel. */
export class ChannelRecording {
  private time = 0n;
  private readonly ways: Readonly<Record<Way, WayRecording>>;

  /** @param time microseconds since the beginning */
  constructor(
    private readonly channel: RecordedChannel,
    private readonly sink: RecordSink,
    time: bigint,
  ) {
    sink.append(channelRecord({ channel: channel.number, time }, channel.facts), time);
    const way = (name: Way): WayRecording =>
      new WayRecording(name, channel, sink, () => ({ channel: channel.number, time: this.time }));
    this.ways = { up: way('up'), down: way('down') };
  }

  /** Takes bytes, which it keeps. */
  push(way: Way, bytes: Buffer, time: bigint): void {
    this.time = time;
    this.ways[way].cutter.push(bytes);
  }

  /** The channel has ended. */
  close(time: bigint): void {
    this.time = time;
    this.ways.up.endGap();
    this.ways.down.endGap();
    this.sink.append(closedRecord({ channel: this.channel.number, time }), time);
  }
}

/** One direction of it. */
class WayRecording {
  readonly cutter: MessageCutter;
  private state: 'kept' | 'passed over' | 'lost' = 'kept';
  private gapMessages = 0;
  private gapBytes = 0;

  constructor(
    private readonly way: Way,
    private readonly channel: RecordedChannel,
    private readonly sink: RecordSink,
    private readonly now: () => { readonly channel: number; readonly time: bigint },
  ) {
    this.cutter = new MessageCutter(channel.miniHeader, {
      begin: (type, size, subList) => this.begin(type, size, subList),
      piece: (bytes) => this.piece(bytes),
    });
  }

  /** Writes down the gap that there is. */
  endGap(): void {
    if (this.gapMessages === 0) return;
    const of = this.now();
    this.sink.append(gapRecord(of, this.way, this.gapMessages, this.gapBytes), of.time);
    this.gapMessages = 0;
    this.gapBytes = 0;
  }

  private begin(type: number, size: number, subList: number): void {
    const { recordInput, facts } = this.channel;
    const omitted = recordInput ? null : leftOut(facts.type, this.way, type);
    this.state = omitted === null ? 'kept' : 'passed over';
    if (omitted === 'message') return;
    const inGap = this.gapMessages > 0;
    if (this.sink.full || (inGap && !this.sink.roomy)) {
      this.lose(size);
      return;
    }
    if (inGap) this.endGap();
    const of = this.now();
    this.sink.append(messageRecord(of, { way: this.way, type, size, subList }, omitted === 'body'), of.time);
  }

  private piece(bytes: Buffer): void {
    if (this.state !== 'kept') return;
    if (this.sink.full) {
      // The beginning is there and its end will not be: the gap takes the whole of it.
      this.lose(bytes.length);
      return;
    }
    const of = this.now();
    this.sink.append(moreRecords(of, this.way, bytes), of.time);
  }

  private lose(bytes: number): void {
    this.state = 'lost';
    if (this.gapMessages === 0) this.sink.gap();
    this.gapMessages += 1;
    this.gapBytes += bytes;
  }
}
