// SPDX-License-Identifier: Apache-2.0
// The cut rule against a model of spice-gtk's waiting: for any messages in any chunks, both with the walker's cuts
// and with those of the main channel's stream, nothing complete stays behind in the TLS engine.
import { describe, expect, it } from '@jest/globals';
import { MessageWalker, TLS_RECORD_BYTES } from '../../../../src/console/spice/message-walker.js';
import { SeededRandom } from '../../../fixtures/random.js';
import { encodeMessage } from '../../../fixtures/spice-messages.js';

const ROUNDS = 4000;
const ANY = { allowed: null, maxBodyBytes: 2 ** 30, enforce: true };

/** A client that polls its socket, reads one message, and polls again; knows where messages end, no bytes. */
class WaitingClient {
  /** Plaintext lengths of the records that lie in the kernel. */
  private readonly records: number[] = [];
  /** Where in the stream the decrypted bytes end, and up to where messages were read. */
  private decrypted = 0;
  private read = 0;
  private index = 0;
  /** The message in whose middle the client waits for records, without polling. */
  private reading = false;

  constructor(private readonly ends: readonly number[]) {}

  /** One TLS write: records of full size from its start. */
  receive(length: number): void {
    for (let left = length; left > 0; left -= TLS_RECORD_BYTES) {
      this.records.push(Math.min(left, TLS_RECORD_BYTES));
    }
    while (this.records.length > 0) {
      this.reading = true;
      if (!this.readOne()) return;
    }
  }

  /** Messages that are complete and that nobody will read until more bytes come. */
  get stuck(): number {
    return this.reading ? 0 : this.ends.filter((end) => end > this.read && end <= this.decrypted).length;
  }

  private readOne(): boolean {
    const end = this.ends[this.index] ?? Infinity;
    while (this.decrypted < end) {
      const record = this.records.shift();
      if (record === undefined) return false;
      this.decrypted += record;
    }
    this.read = end;
    this.index += 1;
    this.reading = false;
    return true;
  }
}

function lengthOf(random: SeededRandom): number {
  const near = random.below(3) * TLS_RECORD_BYTES + random.below(60) - 30;
  return Math.max(0, random.pick([0, random.below(20), random.below(400), near, random.below(70_000)]));
}

/** A stream of messages, and where each ends. */
function streamOf(random: SeededRandom, miniHeader: boolean): { bytes: Buffer; ends: number[] } {
  const frames = Array.from({ length: 1 + random.below(14) }, () =>
    encodeMessage(1 + random.below(300), Buffer.alloc(lengthOf(random)), { miniHeader }),
  );
  let at = 0;
  const ends = frames.map(({ length }) => (at += length));
  return { bytes: Buffer.concat(frames), ends };
}

function chunksOf(random: SeededRandom, bytes: Buffer): Buffer[] {
  const longest = random.pick([9, 500, TLS_RECORD_BYTES, TLS_RECORD_BYTES + 1, 131_072]);
  return bytes.length / longest > 2000 ? [bytes] : random.split(bytes, longest);
}

describe.each([
  ['mini', true],
  ['full', false],
] as const)('with %s headers', (_form, miniHeader) => {
  it('the cuts leave no complete message behind, whatever the messages and chunks are', () => {
    const random = new SeededRandom(4711);
    let cuts = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const { bytes, ends } = streamOf(random, miniHeader);
      const walker = new MessageWalker(miniHeader, ANY);
      const client = new WaitingClient(ends);
      for (const chunk of chunksOf(random, bytes)) {
        const cut = walker.walk(chunk, chunk.length);
        if (cut > 0) {
          cuts += 1;
          client.receive(cut);
        }
        client.receive(chunk.length - cut);
        if (client.stuck !== 0) throw new Error(`round ${String(round)}: ${String(client.stuck)} stuck`);
      }
      expect(walker.atBoundary).toBe(true);
    }
    expect(cuts).toBeGreaterThan(ROUNDS / 10);
  });

  it('the model shows the fault that the cuts avoid', () => {
    const { bytes, ends } = streamOf(new SeededRandom(2), miniHeader);
    const two = encodeMessage(1, Buffer.alloc(3), { miniHeader });
    const client = new WaitingClient([two.length, 2 * two.length]);
    client.receive(2 * two.length);
    expect(client.stuck).toBe(1);
    expect(ends.at(-1)).toBe(bytes.length);
  });

  it('the walk ends at a boundary however a stream is split in two', () => {
    const frames = [
      encodeMessage(5, Buffer.alloc(0), { miniHeader }),
      encodeMessage(5, Buffer.alloc(21), { miniHeader }),
      encodeMessage(5, Buffer.alloc(1), { miniHeader }),
    ];
    const bytes = Buffer.concat(frames);
    for (let at = 0; at <= bytes.length; at += 1) {
      const walker = new MessageWalker(miniHeader, ANY);
      walker.walk(bytes.subarray(0, at), at);
      walker.walk(bytes.subarray(at), bytes.length - at);
      expect({ at, boundary: walker.atBoundary }).toEqual({ at, boundary: true });
    }
  });

  it.each([2 ** 30 + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1])('a body of %i bytes is refused', (size) => {
    const header = encodeMessage(5, Buffer.alloc(0), { miniHeader });
    header.writeUInt32LE(size, miniHeader ? 2 : 10);
    for (let at = 0; at < header.length; at += 1) {
      const walker = new MessageWalker(miniHeader, ANY);
      walker.walk(header.subarray(0, at), at);
      expect(() => walker.walk(header.subarray(at), header.length - at)).toThrow(
        `message size is ${String(size)}`,
      );
      expect(walker.verdicts?.get('size_cap')).toBe(1);
    }
  });
});
