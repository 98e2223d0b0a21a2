// SPDX-License-Identifier: Apache-2.0
// LZ4 blocks, as SPICEVMC_COMPRESSED_DATA has them. Source: the block format of the LZ4 project (lz4_Block_format.md).
import { PeerMisbehaved } from './errors.js';

/** Bytes of the shortest match. */
const MIN_MATCH = 4;
/** A length of this in a token goes on in bytes behind it, and in 255 of each of those. */
const MORE = 15;
const MORE_BYTE = 255;

/**
 * Decompresses one block.
 *
 * @param size bytes of the result, exactly; the caller has bounded it
 * @throws PeerMisbehaved for a block that is none, or that becomes anything else than that many bytes
 */
export function decompressBlock(block: Buffer, size: number): Buffer {
  const out = Buffer.allocUnsafe(size);
  let from = 0;
  let to = 0;
  const next = (): number => {
    const byte = block[from];
    if (byte === undefined) throw broken();
    from += 1;
    return byte;
  };
  const length = (first: number): number => {
    let sum = first;
    if (first < MORE) return sum;
    for (let byte = MORE_BYTE; byte === MORE_BYTE;) {
      byte = next();
      sum += byte;
    }
    return sum;
  };
  while (from < block.length) {
    const token = next();
    const literals = length(token >>> 4);
    if (literals > block.length - from || literals > size - to) throw broken();
    block.copy(out, to, from, from + literals);
    from += literals;
    to += literals;
    if (from === block.length) break;
    const offset = next() | (next() << 8);
    const match = length(token & MORE) + MIN_MATCH;
    if (offset === 0 || offset > to || match > size - to) throw broken();
    copyMatch(out, to, offset, match);
    to += match;
  }
  if (to !== size) throw broken();
  return out;
}

/** A match may reach into what it writes: then the bytes before it repeat. */
function copyMatch(out: Buffer, to: number, offset: number, match: number): void {
  if (offset >= match) {
    out.copyWithin(to, to - offset, to - offset + match);
    return;
  }
  for (let at = 0; at < match; at += 1) out[to + at] = out[to + at - offset] as number;
}

function broken(): PeerMisbehaved {
  return new PeerMisbehaved('compressed data cannot be decompressed');
}
