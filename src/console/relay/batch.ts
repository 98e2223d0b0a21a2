// SPDX-License-Identifier: Apache-2.0
// What goes out of one direction in one write: pieces in their order, joined only where they do not lie side by side
// already, and where they must be cut for the record rule.
import { TLS_RECORD_BYTES } from '../spice/message-walker.js';

/** Gathers pieces. */
export class Batch {
  private pieces: Buffer[] = [];
  private length = 0;
  /** Where the last two messages end that have their end here. */
  private lastEnd = 0;
  private previousEnd = 0;

  /** Whether there is nothing to write. */
  get empty(): boolean {
    return this.length === 0;
  }

  /** Whether the bytes are a view of one chunk, and live no longer than it. */
  get oneView(): boolean {
    return this.pieces.length === 1;
  }

  /** Adds bytes; `ends` where they hold the last byte of a message. */
  add(bytes: Buffer, ends: boolean): void {
    if (bytes.length === 0) return;
    const last = this.pieces.at(-1);
    if (last !== undefined && liesBehind(last, bytes))
      this.pieces[this.pieces.length - 1] = Buffer.from(
        last.buffer,
        last.byteOffset,
        last.length + bytes.length,
      );
    else this.pieces.push(bytes);
    this.length += bytes.length;
    if (!ends) return;
    this.previousEnd = this.lastEnd;
    this.lastEnd = this.length;
  }

  /** The bytes, and where they must be cut; the batch is empty afterwards. */
  take(): { bytes: Buffer; cut: number } {
    const { pieces, length, previousEnd } = this;
    const [first] = pieces;
    const bytes = pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces, length);
    this.clear();
    return { bytes, cut: previousEnd > ((length - 1) & ~(TLS_RECORD_BYTES - 1)) ? previousEnd : 0 };
  }

  /** Forgets everything. */
  clear(): void {
    this.pieces = [];
    this.length = 0;
    this.lastEnd = 0;
    this.previousEnd = 0;
  }
}

function liesBehind(first: Buffer, second: Buffer): boolean {
  return first.buffer === second.buffer && first.byteOffset + first.length === second.byteOffset;
}
