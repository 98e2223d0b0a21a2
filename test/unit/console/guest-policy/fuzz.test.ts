// SPDX-License-Identifier: Apache-2.0
// Streams of agent messages, inputs, usbredir packets and lists, made up and spoiled, cut anywhere, under policies that change
// on the way: a decoder of the test's own reads what goes out and finds nothing that is forbidden, never more agent parts than
// the server takes, and nothing of what is allowed missing. KERBSIDE_FUZZ_STREAMS says how many, KERBSIDE_FUZZ_SEED from
// which one on; a failure names its seed.
import { describe, expect, it } from '@jest/globals';
import type { GuestPolicy } from '../../../../src/console/guest-channels.js';
import type { Direction } from '../../../../src/console/relay/stage.js';
import {
  agent,
  AGENT_DATA,
  AGENT_TOKEN,
  agentMessages,
  PolicyScene,
  usbDevice,
  usbHello,
  usbInterfaces,
  usbPacket,
  words,
} from '../../../fixtures/guest-policy-scene.js';
import { mutate, SeededRandom } from '../../../fixtures/random.js';
import { encodeMessage } from '../../../fixtures/spice-messages.js';

const STREAMS = Number(process.env['KERBSIDE_FUZZ_STREAMS'] ?? 600);
const SEED = Number(process.env['KERBSIDE_FUZZ_SEED'] ?? 70_000);
const TYPES = [1, 2, 3, 4, 4, 4, 5, 6, 7, 7, 8, 8, 9, 10, 11, 12, 14, 15, 16];
const CHUNK = 2048;
/** Small: it is overwritten behind each chunk. */
const BUFFER_BYTES = 4096;

function aPolicy(random: SeededRandom): Partial<GuestPolicy> {
  return {
    clipboard: random.pick(['none', 'to-guest', 'from-guest', 'both']),
    fileTransfer: random.pick(['none', 'to-guest']),
    viewOnly: random.below(6) === 0,
    maxMonitors: random.pick([0, 0, 1, 2]),
  };
}

/** Whether a whole agent message may be there at the end, and is none that Kerbside itself may have put in. */
function forbidden(policy: Partial<GuestPolicy>, direction: Direction, type: number, data: Buffer): boolean {
  const { clipboard, fileTransfer, viewOnly = false, maxMonitors = 0 } = policy;
  const up = direction === 'up';
  const enters = !viewOnly && (clipboard === 'both' || clipboard === 'to-guest');
  const leaves = !viewOnly && (clipboard === 'both' || clipboard === 'from-guest');
  const flows = up ? enters : leaves;
  const none = type === 4 && data.length <= 8 && data.subarray(-4).equals(Buffer.alloc(4));
  if (none) return false;
  if ([4, 7, 9].includes(type)) return !flows;
  if (type === 8) return up ? !leaves : !enters;
  if ([10, 12].includes(type)) return viewOnly || fileTransfer === 'none';
  if (up && viewOnly) return ![6, 11].includes(type);
  if (type === 2 && up && maxMonitors > 0) return data.length >= 4 && data.readUInt32LE(0) > maxMonitors;
  return false;
}

function aMonitorConfig(random: SeededRandom): Buffer {
  const count = random.below(5);
  return Buffer.concat([words(count, 0), ...Array.from({ length: count }, () => words(600, 800, 32, 0, 0))]);
}

function anAgentMessage(random: SeededRandom): Buffer {
  const type = random.pick(TYPES);
  if (type === 2) return agent(2, aMonitorConfig(random));
  if (type === 6) return agent(6, words(random.below(2), 0x3ffff, ...(random.below(3) === 0 ? [7] : [])));
  const size = random.below(12) === 0 ? random.below(7000) : 4 * random.below(6);
  return agent(type, random.below(2) === 0 ? Buffer.alloc(size, 1 + random.below(3)) : random.bytes(size));
}

/** Parts as a client must send them, or as a guest may. */
function partsOf(random: SeededRandom, message: Buffer, strict: boolean): Buffer[] {
  if (!strict) return random.split(message, random.pick([3, 40, CHUNK]));
  const parts: Buffer[] = [];
  for (let at = 0; at < message.length;) {
    const least = at === 0 ? 20 : 1;
    const length = Math.min(message.length - at, least + random.below(CHUNK - least + 1));
    parts.push(message.subarray(at, at + length));
    at += length;
  }
  return parts;
}

