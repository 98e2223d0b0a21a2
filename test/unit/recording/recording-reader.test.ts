// SPDX-License-Identifier: Apache-2.0
// A recording is written and read back; and what becomes of one that was cut, changed, put together of others, or never was one.
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  BrokenRecording,
  CHUNK_BYTES,
  decodeChunkHeader,
  HEADER_BYTES,
} from '../../../src/recording/layout.js';
import { summaryOf } from '../../../src/recording/recording-reader.js';
import { SessionRecording } from '../../../src/recording/session-recording.js';
import { InvalidInput } from '../../../src/exception.js';
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

const folder = scratchFolder('kerbside-recording-');
const keys = recordingKeys(folder);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const BEGIN_MS = 1_700_000_000_000;
const DISPLAY = { type: 2, id: 0, generation: 1, clientCaps: [5], backendCaps: [0x1052, 7] };
let count = 0;

function message(type: number, body: Buffer): Buffer {
  return encodeMessage(type, body, { miniHeader: true });
}

/** Records these chunks of a display channel, and gives the file. */
async function record(chunks: readonly Buffer[], end = true): Promise<string> {
  const path = recordingFolder(join(folder, `r${(count += 1)}`));
  const faults: string[] = [];
  const recording = new SessionRecording(
    recordingMetadata({ begin: BEGIN_MS * 1000 }),
    recordingParts(path, keys.publicKey),
    { wrote: () => undefined, gap: () => undefined, failed: (why) => faults.push(why) },
  );
  const channel = recording.begin(DISPLAY, true, BEGIN_MS);
  chunks.forEach((chunk, at) => recording.push(channel, 'down', chunk, BEGIN_MS + 10 * at));
  await recording.end(end ? 'done' : '', BEGIN_MS + 10 * chunks.length);
  expect(faults).toEqual([]);
  return recordingsIn(path)[0] ?? '';
}

function withBytes(bytes: Buffer): string {
  const path = join(folder, `x${(count += 1)}.kerbrec`);
  writeFileSync(path, bytes);
  return path;
}

/** Where each chunk begins and ends. */
function chunksOf(bytes: Buffer): [number, number][] {
  const places: [number, number][] = [];
  let at = HEADER_BYTES + bytes.readUInt32LE(60);
  while (at < bytes.length) {
    const end = at + 32 + decodeChunkHeader(bytes.subarray(at), 0).length;
    places.push([at, end]);
    at = end;
  }
  return places;
}

const small = Array.from({ length: 12 }, (_none, at) => message(304, randomBytes(10 * at)));

describe('a recording', () => {
  it('gives back the messages, cut anywhere, with their times', async () => {
    const all = Buffer.concat(small);
    const cuts = Array.from({ length: all.length }, (_none, at) => all.subarray(at, at + 1));
    for (const chunks of [small, [all], cuts]) {
      const { entries, outcome } = await readRecording(await record(chunks), keys.privateKey);
      expect(outcome).toEqual({ complete: true, fault: null });
      expect(entries[0]).toMatchObject({ kind: 'channel', time: 0n, facts: DISPLAY });
      const messages = entries.filter((entry) => entry.kind === 'message');
      expect(messages.map(({ type, body }) => message(type, body ?? Buffer.alloc(0)))).toEqual(small);
      expect(entries.at(-1)).toMatchObject({ kind: 'end', reason: 'done' });
    }
  });

  it('holds messages that are larger than its chunks', async () => {
    const body = randomBytes(3 * CHUNK_BYTES + 17);
    const file = await record([message(304, body), ...small]);
    const { entries, outcome } = await readRecording(file, keys.privateKey);
    expect(outcome.complete).toBe(true);
    expect(entries.find((entry) => entry.kind === 'message')).toMatchObject({ size: body.length, body });
    expect(chunksOf(readFileSync(file)).length).toBeGreaterThan(3);
  });

  it('says without a key whose it is, how long and whether it has its end', async () => {
    const file = await record(small);
    expect(await summaryOf(file)).toMatchObject({
      ...{ complete: true, seconds: 0.12, bytes: readFileSync(file).length },
      metadata: recordingMetadata({ begin: BEGIN_MS * 1000 }),
    });
    const text = readFileSync(file).toString('latin1');
    expect(text).not.toContain(small[9]?.subarray(6).toString('latin1'));
  });

  it('is for one key alone', async () => {
    const other = recordingKeys(recordingFolder(join(folder, 'other')));
    await expect(readRecording(await record(small), other.privateKey)).rejects.toThrow(InvalidInput);
  });
});

