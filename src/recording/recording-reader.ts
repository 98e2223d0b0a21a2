// SPDX-License-Identifier: Apache-2.0
// Reads one recording: in the clear who it is of and how large and long it is, and with the private key its entries. A file that
// was cut, changed or put together of others is found out, and what came before that is read all the same.
import { open, type FileHandle } from 'node:fs/promises';
import { decompress } from './compression.js';
import { InvalidInput } from '../exception.js';
import type { privateKeyOf } from './keys.js';
import {
  BrokenRecording,
  CHUNK_HEADER_BYTES,
  decodeChunkHeader,
  decodeHeader,
  HEADER_BYTES,
  metadataLength,
  TAG_BYTES,
  type Header,
} from './layout.js';
import type { RecordingMetadata } from './metadata.js';
import { RecordReader, type Entry } from './records.js';
import { Opener } from './sealing.js';

/** The operator's private key. */
export type PrivateKey = ReturnType<typeof privateKeyOf>;

/** What a recording shows to somebody without its key. */
export interface RecordingSummary {
  readonly path: string;
  readonly metadata: RecordingMetadata;
  /** Of the file. */
  readonly bytes: number;
  /** Seconds from the beginning to the last record. */
  readonly seconds: number;
  /** Whether it has its end; only the key proves it. */
  readonly complete: boolean;
  /** Whether what passed is not all in it: it has gaps, or ended before its session did. Only the key proves it. */
  readonly gaps: boolean;
  /** Whether somebody writes it: it was touched not long ago. */
  readonly live: boolean;
}

/** How the names of recordings end that have not ended. */
export const LIVE_EXTENSION = '.kerbrec.part';
/** Milliseconds between two moments at which their proxies touch recordings that are being written. */
export const TOUCH_MS = 60_000;
/** Milliseconds without a touch after which nobody writes a recording any more. */
const UNTOUCHED_MS = 5 * TOUCH_MS;

/**
 * Reads what is in the clear.
 *
 * @param now epoch milliseconds
 * @throws BrokenRecording when it is no recording, and what the disk throws
 */
export async function summaryOf(path: string, now = Date.now()): Promise<RecordingSummary> {
  const file = await open(path, 'r');
  try {
    const { bytes: header, parsed } = await readHeader(file);
    const { size, mtimeMs } = await file.stat();
    let at = header.length;
    let time = 0;
    let complete = false;
    let gaps = false;
    for (let number = 0; at + CHUNK_HEADER_BYTES <= size && !complete; number += 1) {
      const head = decodeChunkHeader(await exactly(file, CHUNK_HEADER_BYTES, at), number);
      at += CHUNK_HEADER_BYTES + head.length + TAG_BYTES;
      if (at > size) break;
      time = head.time;
      complete = head.last;
      gaps ||= head.missing;
    }
    return {
      ...{ path, metadata: parsed.metadata, bytes: size, complete: complete && at === size, gaps },
      live: path.endsWith(LIVE_EXTENSION) && now - mtimeMs < UNTOUCHED_MS,
      seconds: time / 1e6,
    };
  } finally {
    await file.close();
  }
}

/** How the reading of a recording went. */
export interface ReadOutcome {
  /** The last chunk was there and nothing behind it. */
  complete: boolean;
  /** What was wrong; null: nothing, or the file just ends too early. */
  fault: string | null;
}

/**
 * The entries of a recording in their order, as far as it can be read.
 *
 * @param outcome told how it went, once all entries are read
 * @throws InvalidInput when the recording was made for another key
 * @throws BrokenRecording when it is no recording
 */
export async function* entriesOf(
  path: string,
  key: PrivateKey,
  outcome: ReadOutcome,
): AsyncGenerator<Entry, void, undefined> {
  const file = await open(path, 'r');
  try {
    const { bytes: header, parsed } = await readHeader(file);
    if (!parsed.fingerprint.equals(key.publicKey.fingerprint))
      throw new InvalidInput(
        `${path} was made for another key; give the private key that belongs to the public one of that time`,
      );
    yield* readChunks(file, { header, parsed, key }, outcome);
  } finally {
    await file.close();
  }
}

interface OpenedRecording {
  readonly header: Buffer;
  readonly parsed: Header;
  readonly key: PrivateKey;
}

async function* readChunks(
  file: FileHandle,
  { header, parsed, key }: OpenedRecording,
  outcome: ReadOutcome,
): AsyncGenerator<Entry, void, undefined> {
  const records = new RecordReader();
  let at = header.length;
  try {
    const opener = new Opener(key, header, parsed.ephemeralKey);
    const { size } = await file.stat();
    for (let number = 0; at < size; number += 1) {
      const chunk = await readChunk(file, at, size, number);
      if (chunk === null) return;
      const { head, bytes } = chunk;
      const opened = opener.open(bytes.subarray(0, CHUNK_HEADER_BYTES), bytes.subarray(CHUNK_HEADER_BYTES));
      const content = head.stored ? opened : await decompress(parsed.compression, opened);
      at += bytes.length;
      yield* records.push(content);
      if (!head.last) continue;
      if (at < size) throw new BrokenRecording(`${size - at} bytes follow its end`);
      outcome.complete = true;
    }
  } catch (error) {
    if (!(error instanceof BrokenRecording)) throw error;
    outcome.complete = false;
    outcome.fault = error.message;
  }
}

/** null: the file ends within it. */
async function readChunk(
  file: FileHandle,
  at: number,
  size: number,
  number: number,
): Promise<{ readonly head: ReturnType<typeof decodeChunkHeader>; readonly bytes: Buffer } | null> {
  if (at + CHUNK_HEADER_BYTES > size) return null;
  const head = decodeChunkHeader(await exactly(file, CHUNK_HEADER_BYTES, at), number);
  const length = CHUNK_HEADER_BYTES + head.length + TAG_BYTES;
  return at + length > size ? null : { head, bytes: await exactly(file, length, at) };
}

async function readHeader(file: FileHandle): Promise<{ readonly bytes: Buffer; readonly parsed: Header }> {
  const fixed = await exactly(file, HEADER_BYTES, 0);
  const text = await exactly(file, metadataLength(fixed), HEADER_BYTES);
  const bytes = Buffer.concat([fixed, text]);
  return { bytes, parsed: decodeHeader(bytes) };
}

/** As many bytes from there. @throws BrokenRecording when the file has fewer */
async function exactly(file: FileHandle, length: number, position: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let have = 0;
  while (have < length) {
    const { bytesRead } = await file.read(bytes, have, length - have, position + have);
    if (bytesRead === 0) throw new BrokenRecording('it ends too early to be a recording');
    have += bytesRead;
  }
  return bytes;
}