/** One policy from the first byte to the last: what comes out is what went in without what is forbidden. */
async function steadyStream(random: SeededRandom): Promise<boolean> {
  const direction = random.pick(['up', 'down'] as const);
  const miniHeader = random.below(3) > 0;
  const policy = aPolicy(random);
  const scene = PolicyScene.of('main', policy, { miniHeader, mode: 'off', bufferBytes: BUFFER_BYTES });
  const said = Array.from({ length: 1 + random.below(6) }, () => anAgentMessage(random));
  const parts = said.flatMap((message) => partsOf(random, message, direction === 'up'));
  const bytes = Buffer.concat(
    parts.map((part) => encodeMessage(AGENT_DATA[direction], part, { miniHeader })),
  );
  const spoil = random.below(4) === 0;
  const sent = spoil ? mutate(random, bytes) : bytes;
  await scene.say('down', [AGENT_TOKEN.down, words(1000)]);
  await scene.send(direction, ...random.split(sent, random.pick([1 + random.below(30), 1000, 100_000])));
  const out = agentMessages(scene.bodies(direction, AGENT_DATA[direction]));
  for (const { type, size, data } of out)
    if (
      forbidden(policy, direction, type, data) ||
      (data.length < size && forbiddenHead(policy, direction, type))
    )
      throw new Error(`agent message ${String(type)} has passed`);
  if (spoil) return false;
  const wanted = agentMessages(said).filter(({ type, data }) => !dropped(policy, direction, type, data));
  const passed = out.map(({ type }) => type);
  // An empty clipboard that was said itself looks like an answer.
  if (passed.join() !== wanted.map(({ type }) => type).join())
    throw new Error(`${passed.join()} passed, not ${wanted.map(({ type }) => type).join()}`);
  if (scene.faults.length > 0) throw new Error(`good messages ended the channel: ${String(scene.faults[0])}`);
  return wanted.length < said.length;
}

/** A cut message is judged without its data. */
function forbiddenHead(policy: Partial<GuestPolicy>, direction: Direction, type: number): boolean {
  return type !== 2 && forbidden(policy, direction, type, Buffer.alloc(100, 1));
}

function dropped(policy: Partial<GuestPolicy>, direction: Direction, type: number, data: Buffer): boolean {
  if ([11].includes(type)) return policy.viewOnly === true || policy.fileTransfer === 'none';
  if (type === 2 && direction === 'up' && policy.viewOnly !== true) return false;
  return forbidden(policy, direction, type, data.length === 0 ? data : Buffer.alloc(100, 1));
}

/** Policies, agents and tokens come and go: the server is never sent more parts than it takes, and no channel ends. */
async function livelyStream(random: SeededRandom): Promise<void> {
  const scene = PolicyScene.of('main', aPolicy(random), {
    miniHeader: random.below(2) === 0,
    bufferBytes: BUFFER_BYTES,
  });
  let client = 10;
  let server = 10;
  let seenParts = 0;
  let toldTokens = 0;
  await scene.say('up', [106, words(0xffffffff)]);
  for (let step = 0; step < 25; step += 1) {
    const chance = random.below(10);
    if (chance === 0) scene.change(aPolicy(random));
    else if (chance < 3) {
      const given = random.below(6);
      server += given;
      await scene.say('down', [AGENT_TOKEN.down, words(given)]);
    } else if (chance < 6) {
      for (const part of partsOf(random, anAgentMessage(random), false))
        await scene.say('down', [AGENT_DATA.down, part]);
    } else {
      const parts = partsOf(random, anAgentMessage(random), true);
      for (const part of parts.length <= client ? parts : []) {
        await scene.say('up', [AGENT_DATA.up, part]);
        client -= 1;
      }
    }
    await scene.send('up');
    const parts = scene.bodies('up', AGENT_DATA.up).length;
    server -= parts - seenParts;
    seenParts = parts;
    const tokens = scene.tokens('down');
    client += tokens - toldTokens;
    toldTokens = tokens;
    if (server < 0) throw new Error(`the server was sent ${String(-server)} parts too many`);
    if (client > server + 64) throw new Error('the client has tokens that nobody gave');
    if (scene.faults.length > 0) throw new Error(String(scene.faults[0]));
  }
}

