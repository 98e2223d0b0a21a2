// SPDX-License-Identifier: Apache-2.0
// Gathers bytes into chunks: one copy into memory that grows with what comes, so that a quiet recording holds little and a
// busy one allocates once for each chunk.
import { CHUNK_BYTES } from './layout.js';

const FIRST_BYTES = 4096;
/** Whole chunks' worth of memory that is kept for later, at most. */
const SPARE_CHUNKS = 16;

/** Gathers the bytes of one recording. */
export class ChunkGatherer {
  private chunk: Buffer = Buffer.alloc(0);
  private have = 0;
  /** What the last chunk came to: the next one begins with as much memory. */
  private expected = FIRST_BYTES;
  private spare: Buffer[] = [];

  /** @param full takes each chunk that has all the bytes it may have */
  constructor(private readonly full: (chunk: Buffer) => void) {}

  /** Whether nothing is gathered. */
  get empty(): boolean {
    return this.have === 0;
  }

  /** Copies bytes. */
  add(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) {
      this.makeRoom(bytes.length - at);
      const taken = bytes.copy(this.chunk, this.have, at);
      this.have += taken;
      at += taken;
      if (this.have === CHUNK_BYTES) this.full(this.take());
    }
  }

  /** A chunk that nobody needs any more: its memory is used again while as much comes. */
  giveBack(chunk: Buffer): void {
    if (chunk.length === CHUNK_BYTES && this.expected === CHUNK_BYTES && this.spare.length < SPARE_CHUNKS)
      this.spare.push(chunk);
  }

  /** What is gathered, and begins anew. */
  take(): Buffer {
    const bytes = this.chunk.subarray(0, this.have);
    this.expected = Math.max(FIRST_BYTES, this.have);
    if (this.expected < CHUNK_BYTES) this.spare = [];
    this.chunk = Buffer.alloc(0);
    this.have = 0;
    return bytes;
  }

  private makeRoom(wanted: number): void {
    const { chunk, have, expected } = this;
    if (have < chunk.length) return;
    if (have === 0 && expected === CHUNK_BYTES) {
      this.chunk = this.spare.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
      return;
    }
    const room = have === 0 ? expected : 2 * have;
    this.chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, Math.max(room, have + wanted)));
    chunk.copy(this.chunk, 0, 0, have);
  }
}