describe('a recording that is not as it was written', () => {
  let whole: Buffer;
  let places: [number, number][];

  beforeAll(async () => {
    // Three chunks, of which two are random and one is not.
    const large = message(304, randomBytes(2 * CHUNK_BYTES - 100));
    whole = readFileSync(await record([large, ...small]));
    places = chunksOf(whole);
    expect(places.length).toBeGreaterThanOrEqual(3);
  });

  it('is found out wherever it is cut, and read up to there', async () => {
    const short = readFileSync(await record(small));
    for (let end = 0; end < short.length; end += 1) {
      const path = withBytes(short.subarray(0, end));
      const reading = readRecording(path, keys.privateKey);
      if (end < HEADER_BYTES + short.readUInt32LE(60)) await expect(reading).rejects.toThrow(BrokenRecording);
      else expect((await reading).outcome.complete).toBe(false);
      rmSync(path);
    }
  });

  it('is found out wherever a byte is changed', async () => {
    const short = readFileSync(await record(small));
    for (let at = 0; at < short.length; at += 1) {
      const bytes = Buffer.from(short);
      bytes.writeUInt8(bytes.readUInt8(at) ^ 0x41, at);
      const path = withBytes(bytes);
      const complete = await readRecording(path, keys.privateKey).then(
        ({ outcome }) => outcome.complete,
        (error: unknown) => {
          expect(error).toBeInstanceOf(InvalidInput);
          return false;
        },
      );
      expect([at, complete]).toEqual([at, false]);
      rmSync(path);
    }
  });

  it('is found out when chunks have changed places, are missing, come twice, or follow its end', async () => {
    const piece = ([from, to]: [number, number]): Buffer => whole.subarray(from, to);
    const [a, b, ...rest] = places as [[number, number], [number, number], ...[number, number][]];
    const head = whole.subarray(0, a[0]);
    const tail = rest.map(piece);
    const forged = {
      swapped: [piece(b), piece(a), ...tail],
      missing: [piece(b), ...tail],
      twice: [piece(a), piece(a), piece(b), ...tail],
      'behind its end': [piece(a), piece(b), ...tail, piece(a)],
    };
    for (const [how, chunks] of Object.entries(forged)) {
      const { outcome } = await readRecording(withBytes(Buffer.concat([head, ...chunks])), keys.privateKey);
      expect([how, outcome.complete, outcome.fault === null]).toEqual([how, false, false]);
    }
  });

  it('is found out when a chunk is of another recording for the same key', async () => {
    const large = message(304, randomBytes(2 * CHUNK_BYTES - 100));
    const other = readFileSync(await record([large, ...small]));
    const [[from, to] = [0, 0]] = chunksOf(other);
    const [[start] = [0], [next] = [0]] = places;
    const mixed = Buffer.concat([whole.subarray(0, start), other.subarray(from, to), whole.subarray(next)]);
    const { entries, outcome } = await readRecording(withBytes(mixed), keys.privateKey);
    expect([entries, outcome.complete]).toEqual([[], false]);
    expect(outcome.fault).toContain('chunk 0 does not open');
  });

  it('is none when it is garbage, of any kind', async () => {
    const random = new SeededRandom(12);
    for (let round = 0; round < 300; round += 1) {
      const bytes = Buffer.from(whole.subarray(0, random.below(4000)));
      for (let flips = random.below(40); flips > 0; flips -= 1)
        if (bytes.length > 0) bytes.writeUInt8(random.below(256), random.below(bytes.length));
      const path = withBytes(bytes);
      const complete = await readRecording(path, keys.privateKey).then(
        ({ outcome }) => outcome.complete,
        (error: unknown) => {
          expect(error).toBeInstanceOf(InvalidInput);
          return false;
        },
      );
      expect(complete).toBe(false);
      rmSync(path);
    }
  });
});