/** Devices of all kinds: the guest is only told of those that are on the list, and sees no data of others. */
async function usbStream(random: SeededRandom): Promise<void> {
  const scene = PolicyScene.of(
    'usbredir',
    { usb: ['class:08', '046d:c52b'] },
    { miniHeader: random.below(2) === 0, bufferBytes: BUFFER_BYTES },
  );
  const long = random.below(2) === 0;
  const ids = long ? 8 : 4;
  await scene.say('down', [101, usbHello(long ? 0xff : 4)]);
  const packets = [usbHello(0xff)];
  for (let count = 1 + random.below(8); count > 0; count -= 1) {
    const classes = Array.from({ length: random.below(4) }, () => random.pick([8, 8, 8, 3]));
    const known = random.below(4) === 0 ? { vendor: 0x046d, product: 0xc52b } : {};
    const kinds = [
      usbInterfaces(classes, ids),
      usbDevice({ deviceClass: random.pick([0, 0, 8, 3, 0xef]), ...known }, ids),
      usbPacket(100 + random.below(4), random.bytes(random.below(50)), ids),
      usbPacket(2, Buffer.alloc(0), ids),
      usbPacket(5, Buffer.alloc(160), ids),
    ];
    packets.push(random.pick(kinds));
  }
  const good = Buffer.concat(packets);
  const bytes = random.below(4) === 0 ? mutate(random, good) : good;
  for (const piece of random.split(bytes, 1 + random.below(60))) await scene.say('up', [101, piece]);
  checkPackets(Buffer.concat(scene.bodies('up', 101)), ids);
}

/** Reads packets as a guest does. */
function checkPackets(bytes: Buffer, ids: number): void {
  let classes: number[] = [];
  let device = false;
  let at = 0;
  for (let header = 12; bytes.length - at >= header; header = 8 + ids) {
    const type = bytes.readUInt32LE(at);
    const data = bytes.subarray(at + header, at + header + bytes.readUInt32LE(at + 4));
    // From a hello that was spoiled on, the capabilities and with them the sizes may be others.
    if (type === 0 && data.readUInt32LE(data.length - 4) % 256 < 32) return;
    if (type === 4) classes = [...data.subarray(36, 36 + Math.min(32, data.readUInt32LE(0)))];
    if (type === 2) {
      // QEMU forgets the interfaces with the device [hw/usb/redirect.c usbredir_device_disconnect].
      device = false;
      classes = [];
    }
    if (type === 1 || (type === 4 && device)) {
      const own = type === 1 && ![0, 0xef].includes(data[1] ?? 0) ? [data[1] ?? 0] : [];
      const all = [...own, ...classes];
      const product = type === 4 || (data.readUInt16LE(4) === 0x046d && data.readUInt16LE(6) === 0xc52b);
      if (!product && (all.length === 0 || all.some((each) => each !== 8)))
        throw new Error(`a device of ${all.join()} was passed`);
      device = true;
    }
    if (type >= 100 && !device) throw new Error('data of a device that is not there was passed');
    at += header + data.length;
  }
}

describe('the fuzz of the guest policy', () => {
  it(`lets nothing forbidden pass in ${String(STREAMS)} streams`, async () => {
    let kept = 0;
    for (let seed = SEED; seed < SEED + STREAMS; seed += 1) {
      const random = new SeededRandom(seed);
      try {
        const kind = random.below(10);
        if (kind < 7) kept += (await steadyStream(random)) ? 1 : 0;
        else if (kind < 8) await livelyStream(random);
        else await usbStream(random);
      } catch (error) {
        throw new Error(`seed ${String(seed)}: ${String(error)}`, { cause: error });
      }
    }
    // It happens often: else it would prove little.
    expect(kept).toBeGreaterThan(STREAMS / 10);
  }, 3_600_000);
});
