// SPDX-License-Identifier: Apache-2.0
// Bytes become chunks: all of them, in their order, in little memory where little comes.
import { describe, expect, it } from '@jest/globals';
import { ChunkGatherer } from '../../../src/recording/chunk-gatherer.js';
import { CHUNK_BYTES } from '../../../src/recording/layout.js';
import { SeededRandom } from '../../fixtures/random.js';

/** So many bytes that are unlike those before and after. */
function bytesFrom(start: number, length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_none, at) => (start + at) % 251));
}

describe('gathered bytes', () => {
  it('come out in their order, in full chunks and a rest, also where memory is used again', () => {
    const random = new SeededRandom(5);
    const chunks: Buffer[] = [];
    const gatherer: ChunkGatherer = new ChunkGatherer((chunk) => {
      expect(chunk.length).toBe(CHUNK_BYTES);
      chunks.push(Buffer.from(chunk));
      gatherer.giveBack(chunk);
    });
    let sent = 0;
    for (let turn = 0; turn < 200; turn += 1) {
      const length = random.below(turn % 10 === 0 ? 3 * CHUNK_BYTES : 9000);
      gatherer.add(bytesFrom(sent, length));
      sent += length;
      if (turn % 40 === 39) chunks.push(Buffer.from(gatherer.take()));
    }
    chunks.push(gatherer.take());
    expect(gatherer.empty).toBe(true);
    expect(Buffer.concat(chunks).equals(bytesFrom(0, sent))).toBe(true);
  });

  it('take as little memory as what comes, and a whole chunk only when one came before', () => {
    const gatherer = new ChunkGatherer(() => undefined);
    gatherer.add(Buffer.alloc(10));
    expect(gatherer.take().buffer.byteLength).toBe(4096);
    gatherer.add(Buffer.alloc(CHUNK_BYTES));
    gatherer.add(Buffer.alloc(10));
    expect(gatherer.take().buffer.byteLength).toBe(CHUNK_BYTES);
    gatherer.add(Buffer.alloc(10));
    expect(gatherer.take().buffer.byteLength).toBe(4096);
  });
});
