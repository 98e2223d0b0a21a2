// SPDX-License-Identifier: Apache-2.0
// Bytes that arrived and are not parsed yet, for the link stage only: small, bounded, and always a copy, because
// the caller's chunk may lie in a buffer that the next read overwrites.
import { LINK_PENDING_MAX } from './constants.js';
import { LimitExceeded } from './errors.js';

/** A bounded queue of bytes. */
export class PendingBytes {
  private bytes = Buffer.alloc(0);

  /** Bytes that wait. */
  get length(): number {
    return this.bytes.length;
  }

  /**
   * Adds a copy of the chunk.
   * @throws LimitExceeded when more than {@link LINK_PENDING_MAX} bytes wait already
   */
  append(chunk: Uint8Array): void {
    if (this.bytes.length > LINK_PENDING_MAX) {
      throw new LimitExceeded('unread link bytes', LINK_PENDING_MAX, this.bytes.length + chunk.length);
    }
    this.bytes = Buffer.concat([this.bytes, chunk]);
  }

  /** The first `length` bytes without taking them, or null while fewer wait. */
  peek(length: number): Buffer | null {
    return this.bytes.length < length ? null : this.bytes.subarray(0, length);
  }

  /** Takes the first `length` bytes, or gives null and takes nothing while fewer wait. */
  take(length: number): Buffer | null {
    const taken = this.peek(length);
    if (taken !== null) {
      this.bytes = this.bytes.subarray(length);
    }
    return taken;
  }

  /** Takes all that waits. */
  takeAll(): Buffer {
    const taken = this.bytes;
    this.bytes = Buffer.alloc(0);
    return taken;
  }
}
