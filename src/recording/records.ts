// SPDX-License-Identifier: Apache-2.0
// The records that a recording's chunks hold when they are opened and put together: channels that begin and end, messages in
// one piece or several, gaps, the end. Bytes in, records out; every length is bounded, for whoever has the public key can
// make a recording of anything.
import { BrokenRecording } from './layout.js';

/** Bytes in front of each record: u32 length of its body, u8 kind, u8 flags, u16 channel, u64 microseconds. */
export const RECORD_HEADER_BYTES = 16;
/** Bytes of one record's body at most: what is larger comes in pieces. */
export const RECORD_MAX_BYTES = 64 * 1024;
/** Bytes of one message's body at most: the largest that `[proxy] max_message_size` lets pass. */
export const MESSAGE_MAX_BYTES = 1024 * 1024 * 1024;
const MESSAGE_BYTES = 10;
const MAX_WORDS = 64;
const MAX_CHANNELS = 4096;

const KIND = { channel: 1, message: 2, more: 3, gap: 4, closed: 5, end: 6 } as const;
const UP = 1;
const LEFT_OUT = 2;

/** Which way a message went; up: client to guest. */
export type Way = 'up' | 'down';

/** A channel of the session. */
export interface ChannelFacts {
  readonly type: number;
  readonly id: number;
  /** Which main channel of the session it belongs to. */
  readonly generation: number;
  readonly clientCaps: readonly number[];
  /** Capability words of the channel that the backend has shown. */
  readonly backendCaps: readonly number[];
}

interface OfChannel {
  /** The channel's number in this recording. */
  readonly channel: number;
  /** Microseconds since the beginning of the recording. */
  readonly time: bigint;
}

/** What is recorded, as it is read. */
export type Entry =
  | (OfChannel & { readonly kind: 'channel'; readonly facts: ChannelFacts })
  | (OfChannel & {
      readonly kind: 'message';
      readonly way: Way;
      readonly type: number;
      /** Bytes of the body as it was. */
      readonly size: number;
      /** Offset of messages within the body; 0: there are none. */
      readonly subList: number;
      /** null: it was left out. */
      readonly body: Buffer | null;
    })
  | (OfChannel & {
      readonly kind: 'gap';
      readonly way: Way;
      readonly messages: number;
      readonly bytes: number;
    })
  | (OfChannel & { readonly kind: 'closed' })
  | { readonly kind: 'end'; readonly time: bigint; readonly reason: string };

/** Where records are written to; it has copied the bytes when the call returns. */
export interface RecordTarget {
  /** @param time microseconds since the beginning; never less than before */
  append(bytes: Buffer, time: number): void;
}

/** The channel and the time of a record that is written. */
export interface RecordPlace {
  readonly channel: number;
  readonly time: number;
}

/** The head of a record, and of a message in it: written again and again, for a target copies it. */
const scratch = Buffer.alloc(RECORD_HEADER_BYTES + MESSAGE_BYTES);
const EMPTY = Buffer.alloc(0);
const HIGH_WORD = 2 ** 32;

function writeHead(kind: number, flags: number, { channel, time }: RecordPlace, length: number): void {
  scratch.writeUInt32LE(length, 0);
  scratch.writeUInt8(kind, 4);
  scratch.writeUInt8(flags, 5);
  scratch.writeUInt16LE(channel, 6);
  scratch.writeUInt32LE(time % HIGH_WORD, 8);
  scratch.writeUInt32LE(Math.floor(time / HIGH_WORD), 12);
}

function writeRecord(
  target: RecordTarget,
  kind: number,
  flags: number,
  place: RecordPlace,
  body: Buffer,
): void {
  writeHead(kind, flags, place, body.length);
  target.append(scratch.subarray(0, RECORD_HEADER_BYTES), place.time);
  if (body.length > 0) target.append(body, place.time);
}

