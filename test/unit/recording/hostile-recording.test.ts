// SPDX-License-Identifier: Apache-2.0
// Recordings that were damaged, or made to do harm by somebody who has the public key: thousands of them, each of which ends in a
// clear fault or in fewer entries, never in a wrong one, a crash or memory without bound.
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { InvalidInput } from '../../../src/exception.js';
import { brotliCompressSync, constants } from 'node:zlib';
import { BrokenRecording, CHUNK_BYTES, decodeHeader, HEADER_BYTES } from '../../../src/recording/layout.js';
import { summaryOf } from '../../../src/recording/recording-reader.js';
import {
  MESSAGE_MAX_BYTES,
  RecordReader,
  writeChannel,
  writeClosed,
  writeEnd,
  writeGap,
  writeMessage,
  writeMore,
  type Entry,
} from '../../../src/recording/records.js';
import { Sealer } from '../../../src/recording/sealing.js';
import { publicKeyOf } from '../../../src/recording/keys.js';
import { SeededRandom } from '../../fixtures/random.js';
import {
  readRecording,
  recordingFolder,
  recordingKeys,
  recordingMetadata,
  recordingParts,
  recordingsIn,
} from '../../fixtures/recordings.js';
import { scratchFolder } from '../../fixtures/scratch.js';
import { encodeMessage } from '../../fixtures/spice-messages.js';
import { SessionRecording } from '../../../src/recording/session-recording.js';

const LONG_MS = 120_000;
const QUICK = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };
const FACTS = { type: 2, id: 0, generation: 1, clientCaps: [5], backendCaps: [7] };

const folder = scratchFolder('kerbside-hostile-');
const keys = recordingKeys(folder);
const file = join(folder, 'hostile.kerbrec');
let whole: Buffer;
let entries: Entry[];

