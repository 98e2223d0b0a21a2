// SPDX-License-Identifier: Apache-2.0
// What waits to be written to the tap pipe: copied into blocks that are used again once they are written, since memory that
// is new for every chunk costs more than the copy.

const BLOCK_BYTES = 256 * 1024;
/** Blocks that are kept for later, at most. */
const SPARE_BLOCKS = 16;

interface Block {
  readonly bytes: Buffer;
  /** Bytes that are filled, and of these those that were handed over. */
  filled: number;
  given: number;
  /** Pieces of it that are being written. */
  writing: number;
}

/** Bytes on their way into a stream. */
export class OutgoingBlocks {
  private current: Block = newBlock();
  /** Full ones that were not handed over, before the current one. */
  private full: Block[] = [];
  private readonly spare: Block[] = [];

  /** Copies bytes. */
  append(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) {
      const { current } = this;
      const taken = bytes.copy(current.bytes, current.filled, at);
      current.filled += taken;
      at += taken;
      if (current.filled < BLOCK_BYTES) continue;
      this.full.push(current);
      this.current = this.spare.pop() ?? newBlock();
    }
  }

  /** Hands over what was appended since the last time. @param write told `done` when it needs the bytes no more */
  flush(write: (bytes: Buffer, done: () => void) => void): void {
    for (const block of [...this.full, this.current]) {
      const bytes = block.bytes.subarray(block.given, block.filled);
      if (bytes.length === 0) continue;
      block.given = block.filled;
      block.writing += 1;
      write(bytes, () => this.written(block));
    }
    this.full = [];
  }

  private written(block: Block): void {
    block.writing -= 1;
    if (block.writing > 0 || block.given < block.filled) return;
    if (block !== this.current && this.spare.length >= SPARE_BLOCKS) return;
    block.filled = 0;
    block.given = 0;
    if (block !== this.current) this.spare.push(block);
  }
}

function newBlock(): Block {
  return { bytes: Buffer.allocUnsafeSlow(BLOCK_BYTES), filled: 0, given: 0, writing: 0 };
}