/** A channel begins. */
export function writeChannel(target: RecordTarget, place: RecordPlace, facts: ChannelFacts): void {
  const caps = [facts.clientCaps.slice(0, MAX_WORDS), facts.backendCaps.slice(0, MAX_WORDS)] as const;
  const body = Buffer.alloc(8 + 4 * (caps[0].length + caps[1].length));
  body.writeUInt8(facts.type, 0);
  body.writeUInt8(facts.id, 1);
  body.writeUInt32LE(facts.generation, 2);
  body.writeUInt8(caps[0].length, 6);
  body.writeUInt8(caps[1].length, 7);
  caps.flat().forEach((word, at) => body.writeUInt32LE(word >>> 0, 8 + 4 * at));
  writeRecord(target, KIND.channel, 0, place, body);
}

/** The facts of a message that begins. */
export interface MessageHead {
  readonly type: number;
  /** Bytes of its body. */
  readonly size: number;
  readonly subList: number;
}

/** A message begins; its pieces follow. */
export function writeMessage(
  target: RecordTarget,
  place: RecordPlace,
  way: Way,
  { type, size, subList }: MessageHead,
  leftOut: boolean,
): void {
  writeHead(KIND.message, flagOf(way) | (leftOut ? LEFT_OUT : 0), place, MESSAGE_BYTES);
  scratch.writeUInt16LE(type, RECORD_HEADER_BYTES);
  scratch.writeUInt32LE(size, RECORD_HEADER_BYTES + 2);
  scratch.writeUInt32LE(subList, RECORD_HEADER_BYTES + 6);
  target.append(scratch, place.time);
}

/** Bytes of the message that is under way on a channel. */
export function writeMore(target: RecordTarget, place: RecordPlace, way: Way, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; at += RECORD_MAX_BYTES)
    writeRecord(target, KIND.more, flagOf(way), place, bytes.subarray(at, at + RECORD_MAX_BYTES));
}

/** Messages that were not recorded, the one under way included. */
export function writeGap(
  target: RecordTarget,
  place: RecordPlace,
  way: Way,
  { messages, bytes }: { readonly messages: number; readonly bytes: number },
): void {
  const body = Buffer.alloc(12);
  body.writeUInt32LE(messages >>> 0, 0);
  body.writeBigUInt64LE(BigInt(bytes), 4);
  writeRecord(target, KIND.gap, flagOf(way), place, body);
}

/** A channel has ended. */
export function writeClosed(target: RecordTarget, place: RecordPlace): void {
  writeRecord(target, KIND.closed, 0, place, EMPTY);
}

/** The recording has ended, and why. */
export function writeEnd(target: RecordTarget, time: number, reason: string): void {
  writeRecord(target, KIND.end, 0, { channel: 0, time }, Buffer.from(reason));
}

function flagOf(way: Way): number {
  return way === 'up' ? UP : 0;
}

interface Partial {
  readonly entry: Extract<Entry, { kind: 'message' }>;
  readonly pieces: Buffer[];
  left: number;
}

/** Reads records out of the bytes of chunks. */
export class RecordReader {
  private rest: Buffer = Buffer.alloc(0);
  private readonly channels = new Set<number>();
  private readonly partials = new Map<string, Partial>();
  /** Bytes that the messages under way say they have. */
  private claimed = 0;
  private lastTime = 0n;

