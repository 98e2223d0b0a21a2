// SPDX-License-Identifier: Apache-2.0
// Compression of chunks, on the thread pool: zstd where this Node has it (22.15, 23.8 and later), else Brotli at its quickest.
// Which one it was stands in the recording's header.
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { BrokenRecording, CHUNK_BYTES, type Compression } from './layout.js';

type Work = (bytes: Buffer) => Promise<Buffer>;

interface Codec {
  readonly compress: Work;
  readonly decompress: Work;
}

/** As far as the types of an older Node do not know it. */
interface ZstdFunctions {
  readonly zstdCompress?: (bytes: Buffer, options: object, done: ZlibCallback) => void;
  readonly zstdDecompress?: (bytes: Buffer, options: object, done: ZlibCallback) => void;
}

type ZlibCallback = (error: Error | null, result: Buffer) => void;

/**
 * Draws are compressed by the hypervisor already: more effort gains little, and quality 1 takes three to ten times as long as
 * 0. A window (2 to the power of this) of more bytes than a chunk has only costs memory.
 */
const BROTLI_QUALITY = 0;
const BROTLI_WINDOW = Math.log2(CHUNK_BYTES);
const LIMIT = { maxOutputLength: CHUNK_BYTES };
/** Room for all of the result at once: a smaller one costs a turn of the loop each time that it is full. */
const AT_ONCE = { chunkSize: CHUNK_BYTES + 4096 };

const brotli: Codec = {
  compress: (bytes) =>
    promisify(zlib.brotliCompress as BrotliFunction)(bytes, {
      ...AT_ONCE,
      params: {
        [zlib.constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
        [zlib.constants.BROTLI_PARAM_LGWIN]: BROTLI_WINDOW,
      },
    }),
  decompress: (bytes) => promisify(zlib.brotliDecompress as BrotliFunction)(bytes, LIMIT),
};

type BrotliFunction = (bytes: Buffer, options: zlib.BrotliOptions, done: ZlibCallback) => void;

/** What new recordings are compressed with. */
export const BEST: Compression = zstdCodec() === null ? 'brotli' : 'zstd';

/** Compresses a chunk; null: that makes it no smaller. */
export async function compress(kind: Compression, bytes: Buffer): Promise<Buffer | null> {
  const packed = await codecOf(kind).compress(bytes);
  return packed.length < bytes.length ? packed : null;
}

/** The bytes of a chunk. @throws BrokenRecording when it is damaged, larger than a chunk may be, or of a kind this Node lacks */
export async function decompress(kind: Compression, bytes: Buffer): Promise<Buffer> {
  const codec = codecOf(kind);
  try {
    return await codec.decompress(bytes);
  } catch {
    throw new BrokenRecording(`a chunk of it is no ${kind} of at most ${CHUNK_BYTES} bytes; it is damaged`);
  }
}

function codecOf(kind: Compression): Codec {
  if (kind === 'brotli') return brotli;
  const zstd = zstdCodec();
  if (zstd === null)
    throw new BrokenRecording(
      'it is compressed with zstd, which needs Node 22.15 or later; use one to read it',
    );
  return zstd;
}

function zstdCodec(): Codec | null {
  const { zstdCompress, zstdDecompress } = zlib as ZstdFunctions;
  if (zstdCompress === undefined || zstdDecompress === undefined) return null;
  return {
    compress: (bytes) => promisify(zstdCompress)(bytes, AT_ONCE),
    decompress: (bytes) => promisify(zstdDecompress)(bytes, LIMIT),
  };
}
