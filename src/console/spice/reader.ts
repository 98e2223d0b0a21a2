// SPDX-License-Identifier: Apache-2.0
// A checked little-endian reader over bytes that are already complete. Running short names the field that was
// being read, so that a log line tells what a peer got wrong.
import { InvalidMessage } from './errors.js';

/** Reads packed little-endian fields in order; never past the end. */
export class Reader {
  private position = 0;

  constructor(private readonly bytes: Buffer) {}

  /** Bytes read so far: the offset of the next field. */
  get offset(): number {
    return this.position;
  }

  /** Bytes that are left. */
  get remaining(): number {
    return this.bytes.length - this.position;
  }

  /** @throws InvalidMessage when the bytes end before the field does */
  u8(field: string): number {
    return this.bytes.readUInt8(this.advance(field, 1));
  }

  /** @throws InvalidMessage when the bytes end before the field does */
  u16(field: string): number {
    return this.bytes.readUInt16LE(this.advance(field, 2));
  }

  /** @throws InvalidMessage when the bytes end before the field does */
  u32(field: string): number {
    return this.bytes.readUInt32LE(this.advance(field, 4));
  }

  /** @throws InvalidMessage when the bytes end before the field does */
  u64(field: string): bigint {
    return this.bytes.readBigUInt64LE(this.advance(field, 8));
  }

  /**
   * The next `length` bytes, as a view (no copy).
   * @throws InvalidMessage when fewer are left
   */
  take(field: string, length: number): Buffer {
    const start = this.advance(field, length);
    return this.bytes.subarray(start, start + length);
  }

  /**
   * Moves to an offset from the start of the bytes, as pointers inside SPICE bodies want.
   * @throws InvalidMessage when it lies outside
   */
  seek(field: string, offset: number): void {
    if (offset < 0 || offset > this.bytes.length) {
      throw new InvalidMessage(field, this.position, `points to ${offset} of ${this.bytes.length} bytes`);
    }
    this.position = offset;
  }

  private advance(field: string, length: number): number {
    const start = this.position;
    if (length > this.bytes.length - start) {
      throw new InvalidMessage(field, start, `needs ${length} bytes, ${this.bytes.length - start} are left`);
    }
    this.position = start + length;
    return start;
  }
}
