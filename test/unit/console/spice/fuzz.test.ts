// SPDX-License-Identifier: Apache-2.0
// Seeded fuzz of the whole codec: 210,000 mutated link and message streams, each cut in its own way. Whatever a
// stranger sends, the codec gives events that make sense or a ProtocolError, never another exception, never
// an endless loop, and keeps little. A failure names its seed.
import { describe, expect, it } from '@jest/globals';
import { ClientLink } from '../../../../src/console/spice/client-link.js';
import { LINK_PENDING_MAX } from '../../../../src/console/spice/constants.js';
import { ProtocolError } from '../../../../src/console/spice/errors.js';
import {
  FULL_HEADER_BYTES,
  MessageWalker,
  MINI_HEADER_BYTES,
} from '../../../../src/console/spice/message-walker.js';
import { ServerLink } from '../../../../src/console/spice/server-link.js';
import { captured, captures } from '../../../fixtures/captures.js';
import { CountingGate } from '../../../fixtures/header-gate.js';
import { mutate, SeededRandom } from '../../../fixtures/random.js';

const LINK_STREAMS = 80_000;
const WALKER_STREAMS = 50_000;
const MAX_BODY = 4096;
const RECORD_BYTES = 16_384;

const handshakes = [...captures.handshakes, ...captures.known_key_handshakes, ...captures.error_replies];
const upstream = handshakes.map(({ c2s }) => captured(c2s)).filter(({ length }) => length > 0);
const downstream = handshakes.map(({ s2c }) => captured(s2c)).filter(({ length }) => length > 0);
const messages = captures.messages.map((entry) => captured(entry));

/** Runs `round` with a generator of its own, so that one round can be replayed alone by its seed. */
function fuzz(rounds: number, base: number, round: (random: SeededRandom) => void): void {
  for (let seed = base; seed < base + rounds; seed += 1) {
    try {
      round(new SeededRandom(seed));
    } catch (error) {
      throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
    }
  }
}

/** True when the work ended with a ProtocolError; other errors go through. */
function refused(work: () => void): boolean {
  try {
    work();
    return false;
  } catch (error) {
    if (error instanceof ProtocolError) {
      return true;
    }
    throw error;
  }
}

function assert(condition: boolean, fault: string): void {
  if (!condition) {
    throw new Error(fault);
  }
}

/** A message with full or mini header. */
function framed(random: SeededRandom, mini: Buffer, miniHeader: boolean): Buffer {
  if (miniHeader) {
    return mini;
  }
  const header = Buffer.alloc(FULL_HEADER_BYTES);
  header.writeUInt32LE(random.below(1000), 0);
  mini.copy(header, 8, 0, MINI_HEADER_BYTES);
  return Buffer.concat([header, mini.subarray(MINI_HEADER_BYTES)]);
}

interface Walk {
  /** Where the messages end, the last one perhaps behind the bytes. */
  ends: number[];
  bad: boolean;
}

/** The obvious way to find messages, given all bytes at once; the walker must agree with it. */
function walkWhole(bytes: Buffer, miniHeader: boolean, judge: (at: number, size: number) => boolean): Walk {
  const headerBytes = miniHeader ? MINI_HEADER_BYTES : FULL_HEADER_BYTES;
  const ends: number[] = [];
  let offset = 0;
  while (bytes.length - offset >= headerBytes) {
    const size = bytes.readUInt32LE(offset + (miniHeader ? 2 : 10));
    if (!judge(offset, size)) {
      return { ends, bad: true };
    }
    offset += headerBytes + size;
    ends.push(offset);
  }
  return { ends: offset < bytes.length ? [...ends, Infinity] : ends, bad: false };
}

/** The rule of TLS records: of the bytes from `from` to `to`, the last record holds one message's end at most. */
function checkCut(ends: number[], from: number, to: number, cut: number): void {
  const within = (start: number) => ends.filter((end) => end > start && end <= to).length;
  const lastRecord = from + Math.floor((to - from - 1) / RECORD_BYTES) * RECORD_BYTES;
  if (cut === 0) {
    assert(within(lastRecord) <= 1, 'the last record needs a cut');
    return;
  }
  assert(within(lastRecord) > 1, 'a cut is made where none is needed');
  assert(ends.includes(from + cut), 'a cut is made where a message ends');
  assert(within(from + cut) === 1, 'one message ends behind the cut');
}

