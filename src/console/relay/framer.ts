// SPDX-License-Identifier: Apache-2.0
// Cuts one direction of one channel into messages, with either kind of header: those that somebody wants whole are
// collected, of all others the bytes stream by in parts. It takes over from the MessageWalker, which serves a
// direction of which nobody wants more than headers, and gives back to it, in the middle of a message if need be.
// Layouts: spice/protocol.h SpiceMiniDataHeader and SpiceDataHeader.
import { FULL_HEADER_BYTES, MINI_HEADER_BYTES } from '../spice/message-walker.js';
import type { Unread } from '../spice/client-messages.js';
import type { Message } from './stage.js';

/** Where the walker left the stream. */
export interface WalkerPlace {
  /** Bytes of the current message that have not come. */
  readonly bodyLeft: number;
  /** The beginning of a header, already written; null: none is under way. */
  readonly header: Buffer | null;
}

/** What is found next, in order. */
export type Frame =
  /** Bytes of a message that streams by; `ends` where they hold the message's last byte. */
  | { readonly kind: 'part'; readonly bytes: Buffer; readonly ends: boolean }
  /** A collected message. */
  | { readonly kind: 'message'; readonly message: Message };

/**
 * Judges a header: whether the message is collected.
 *
 * @param nested whether a full header announces messages within the body
 * @param late the header's beginning is written already: the message can only stream by
 * @throws to end the channel
 */
export type HeaderJudge = (type: number, size: number, nested: boolean, late: boolean) => boolean;

/** A message is collected into as much memory as has come, not as much as its header claims. */
const FIRST_COLLECTED_BYTES = 4096;

/** Follows one direction. Usage: push(), then next() until it gives null, before the next push(). */
export class Framer {
  private readonly headerBytes: number;
  private readonly typeOffset: number;
  private chunk: Buffer = Buffer.alloc(0);
  private offset = 0;
  /** Whether a collected message may be a view of the chunk. */
  private keeps = false;
  /** A header or a collected message that is not complete. */
  private kept: Buffer | null = null;
  private keptHave = 0;
  /** Bytes of `kept` that must come; of a collected message all of it, else the header's. */
  private keptWanted = 0;
  /** Bytes at the start of `kept` that are written already. */
  private keptSent = 0;
  /** Bytes of a streaming message that have not come. */
  private partLeft = 0;

  constructor(
    private readonly miniHeader: boolean,
    private readonly judge: HeaderJudge,
  ) {
    this.headerBytes = miniHeader ? MINI_HEADER_BYTES : FULL_HEADER_BYTES;
    this.typeOffset = miniHeader ? 0 : 8;
  }

  /** Whether a part of a message went by whose end has not come: nothing may be put in. */
  get midMessage(): boolean {
    return this.partLeft > 0 || this.keptSent > 0;
  }

  /** Whether bytes are kept that nobody has seen: only then the walker cannot go on. */
  get keeping(): boolean {
    return this.kept !== null && this.keptSent === 0;
  }

  /** Bytes of the chunk that next() has not looked at. */
  get unread(): number {
    return this.chunk.length - this.offset;
  }

  /** Goes on where the walker is. */
  takeOver({ bodyLeft, header }: WalkerPlace): void {
    this.partLeft = bodyLeft;
    if (header === null) return;
    this.keep(this.headerBytes, header);
    this.keptSent = header.length;
  }

  /** Where a walker must go on; the framer is as new afterwards. Not while {@link keeping}. */
  giveBack(): WalkerPlace {
    const header = this.kept === null ? null : this.kept.subarray(0, this.keptHave);
    const place = { bodyLeft: this.partLeft, header };
    this.partLeft = 0;
    this.kept = null;
    this.keptSent = 0;
    return place;
  }

  /** What nobody has seen whole, for another reader; good until the next chunk. */
  get remains(): Unread {
    const kept = this.kept === null ? [] : [this.kept.subarray(0, this.keptHave)];
    return { bodyLeft: this.partLeft, bytes: Buffer.concat([...kept, this.chunk.subarray(this.offset)]) };
  }

  /**
   * Takes the next chunk; the one before must have been read to its end.
   *
   * @param kept whether the chunk stays as it is: then messages are views of it, else copies
   */
  push(chunk: Buffer, kept: boolean): void {
    this.chunk = chunk;
    this.offset = 0;
    this.keeps = kept;
  }

