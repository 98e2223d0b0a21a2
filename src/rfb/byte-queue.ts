// SPDX-License-Identifier: Apache-2.0
// Bytes of a handshake that came and are not read yet: few, and bounded.
import { RfbFault } from './wire.js';

/** More than any step of a handshake waits for, with what a server may send behind it at once. */
const MAX_PENDING = 64 * 1024;

/** Takes bytes in whatever pieces they come, gives them in the pieces that are asked for. */
export class ByteQueue {
  private pending: Buffer = Buffer.alloc(0);

  /** Adds a copy. @throws RfbFault when too many wait */
  push(chunk: Buffer): void {
    if (this.pending.length + chunk.length > MAX_PENDING)
      throw new RfbFault('protocol', 'more bytes in the handshake than anybody waits for');
    this.pending = Buffer.concat([this.pending, chunk]);
  }

  /** The next `count` bytes, which stay; null while they have not all come. */
  peek(count: number): Buffer | null {
    return this.pending.length < count ? null : this.pending.subarray(0, count);
  }

  /** The same, taken out. */
  take(count: number): Buffer | null {
    const bytes = this.peek(count);
    if (bytes !== null) this.pending = this.pending.subarray(count);
    return bytes;
  }

  /** All that is left. */
  takeAll(): Buffer {
    const { pending } = this;
    this.pending = Buffer.alloc(0);
    return pending;
  }
}
