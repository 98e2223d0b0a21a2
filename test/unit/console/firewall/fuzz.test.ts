// SPDX-License-Identifier: Apache-2.0
// Streams of messages that were recorded, made up and spoiled, cut anywhere, through the firewall of every channel: it ends
// the channel where a decoder of the test's own says that a message is bad, its header has not passed as a whole, and nothing
// else is held back. KERBSIDE_FUZZ_STREAMS says how many, KERBSIDE_FUZZ_SEED from which one on; a failure names its seed.
import { describe, expect, it } from '@jest/globals';
import { ConnectionEnded } from '../../../../src/console/connection/ends.js';
import type { Direction } from '../../../../src/console/relay/stage.js';
import { CHANNEL, type ChannelName } from '../../../../src/console/spice/constants.js';
import { captured, captures } from '../../../fixtures/captures.js';
import { firewallScene, MAX_MESSAGE_BYTES } from '../../../fixtures/firewall-scene.js';
import { NO_LIMIT, rowsOf } from '../../../fixtures/message-tables.js';
import { mutate, SeededRandom } from '../../../fixtures/random.js';
import { encodeMessage } from '../../../fixtures/spice-messages.js';
import { judge } from '../../../fixtures/stream-judge.js';

const STREAMS = Number(process.env['KERBSIDE_FUZZ_STREAMS'] ?? 3000);
const SEED = Number(process.env['KERBSIDE_FUZZ_SEED'] ?? 30_000);
const NAMES = Object.keys(CHANNEL) as ChannelName[];
/** As long as made-up bodies are, where their type would have longer ones. */
const LONGEST = 300;
/** Small: it is overwritten behind each chunk. */
const BUFFER_BYTES = 4096;
const COUNTS = [0, 1, 2, 3, 8, 20, 49, 50, 255, 256, 257, 2048, 2049, 65_536, 0x7fffffff, 0xffffffff];

interface Made {
  readonly type: number;
  readonly body: Buffer;
}

const recorded = new Map<string, Made[]>();
for (const entry of captures.messages) {
  const key = `${entry.channel} ${entry.dir === 'c2s' ? 'up' : 'down'}`;
  const made = { type: entry.type, body: captured(entry).subarray(6) };
  recorded.set(key, [...(recorded.get(key) ?? []), made]);
}

/** A message of the channel: a recorded one, or one with a body that its size fits. */
function aMessage(random: SeededRandom, name: ChannelName, direction: Direction): Made {
  const heard = recorded.get(`${name} ${direction}`) ?? [];
  if (heard.length > 0 && random.below(2) === 0) return random.pick(heard);
  const { type, least, most, entry } = random.pick(rowsOf(name, direction));
  const room = Math.floor((Math.min(most, least + LONGEST) - least) / entry);
  const size = most === NO_LIMIT && random.below(50) === 0 ? 70_000 : least + entry * random.below(room + 1);
  return { type, body: random.below(2) === 0 ? Buffer.alloc(size, random.below(4)) : random.bytes(size) };
}

/** The same message with something wrong or odd: a type, a count, a cut, more bytes. */
function spoiled(random: SeededRandom, { type, body }: Made): Made {
  switch (random.below(6)) {
    case 0:
      return { type: random.below(330), body };
    case 1:
    case 2: {
      const changed = Buffer.from(body);
      const at = 4 * random.below(Math.max(1, Math.floor(body.length / 4)));
      if (at + 4 <= body.length) changed.writeUInt32LE(random.pick(COUNTS), at);
      return { type, body: changed };
    }
    case 3:
      return { type, body: body.subarray(0, random.below(body.length + 1)) };
    case 4:
      return { type, body: Buffer.concat([body, random.bytes(1 + random.below(30))]) };
    default:
      return { type, body: mutate(random, Buffer.from(body)) };
  }
}

function aStream(random: SeededRandom, name: ChannelName, direction: Direction, miniHeader: boolean): Buffer {
  if (random.below(20) === 0) return random.bytes(1 + random.below(400));
  const messages = Array.from({ length: 1 + random.below(8) }, () => {
    const message = aMessage(random, name, direction);
    return random.below(4) === 0 ? spoiled(random, message) : message;
  });
  const framing = () => ({ miniHeader, subList: random.below(60) === 0 ? 1 + random.below(40) : 0 });
  const bytes = Buffer.concat(messages.map(({ type, body }) => encodeMessage(type, body, framing())));
  return random.below(4) === 0 ? mutate(random, bytes) : bytes;
}

async function oneStream(random: SeededRandom): Promise<boolean> {
  const name = random.pick(NAMES);
  const direction = random.pick(['up', 'down'] as const);
  const miniHeader = random.below(3) > 0;
  const bytes = aStream(random, name, direction, miniHeader);
  const scene = firewallScene(name, {}, { miniHeader, bufferBytes: BUFFER_BYTES });
  await scene.send(direction, ...random.split(bytes, random.pick([1 + random.below(30), 1000, 100_000])));
  const { goodBytes, bad } = judge(bytes, { name, direction, miniHeader, maxBytes: MAX_MESSAGE_BYTES });
  const passed = scene[direction].bytes;
  if (!passed.equals(bytes.subarray(0, passed.length))) throw new Error('other bytes have passed');
  if (bad === null) {
    if (scene.faults.length > 0) throw new Error(`good messages were refused: ${String(scene.faults[0])}`);
    if (passed.length < goodBytes)
      throw new Error(`of ${String(goodBytes)} good bytes ${String(passed.length)} passed`);
    return true;
  }
  const [fault] = scene.faults;
  if (!(fault instanceof ConnectionEnded))
    throw new Error(`type ${String(bad)} has passed: ${String(fault)}`);
  // Where a header is cut its beginning streams by; its receiver never learns of a message.
  if (passed.length >= goodBytes + (miniHeader ? 6 : 18))
    throw new Error(`bytes of a bad message of type ${String(bad)} have passed`);
  return false;
}

describe('the fuzz of the firewall', () => {
  it(`agrees with another decoder about ${String(STREAMS)} streams`, async () => {
    let good = 0;
    for (let seed = SEED; seed < SEED + STREAMS; seed += 1) {
      try {
        if (await oneStream(new SeededRandom(seed))) good += 1;
      } catch (error) {
        throw new Error(`seed ${String(seed)}: ${String(error)}`, { cause: error });
      }
    }
    // Both happen often: else it would prove little.
    expect(good).toBeGreaterThan(STREAMS / 10);
    expect(STREAMS - good).toBeGreaterThan(STREAMS / 10);
  }, 3_600_000);
});
