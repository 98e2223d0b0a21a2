// SPDX-License-Identifier: Apache-2.0
// One channel of a recording: cuts its bytes into messages, leaves out what must not be recorded, and makes a gap of whole
// messages where the disk does not keep up.
import { MessageCutter } from '../console/spice/message-cutter.js';
import { leftOut } from './left-out.js';
import {
  writeChannel,
  writeClosed,
  writeGap,
  writeMessage,
  writeMore,
  type ChannelFacts,
  type RecordPlace,
  type RecordTarget,
  type Way,
} from './records.js';

/** Where the records of a channel go. */
export interface RecordSink extends RecordTarget {
  /** Too much waits for the disk. */
  readonly full: boolean;
  /** There is room again. */
  readonly roomy: boolean;
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
  /** Where the record is that is written now. */
  private readonly place: { channel: number; time: number };
  private readonly ways: Readonly<Record<Way, WayRecording>>;

  /** @param time microseconds since the beginning */
  constructor(
    channel: RecordedChannel,
    private readonly sink: RecordSink,
    time: number,
  ) {
    this.place = { channel: channel.number, time };
    writeChannel(sink, this.place, channel.facts);
    this.ways = {
      up: new WayRecording('up', channel, sink, this.place),
      down: new WayRecording('down', channel, sink, this.place),
    };
  }

  /** Takes bytes, which it copies. */
  push(way: Way, bytes: Buffer, time: number): void {
    this.place.time = time;
    this.ways[way].cutter.push(bytes);
  }

  /** The channel has ended. */
  close(time: number): void {
    this.place.time = time;
    this.ways.up.endGap();
    this.ways.down.endGap();
    writeClosed(this.sink, this.place);
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
    private readonly place: RecordPlace,
  ) {
    this.cutter = new MessageCutter(channel.miniHeader, {
      begin: (type, size, subList) => this.begin(type, size, subList),
      piece: (bytes) => this.piece(bytes),
    });
  }

  /** Writes down the gap that there is. */
  endGap(): void {
    if (this.gapMessages === 0) return;
    const gap = { messages: this.gapMessages, bytes: this.gapBytes };
    writeGap(this.sink, this.place, this.way, gap);
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
    writeMessage(this.sink, this.place, this.way, { type, size, subList }, omitted === 'body');
  }

  private piece(bytes: Buffer): void {
    if (this.state !== 'kept') return;
    if (this.sink.full) {
      // The beginning is there and its end will not be: the gap takes the whole of it.
      this.lose(bytes.length);
      return;
    }
    writeMore(this.sink, this.place, this.way, bytes);
  }

  private lose(bytes: number): void {
    this.state = 'lost';
    if (this.gapMessages === 0) this.sink.gap();
    this.gapMessages += 1;
    this.gapBytes += bytes;
  }
}
