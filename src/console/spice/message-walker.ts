// SPDX-License-Identifier: Apache-2.0
// The walk over a channel's message headers as the bytes stream by: it finds where messages begin, compares
// type and size with a table, and never buffers a body. This is the relay's hot path: integers only, no
// allocation per chunk. Layouts: spice/protocol.h SpiceMiniDataHeader and SpiceDataHeader.
import { LimitExceeded } from './errors.js';

/** Bytes of a SpiceMiniDataHeader: u16 type, u32 size. */
export const MINI_HEADER_BYTES = 6;
/** Bytes of a SpiceDataHeader: u64 serial, u16 type, u32 size, u32 sub_list. */
export const FULL_HEADER_BYTES = 18;

/**
 * Plaintext bytes of a TLS record (RFC 8446, section 5.1): a write of n bytes is cut into records of this size from
 * its start. spice-gtk waits on its socket and takes one message each time it is woken; while a later record is
 * unread the socket stays readable, but of the last record it must complete one message only, or the second one
 * would lie in the TLS engine until more bytes come.
 */
export const TLS_RECORD_BYTES = 16_384;

/** Which headers pass without a word: looked up for every message. What it says holds from the next message on. */
export interface HeaderGate {
  /** One byte for each message type, 1 where the type passes; null: every type does. */
  readonly allowed: Uint8Array | null;
  /** The largest body that passes, in bytes. */
  readonly maxBodyBytes: number;
  /**
   * Called for every other message.
   *
   * @throws to end the channel; else the message passes
   */
  judge(type: number, size: number): void;
}

/** Follows one direction of one channel. */
export class MessageWalker {
  /** Messages whose header has come. */
  messages = 0;
  /** Bytes of the current message's body that have not come yet. */
  private bodyLeft = 0;
  /** The beginning of a header that was cut by the end of a chunk. */
  private header: Buffer | null = null;
  private headerHave = 0;
  private readonly headerBytes: number;
  private readonly typeOffset: number;

  /**
   * @param miniHeader whether the channel uses 6-byte headers (both legs do, or neither)
   * @param gate which messages pass without a word
   */
  constructor(
    miniHeader: boolean,
    private readonly gate: HeaderGate,
  ) {
    this.headerBytes = miniHeader ? MINI_HEADER_BYTES : FULL_HEADER_BYTES;
    this.typeOffset = miniHeader ? 0 : 8;
  }

  /**
   * Follows the first `length` bytes of `chunk`.
   *
   * @returns where the chunk must be cut in two writes so that its last TLS record holds the end of one message at
   *   most; 0 when it need not be cut (see {@link TLS_RECORD_BYTES})
   * @throws what the gate throws
   */
  walk(chunk: Buffer, length: number): number {
    if (this.bodyLeft > length) {
      this.bodyLeft -= length;
      return 0;
    }
    const headerBytes = this.headerBytes;
    let offset = this.bodyLeft;
    let previousEnd = 0;
    let lastEnd = offset;
    this.bodyLeft = 0;
    if (this.headerHave > 0) {
      offset = this.finishHeader(chunk, length);
      if (offset > length) return this.leave(offset - length);
      if (this.headerHave === 0) lastEnd = offset;
    }
    while (offset < length) {
      if (length - offset < headerBytes) {
        this.keepHeader(chunk, offset, length);
        break;
      }
      const size = this.check(chunk, offset + this.typeOffset);
      offset += headerBytes + size;
      if (offset > length) {
        this.bodyLeft = offset - length;
        break;
      }
      previousEnd = lastEnd;
      lastEnd = offset;
    }
    return previousEnd > ((length - 1) & ~(TLS_RECORD_BYTES - 1)) ? previousEnd : 0;
  }

  /** Whether the bytes so far end exactly where a message ends. */
  get atBoundary(): boolean {
    return this.bodyLeft === 0 && this.headerHave === 0;
  }

  /** Where another parser must go on: body bytes of the current message to come, or the beginning of a header. */
  place(): { readonly bodyLeft: number; readonly header: Buffer | null } {
    const { bodyLeft, headerHave } = this;
    return { bodyLeft, header: headerHave === 0 ? null : (this.header as Buffer).subarray(0, headerHave) };
  }

  /** Goes on where another parser is: within a body or a header, or at a boundary. */
  goOn(bodyLeft: number, header: Buffer | null): void {
    this.bodyLeft = bodyLeft;
    this.headerHave = 0;
    if (header !== null) this.keepHeader(header, 0, header.length);
  }

  /** Completes a header that an earlier chunk began; gives where its message ends, perhaps behind the chunk. */
  private finishHeader(chunk: Buffer, length: number): number {
    const header = this.header as Buffer;
    const wanted = this.headerBytes - this.headerHave;
    const taken = wanted < length ? wanted : length;
    chunk.copy(header, this.headerHave, 0, taken);
    this.headerHave += taken;
    if (this.headerHave < this.headerBytes) return length;
    this.headerHave = 0;
    return taken + this.check(header, this.typeOffset);
  }

  private leave(bodyLeft: number): number {
    this.bodyLeft = bodyLeft;
    return 0;
  }

  private keepHeader(chunk: Buffer, offset: number, length: number): void {
    this.header ??= Buffer.alloc(FULL_HEADER_BYTES);
    chunk.copy(this.header, 0, offset, length);
    this.headerHave = length - offset;
  }

  /** Reads type and size at `at` (u16 type, u32 size in both header forms), asks the gate, gives the size. */
  private check(bytes: Buffer, at: number): number {
    const type = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
    // Sizes of 2 GiB and more come out negative: the comparison stays within 31-bit integers.
    const size =
      (bytes[at + 2] as number) |
      ((bytes[at + 3] as number) << 8) |
      ((bytes[at + 4] as number) << 16) |
      ((bytes[at + 5] as number) << 24);
    this.messages += 1;
    const gate = this.gate;
    const allowed = gate.allowed;
    if (
      size < 0 ||
      size > gate.maxBodyBytes ||
      (allowed !== null && (type >= allowed.length || allowed[type] === 0))
    )
      this.ask(type, size);
    return size;
  }

  private ask(type: number, size: number): void {
    this.gate.judge(type, size >>> 0);
    if (size < 0) throw new LimitExceeded('message size', 2 ** 31 - 1, size >>> 0);
  }
}