describe('mutated streams', () => {
  it('of clients end in a ticket, a refusal with the right answer, or more waiting', () => {
    const seen = { link: 0, ticket: 0, reject: 0 };
    fuzz(LINK_STREAMS, 1_000_000, (random) => {
      const link = new ServerLink({ secured: random.below(8) !== 0 });
      let events = 0;
      for (const piece of random.split(mutate(random, random.pick(upstream)), 1 + random.below(300))) {
        link.push(piece);
        for (let event = link.next(); event !== null; event = link.next()) {
          events += 1;
          seen[event.type] += 1;
          if (event.type === 'reject') {
            assert(event.reply === null || event.reply.length === 194, 'a refusal is 194 bytes or none');
            assert(event.error instanceof ProtocolError, 'a refusal has a typed reason');
          } else if (event.type === 'ticket') {
            assert(event.ciphertext.length === 128, 'a ticket has 128 bytes');
          }
        }
      }
      assert(events <= 2, 'a link has two events at most');
      assert(link.rest().length <= 2 * LINK_PENDING_MAX, 'little is kept');
    });
    expect(Object.values(seen).every((count) => count > LINK_STREAMS / 20)).toBe(true);
  }, 60_000);

  it('of servers end in a result, an error code, or a ProtocolError', () => {
    const seen = { reply: 0, error: 0, result: 0, refused: 0 };
    const mess = { connectionId: 0, channelType: 1, channelId: 0, commonCaps: [0x9], channelCaps: [] };
    fuzz(LINK_STREAMS, 2_000_000, (random) => {
      const link = new ClientLink(mess);
      let events = 0;
      const nonsense = refused(() => {
        for (const piece of random.split(mutate(random, random.pick(downstream)), 1 + random.below(300))) {
          link.push(piece);
          for (let event = link.next(); event !== null; event = link.next()) {
            events += 1;
            seen[event.type] += 1;
            assert(event.type !== 'error' || event.code !== 0, 'an error has a code');
          }
        }
      });
      seen.refused += nonsense ? 1 : 0;
      assert(events <= 2, 'a link has two events at most');
      assert(!nonsense || link.next() === null, 'nothing follows a refusal');
    });
    expect(Object.values(seen).every((count) => count > LINK_STREAMS / 20)).toBe(true);
  }, 60_000);

  it('of messages are followed as if they had come in one piece', () => {
    const seen = { good: 0, refused: 0 };
    fuzz(WALKER_STREAMS, 3_000_000, (random) => {
      const miniHeader = random.below(2) === 0;
      const long = random.below(100) === 0;
      const whole = Array.from({ length: 1 + random.below(long ? 400 : 4) }, () =>
        framed(random, random.pick(messages), miniHeader),
      );
      const joined = Buffer.concat(whole);
      const stream = random.below(4) === 0 ? joined : mutate(random, joined);
      const allowed = new Uint8Array(400).fill(1);
      allowed[104] = 0;
      const enforce = random.below(2) === 0;
      const judge = (at: number, size: number) => {
        const type = stream.readUInt16LE(at + (miniHeader ? 0 : 8));
        return size <= MAX_BODY && (!enforce || allowed[type] === 1);
      };
      const wanted = walkWhole(stream, miniHeader, judge);
      const walker = new MessageWalker(miniHeader, new CountingGate(allowed, MAX_BODY, enforce));
      let offset = 0;
      const bad = refused(() => {
        for (const piece of random.split(stream, 1 + random.below(long ? 60_000 : 120))) {
          const cut = walker.walk(piece, piece.length);
          checkCut(wanted.ends, offset, offset + piece.length, cut);
          offset += piece.length;
        }
      });
      assert(bad === wanted.bad, 'both refuse, or none');
      const atBoundary = stream.length === 0 || wanted.ends.at(-1) === stream.length;
      assert(bad || walker.atBoundary === atBoundary, 'both end at the same place');
      seen[bad ? 'refused' : 'good'] += 1;
    });
    expect(Object.values(seen).every((count) => count > WALKER_STREAMS / 20)).toBe(true);
  }, 60_000);
});