  /** Keeps a copy of what is unread, because the chunk is overwritten before next() is called again. */
  detach(): void {
    if (this.keeps) return;
    this.chunk = Buffer.from(this.chunk.subarray(this.offset));
    this.offset = 0;
    this.keeps = true;
  }

  /** What is found next; null: the chunk is read to its end. */
  next(): Frame | null {
    for (;;) {
      const left = this.chunk.length - this.offset;
      if (left === 0) return null;
      let frame: Frame | null;
      if (this.partLeft > 0) frame = this.part(this.partLeft);
      else if (this.kept !== null) frame = this.complete(this.kept);
      else if (left < this.headerBytes) frame = this.keepHeader();
      else frame = this.begin();
      if (frame !== null) return frame;
    }
  }

  /** The next bytes of a message that streams by. */
  private part(wanted: number): Frame {
    const taken = Math.min(wanted, this.chunk.length - this.offset);
    this.partLeft = wanted - taken;
    return { kind: 'part', bytes: this.take(taken), ends: this.partLeft === 0 };
  }

  private begin(): Frame | null {
    const { chunk, offset, headerBytes } = this;
    const size = this.sizeOf(chunk, offset);
    if (!this.collects(chunk, offset, size, false)) return this.part(headerBytes + size);
    const whole = headerBytes + size;
    if (chunk.length - offset < whole) {
      this.keep(whole, this.take(chunk.length - offset));
      return null;
    }
    const bytes = this.take(whole);
    return this.message(this.keeps ? bytes : Buffer.from(bytes));
  }

  private keepHeader(): null {
    this.keep(this.headerBytes, this.take(this.chunk.length - this.offset));
    return null;
  }

  /** Goes on with what is kept: a whole header is judged, a whole message is given. */
  private complete(kept: Buffer): Frame | null {
    const bytes = this.take(Math.min(this.keptWanted - this.keptHave, this.chunk.length - this.offset));
    this.fill(kept, bytes);
    if (this.keptHave < this.keptWanted) return null;
    const whole = (this.kept ?? kept).subarray(0, this.keptWanted);
    this.kept = null;
    return whole.length > this.headerBytes ? this.message(whole) : this.afterHeader(whole);
  }

  /** Goes on behind a header that came in pieces. */
  private afterHeader(header: Buffer): Frame | null {
    const size = this.sizeOf(header, 0);
    const sent = this.keptSent;
    this.keptSent = 0;
    if (!this.collects(header, 0, size, sent > 0)) {
      this.partLeft = size;
      return { kind: 'part', bytes: header.subarray(sent), ends: size === 0 };
    }
    if (size === 0) return this.message(header);
    this.keep(this.headerBytes + size, header);
    return null;
  }

  private message(bytes: Buffer): Frame {
    const type = bytes.readUInt16LE(this.typeOffset);
    return { kind: 'message', message: { type, bytes, body: bytes.subarray(this.headerBytes) } };
  }

  private keep(wanted: number, bytes: Buffer): void {
    this.kept = Buffer.allocUnsafeSlow(Math.min(wanted, Math.max(FIRST_COLLECTED_BYTES, bytes.length)));
    this.keptWanted = wanted;
    this.keptHave = 0;
    this.fill(this.kept, bytes);
  }

  private fill(kept: Buffer, bytes: Buffer): void {
    let room = kept;
    const have = this.keptHave + bytes.length;
    if (have > kept.length) {
      room = Buffer.allocUnsafeSlow(Math.min(this.keptWanted, 2 * have));
      kept.copy(room, 0, 0, this.keptHave);
      this.kept = room;
    }
    bytes.copy(room, this.keptHave);
    this.keptHave = have;
  }

  private take(length: number): Buffer {
    const bytes = this.chunk.subarray(this.offset, this.offset + length);
    this.offset += length;
    return bytes;
  }

  private sizeOf(bytes: Buffer, at: number): number {
    return bytes.readUInt32LE(at + this.typeOffset + 2);
  }

  private collects(bytes: Buffer, at: number, size: number, late: boolean): boolean {
    const nested = !this.miniHeader && bytes.readUInt32LE(at + 14) !== 0;
    return this.judge(bytes.readUInt16LE(at + this.typeOffset), size, nested, late);
  }
}