  /** The entries that these bytes complete. @throws BrokenRecording */
  push(bytes: Buffer): Entry[] {
    const all = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes]);
    const entries: Entry[] = [];
    let at = 0;
    while (all.length - at >= RECORD_HEADER_BYTES) {
      const length = all.readUInt32LE(at);
      if (length > RECORD_MAX_BYTES) throw broken(`a record claims ${length} bytes`);
      const end = at + RECORD_HEADER_BYTES + length;
      if (all.length < end) break;
      const entry = this.read(all.subarray(at, end));
      if (entry !== null) entries.push(entry);
      at = end;
    }
    this.rest = Buffer.from(all.subarray(at));
    return entries;
  }

  /** Whether a record or a message has begun that is not whole. */
  get midway(): boolean {
    return this.rest.length > 0 || this.partials.size > 0;
  }

  private read(bytes: Buffer): Entry | null {
    const [kind, flags] = [bytes.readUInt8(4), bytes.readUInt8(5)];
    const of = { channel: bytes.readUInt16LE(6), time: bytes.readBigUInt64LE(8) };
    if (of.time < this.lastTime) throw broken('its times go back');
    this.lastTime = of.time;
    const body = bytes.subarray(RECORD_HEADER_BYTES);
    if (kind === KIND.channel) return this.channel(of, body);
    if (kind === KIND.end) return { kind: 'end', time: of.time, reason: body.toString('utf8').slice(0, 255) };
    if (!this.channels.has(of.channel)) throw broken(`channel ${of.channel} was never begun`);
    const way: Way = (flags & UP) === 0 ? 'down' : 'up';
    switch (kind) {
      case KIND.message:
        return this.message(of, way, (flags & LEFT_OUT) !== 0, body);
      case KIND.more:
        return this.more(of, way, body);
      case KIND.gap:
        return this.gap(of, way, body);
      case KIND.closed:
        this.drop(of, 'up');
        this.drop(of, 'down');
        return { ...of, kind: 'closed' };
      default:
        throw broken(`there is no record of kind ${kind}`);
    }
  }

  private channel(of: OfChannel, body: Buffer): Entry {
    if (body.length < 8) throw broken('a channel has no facts');
    const counts = [body.readUInt8(6), body.readUInt8(7)] as const;
    if (body.length !== 8 + 4 * (counts[0] + counts[1])) throw broken('the facts of a channel are cut');
    if (this.channels.has(of.channel)) throw broken(`channel ${of.channel} begins twice`);
    if (this.channels.size >= MAX_CHANNELS) throw broken(`it has more than ${MAX_CHANNELS} channels`);
    this.channels.add(of.channel);
    const word = (at: number): number => body.readUInt32LE(8 + 4 * at);
    const facts: ChannelFacts = {
      ...{ type: body.readUInt8(0), id: body.readUInt8(1), generation: body.readUInt32LE(2) },
      clientCaps: Array.from({ length: counts[0] }, (_none, at) => word(at)),
      backendCaps: Array.from({ length: counts[1] }, (_none, at) => word(counts[0] + at)),
    };
    return { ...of, kind: 'channel', facts };
  }

  private message(of: OfChannel, way: Way, leftOut: boolean, body: Buffer): Entry | null {
    if (body.length !== MESSAGE_BYTES) throw broken('the head of a message is cut');
    if (this.partials.has(keyOf(of, way))) throw broken('a message begins within another one');
    const [type, size, subList] = [body.readUInt16LE(0), body.readUInt32LE(2), body.readUInt32LE(6)];
    if (size > MESSAGE_MAX_BYTES) throw broken(`a message claims ${size} bytes`);
    const entry = { ...of, kind: 'message', way, type, size, subList, body: null } as const;
    if (leftOut) return entry;
    if (size === 0) return { ...entry, body: Buffer.alloc(0) };
    if (this.claimed + size > MESSAGE_MAX_BYTES)
      throw broken('more is under way than the largest message has');
    this.claimed += size;
    this.partials.set(keyOf(of, way), { entry, pieces: [], left: size });
    return null;
  }

  private more(of: OfChannel, way: Way, body: Buffer): Entry | null {
    const partial = this.partials.get(keyOf(of, way));
    if (partial === undefined || body.length > partial.left)
      throw broken('a message has more bytes than it said');
    partial.pieces.push(Buffer.from(body));
    partial.left -= body.length;
    if (partial.left > 0) return null;
    this.drop(of, way);
    return { ...partial.entry, time: of.time, body: Buffer.concat(partial.pieces) };
  }

  private gap(of: OfChannel, way: Way, body: Buffer): Entry {
    if (body.length !== 12) throw broken('a gap is cut');
    this.drop(of, way);
    return {
      ...of,
      ...{ kind: 'gap', way, messages: body.readUInt32LE(0), bytes: Number(body.readBigUInt64LE(4)) },
    };
  }

  private drop(of: OfChannel, way: Way): void {
    const partial = this.partials.get(keyOf(of, way));
    if (partial === undefined) return;
    this.partials.delete(keyOf(of, way));
    this.claimed -= partial.entry.size;
  }
}

function keyOf({ channel }: OfChannel, way: Way): string {
  return `${channel} ${way}`;
}

function broken(what: string): BrokenRecording {
  return new BrokenRecording(`its records are not in order: ${what}`);
}
