// SPDX-License-Identifier: Apache-2.0
// The cut rule against a model of spice-gtk's waiting: for any messages in any chunks, with the walker's cuts
// nothing complete stays behind in the TLS engine. Those of the pipeline are tested in relay/pipeline.test.ts.
import { describe, expect, it } from '@jest/globals';
import { LimitExceeded, PeerMisbehaved } from '../../../../src/console/spice/errors.js';
import { MessageWalker, TLS_RECORD_BYTES } from '../../../../src/console/spice/message-walker.js';
import { CountingGate, OPEN_GATE } from '../../../fixtures/header-gate.js';
import { SeededRandom } from '../../../fixtures/random.js';
import { encodeMessage } from '../../../fixtures/spice-messages.js';
import { WaitingClient } from '../../../fixtures/waiting-client.js';

const ROUNDS = 4000;
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
      const walker = new MessageWalker(miniHeader, OPEN_GATE);
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
      const walker = new MessageWalker(miniHeader, OPEN_GATE);
      walker.walk(bytes.subarray(0, at), at);
      walker.walk(bytes.subarray(at), bytes.length - at);
      expect({ at, boundary: walker.atBoundary }).toEqual({ at, boundary: true });
    }
  });

  it.each([2 ** 30 + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1])('a body of %i bytes is refused', (size) => {
    const header = encodeMessage(5, Buffer.alloc(0), { miniHeader });
    header.writeUInt32LE(size, miniHeader ? 2 : 10);
    for (let at = 0; at < header.length; at += 1) {
      const gate = new CountingGate(null, 2 ** 30);
      const walker = new MessageWalker(miniHeader, gate);
      walker.walk(header.subarray(0, at), at);
      expect(() => walker.walk(header.subarray(at), header.length - at)).toThrow(PeerMisbehaved);
      expect(gate.asked).toEqual([[5, size]]);
      const open = new MessageWalker(miniHeader, OPEN_GATE);
      open.walk(header.subarray(0, at), at);
      const walk = (): number => open.walk(header.subarray(at), header.length - at);
      if (size >= 2 ** 31) expect(walk).toThrow(LimitExceeded);
      else expect(walk).not.toThrow();
    }
  });
});