beforeAll(async () => {
  const path = recordingFolder(join(folder, 'good'));
  const watcher = { wrote: () => undefined, gap: () => undefined, failed: () => undefined };
  const parts = recordingParts(path, keys.publicKey);
  const recording = new SessionRecording(recordingMetadata(), parts, watcher);
  const channel = recording.begin(FACTS, true, 0);
  for (let at = 0; at < 30; at += 1)
    recording.push(channel, 'down', encodeMessage(304, randomBytes(10 * at), { miniHeader: true }), at);
  await recording.end('done', 40);
  const [good = ''] = recordingsIn(path);
  whole = readFileSync(good);
  ({ entries } = await readRecording(good, keys.privateKey));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** One of several harms to bytes. */
function harmed(bytes: Buffer, random: SeededRandom): Buffer {
  const copy = Buffer.from(bytes);
  const at = random.below(copy.length);
  switch (random.below(6)) {
    case 0:
      return copy.subarray(0, at);
    case 1:
      copy.writeUInt8(copy.readUInt8(at) ^ (1 << random.below(8)), at);
      return copy;
    case 2: // A length, or anything else, is as large as can be.
      copy.fill(0xff, at, Math.min(copy.length, at + 4));
      return copy;
    case 3:
      return Buffer.concat([copy.subarray(0, at), copy.subarray(at + 1 + random.below(40))]);
    case 4: {
      const end = Math.min(copy.length, at + 1 + random.below(60));
      return Buffer.concat([copy.subarray(0, end), copy.subarray(at)]);
    }
    default:
      copy.fill(random.below(256), at, Math.min(copy.length, at + random.below(200)));
      return copy;
  }
}

function begins(all: readonly Entry[], read: readonly Entry[]): boolean {
  return read.every((entry, at) => JSON.stringify(entry, bigints) === JSON.stringify(all[at], bigints));
}

function bigints(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}` : value;
}

describe('a recording that was damaged', () => {
  it(
    'is read up to the damage, or is a clear fault: 2,000 of them',
    async () => {
      const random = new SeededRandom(2026);
      for (let round = 0; round < 2000; round += 1) {
        const bytes = harmed(whole, random);
        if (bytes.equals(whole)) continue;
        writeFileSync(file, bytes);
        const faults: unknown[] = [];
        const read = await readRecording(file, keys.privateKey).catch((error: unknown) => faults.push(error));
        const summary = await summaryOf(file).catch((error: unknown) => faults.push(error));
        for (const fault of faults) {
          expect(fault).toBeInstanceOf(InvalidInput);
          expect((fault as Error).message).not.toMatch(/undefined|NaN|\n/);
        }
        if (typeof read === 'number' || typeof summary === 'number') continue;
        expect([round, read.outcome.complete, begins(entries, read.entries)]).toEqual([round, false, true]);
        expect(summary.bytes).toBe(bytes.length);
      }
    },
    LONG_MS,
  );

  it('is none for another key, whatever is in it', async () => {
    const other = recordingKeys(recordingFolder(join(folder, 'other')));
    writeFileSync(file, whole);
    await expect(readRecording(file, other.privateKey)).rejects.toThrow('was made for another key');
    const claimed = Buffer.from(whole);
    other.privateKey.publicKey.fingerprint.copy(claimed, 44);
    writeFileSync(file, claimed);
    const { entries: read, outcome } = await readRecording(file, other.privateKey);
    expect([read, outcome.complete]).toEqual([[], false]);
    expect(outcome.fault).toContain('chunk 0 does not open');
  });

  it('claims no more memory than a chunk has', async () => {
    const bytes = Buffer.from(whole);
    bytes.writeUInt32LE(0xffff_ffff, 60);
    writeFileSync(file, bytes);
    await expect(readRecording(file, keys.privateKey)).rejects.toThrow('its metadata claim 4294967295 bytes');
    const chunk = Buffer.from(whole);
    chunk.writeUInt32LE(0x7fff_ffff, HEADER_BYTES + whole.readUInt32LE(60));
    writeFileSync(file, chunk);
    const { outcome } = await readRecording(file, keys.privateKey);
    expect(outcome.fault).toContain('chunk 0 claims 2147483647 bytes; 262144 is the most');
  });
});

/** Seals these chunks as a recording of the operator's, as anybody can who has the public key. */
function sealed(chunks: readonly { readonly bytes: Buffer; readonly stored: boolean }[]): void {
  const sealer = new Sealer(publicKeyOf(keys.publicKey), 'brotli', recordingMetadata());
  const pieces = chunks.map(({ bytes, stored }, at) =>
    sealer.seal(bytes, { stored, last: at === chunks.length - 1, missing: false, time: at }),
  );
  writeFileSync(file, Buffer.concat([sealer.header, ...pieces.flat()]));
}

describe('a recording that was made to do harm', () => {
  it('has chunks that swell no further than a chunk may', async () => {
    sealed([{ bytes: brotliCompressSync(Buffer.alloc(8 * 1024 * 1024), QUICK), stored: false }]);
    const { entries: read, outcome } = await readRecording(file, keys.privateKey);
    expect(read).toEqual([]);
    expect(outcome.fault).toContain(`no brotli of at most ${CHUNK_BYTES} bytes`);
    expect(decodeHeader(readFileSync(file)).compression).toBe('brotli');
  });

  it('keeps no more of messages that never end than the largest one has', () => {
    const reader = new RecordReader();
    let bytes: Buffer[] = [];
    const target = { append: (piece: Buffer) => void bytes.push(Buffer.from(piece)) };
    const given = (): Entry[] => {
      const all = Buffer.concat(bytes);
      bytes = [];
      return reader.push(all);
    };
    const size = 0.6 * MESSAGE_MAX_BYTES;
    for (const channel of [1, 2]) writeChannel(target, { channel, time: 0 }, FACTS);
    writeMessage(target, { channel: 1, time: 0 }, 'down', { type: 1, size, subList: 0 }, false);
    expect(given()).toHaveLength(2);
    writeMessage(target, { channel: 2, time: 0 }, 'down', { type: 1, size, subList: 0 }, false);
    expect(given).toThrow('more is under way than the largest message has');
  });

  it(
    'is a clear fault or is read: 5,000 of them, under the seal',
    () => {
      const records: Buffer[] = [];
      const target = { append: (piece: Buffer) => void records.push(Buffer.from(piece)) };
      const place = (time: number): { channel: number; time: number } => ({ channel: 1 + (time % 2), time });
      for (const channel of [1, 2]) writeChannel(target, { channel, time: 0 }, FACTS);
      for (let time = 1; time < 12; time += 1) {
        const message = { type: 300 + time, size: 20 * time, subList: 0 };
        writeMessage(target, place(time), 'down', message, time % 5 === 0);
        if (time % 5 !== 0) writeMore(target, place(time), 'down', randomBytes(20 * time));
        if (time % 4 === 0) writeGap(target, place(time), 'up', { messages: 3, bytes: 100 });
      }
      writeClosed(target, place(12));
      writeEnd(target, 13, 'done');
      const good = Buffer.concat(records);
      const random = new SeededRandom(12);
      let broken = 0;
      for (let round = 0; round < 5_000; round += 1) {
        const reader = new RecordReader();
        const bytes = harmed(good, random);
        try {
          const cut = random.below(bytes.length + 1);
          for (const piece of [bytes.subarray(0, cut), bytes.subarray(cut)])
            for (const entry of reader.push(piece))
              if (entry.kind === 'message' && entry.body !== null && entry.body.length !== entry.size)
                throw new Error(`round ${round}: a message of another size`);
        } catch (error) {
          if (!(error instanceof BrokenRecording)) throw error;
          broken += 1;
        }
      }
      expect(broken).toBeGreaterThan(1000);
    },
    LONG_MS,
  );
});
