// SPDX-License-Identifier: Apache-2.0
// A checked little-endian writer into a buffer of known size. A value out of range, a write past the end and an
// incomplete struct are faults of ours and throw RangeError.

/** Writes packed little-endian fields in order into exactly `size` bytes, zero-filled before. */
export class Writer {
  private readonly bytes: Buffer;
  private position = 0;

  constructor(size: number) {
    this.bytes = Buffer.alloc(size);
  }

  /** @throws RangeError when the value does not fit or the buffer is full */
  u8(value: number): this {
    this.position = this.bytes.writeUInt8(value, this.position);
    return this;
  }

  /** @throws RangeError when the value does not fit or the buffer is full */
  u16(value: number): this {
    this.position = this.bytes.writeUInt16LE(value, this.position);
    return this;
  }

  /** @throws RangeError when the value does not fit or the buffer is full */
  u32(value: number): this {
    this.position = this.bytes.writeUInt32LE(value, this.position);
    return this;
  }

  /** @throws RangeError when the value does not fit or the buffer is full */
  u64(value: bigint): this {
    this.position = this.bytes.writeBigUInt64LE(value, this.position);
    return this;
  }

  /** @throws RangeError when the buffer has no room for all of them */
  raw(value: Uint8Array): this {
    if (value.length > this.bytes.length - this.position) {
      throw new RangeError(`${value.length} bytes do not fit into ${this.bytes.length - this.position}`);
    }
    this.bytes.set(value, this.position);
    this.position += value.length;
    return this;
  }

  /** @throws RangeError when bytes are still missing */
  finish(): Buffer {
    if (this.position !== this.bytes.length) {
      throw new RangeError(`${this.position} of ${this.bytes.length} bytes were written`);
    }
    return this.bytes;
  }
}
