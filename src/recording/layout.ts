// SPDX-License-Identifier: Apache-2.0
// The bytes of a recording, as doc/source/reference/recording-format.rst has them: a header in the clear, then chunks, each
// compressed and sealed by itself. All numbers are little-endian.
import { InvalidInput } from '../exception.js';
import { METADATA_MAX_BYTES, metadataBytes, metadataOf, type RecordingMetadata } from './metadata.js';

/** What a recording cannot be read for. The message names what is wrong, and where. */
export class BrokenRecording extends InvalidInput {}

/** The first bytes of every recording of this version of the format. */
export const MAGIC = Buffer.from('KERBREC1', 'ascii');
/** Bytes of the header in front of the metadata. */
export const HEADER_BYTES = 64;
/** Bytes of a chunk's header. */
export const CHUNK_HEADER_BYTES = 16;
/** Bytes of the seal behind each chunk (the tag of AES-256-GCM). */
export const TAG_BYTES = 16;
/** Bytes of records in one chunk at most, before compression. */
export const CHUNK_BYTES = 256 * 1024;
/** Bytes of one sealed chunk at most: what does not get smaller is stored as it is. */
const SEALED_MAX_BYTES = CHUNK_BYTES;

const KEY_BYTES = 32;
const FINGERPRINT_BYTES = 16;
const FLAG_LAST = 1;
const FLAG_STORED = 2;
const FLAG_MISSING = 4;

/** How chunks are compressed, by the number that the header has. */
export const COMPRESSIONS = { zstd: 1, brotli: 2 } as const;
export type Compression = keyof typeof COMPRESSIONS;

/** What a recording begins with. */
export interface Header {
  readonly compression: Compression;
  /** X25519, 32 bytes, made for this recording alone. */
  readonly ephemeralKey: Buffer;
  /** The first 16 bytes of the SHA-256 of the operator's public key. */
  readonly fingerprint: Buffer;
  readonly metadata: RecordingMetadata;
}

/** What stands before each chunk. */
export interface ChunkHeader {
  /** Bytes of the sealed chunk, without its tag. */
  readonly length: number;
  /** Nothing follows. */
  readonly last: boolean;
  /** It is not compressed. */
  readonly stored: boolean;
  /** A gap has begun, or the recording ends before its session does. */
  readonly missing: boolean;
  /** Microseconds from the beginning to the last record that begins in it. */
  readonly time: number;
}

/** The whole header, metadata included. */
export function encodeHeader({ compression, ephemeralKey, fingerprint, metadata }: Header): Buffer {
  const text = metadataBytes(metadata);
  const bytes = Buffer.alloc(HEADER_BYTES + text.length);
  MAGIC.copy(bytes, 0);
  bytes.writeUInt8(COMPRESSIONS[compression], 8);
  ephemeralKey.copy(bytes, 12);
  fingerprint.copy(bytes, 44);
  bytes.writeUInt32LE(text.length, 60);
  text.copy(bytes, HEADER_BYTES);
  return bytes;
}

/** Bytes of the metadata that follow a header. @throws BrokenRecording when it is no header of this version */
export function metadataLength(head: Buffer): number {
  if (head.length < HEADER_BYTES || !head.subarray(0, MAGIC.length).equals(MAGIC))
    throw new BrokenRecording('it is no recording, or one of another version of the format');
  const length = head.readUInt32LE(60);
  if (length > METADATA_MAX_BYTES)
    throw new BrokenRecording(
      `its metadata claim ${length} bytes; there are ${METADATA_MAX_BYTES} at most, so the header is damaged`,
    );
  return length;
}

/** Reads a whole header. @throws BrokenRecording */
export function decodeHeader(bytes: Buffer): Header {
  const length = metadataLength(bytes);
  const number = bytes.readUInt8(8);
  const compression = (Object.keys(COMPRESSIONS) as Compression[]).find(
    (name) => COMPRESSIONS[name] === number,
  );
  if (compression === undefined)
    throw new BrokenRecording(`its chunks are compressed in a way that is not known (${number})`);
  if (bytes.length < HEADER_BYTES + length) throw new BrokenRecording('it ends within its header');
  const metadata = metadataOf(bytes.subarray(HEADER_BYTES, HEADER_BYTES + length));
  if (metadata === null)
    throw new BrokenRecording('its metadata are not what a recording has; it is damaged');
  return {
    compression,
    ephemeralKey: bytes.subarray(12, 12 + KEY_BYTES),
    fingerprint: bytes.subarray(44, 44 + FINGERPRINT_BYTES),
    metadata,
  };
}

/** The header of a chunk. */
export function encodeChunkHeader({ length, last, stored, missing, time }: ChunkHeader): Buffer {
  const bytes = Buffer.alloc(CHUNK_HEADER_BYTES);
  bytes.writeUInt32LE(length, 0);
  bytes.writeUInt8((last ? FLAG_LAST : 0) | (stored ? FLAG_STORED : 0) | (missing ? FLAG_MISSING : 0), 4);
  bytes.writeBigUInt64LE(BigInt(time), 8);
  return bytes;
}

/** Reads the header of a chunk. @throws BrokenRecording when a chunk cannot be like that */
export function decodeChunkHeader(bytes: Buffer, number: number): ChunkHeader {
  const length = bytes.readUInt32LE(0);
  if (length > SEALED_MAX_BYTES)
    throw new BrokenRecording(
      `chunk ${number} claims ${length} bytes; ${SEALED_MAX_BYTES} is the most, so the file is damaged from there on`,
    );
  const flags = bytes.readUInt8(4);
  return {
    ...{ length, last: (flags & FLAG_LAST) !== 0, stored: (flags & FLAG_STORED) !== 0 },
    missing: (flags & FLAG_MISSING) !== 0,
    time: Number(bytes.readBigUInt64LE(8)),
  };
}
