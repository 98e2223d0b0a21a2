// SPDX-License-Identifier: Apache-2.0
// Devices under a list: which reach the guest, what the client hears of the others, however the bytes are cut and compressed.
import { describe, expect, it } from '@jest/globals';
import {
  PolicyScene,
  usbDevice,
  usbHello,
  usbInterfaces,
  usbPacket,
  words,
} from '../../../fixtures/guest-policy-scene.js';
import { aTurn } from '../../../fixtures/channel-pipeline.js';

const DATA = 101;
const COMPRESSED = 102;
const ALL_CAPS = 0xff;
const FILTER = 1 << 2;
const BULK = 101;

/** Hellos of both sides, and what follows them from the client. */
async function scene(
  usb: readonly string[],
  up: Buffer,
  { caps = ALL_CAPS, miniHeader = true, cut = Infinity } = {},
): Promise<PolicyScene> {
  const made = PolicyScene.of('usbredir', { usb: [...usb] }, { miniHeader });
  await made.say('down', [DATA, usbHello(caps)]);
  await made.say('up', [DATA, usbHello(caps)]);
  for (let at = 0; at < up.length; at += cut) await made.say('up', [DATA, up.subarray(at, at + cut)]);
  return made;
}

/** All bytes that went out, behind the hello. */
function bytesOf(made: PolicyScene, direction: 'up' | 'down'): Buffer {
  return Buffer.concat(made.bodies(direction, DATA)).subarray(usbHello(0).length);
}

const NO_REJECT = Buffer.alloc(0);
const REJECT = usbPacket(22, Buffer.alloc(0), 8);

describe('a device', () => {
  it.each([
    { usb: ['class:08'], device: { deviceClass: 0 }, interfaces: [8], good: true },
    { usb: ['class:08'], device: { deviceClass: 0 }, interfaces: [8, 8], good: true },
    { usb: ['class:08'], device: { deviceClass: 0 }, interfaces: [8, 3], good: false },
    { usb: ['class:08', 'class:03'], device: { deviceClass: 0xef }, interfaces: [8, 3], good: true },
    { usb: ['class:08'], device: { deviceClass: 0 }, interfaces: [], good: false },
    { usb: ['class:e0'], device: { deviceClass: 0xe0 }, interfaces: [0xe0], good: true },
    { usb: ['class:E0'], device: { deviceClass: 0xe0 }, interfaces: [], good: true },
    { usb: ['class:e0'], device: { deviceClass: 0xe0 }, interfaces: [8], good: false },
    { usb: ['046d:c52b'], device: { vendor: 0x046d, product: 0xc52b }, interfaces: [3], good: true },
    { usb: ['046d:c52b'], device: { vendor: 0x046d, product: 0xc52c }, interfaces: [3], good: false },
    {
      usb: ['046D:C52B', 'class:08'],
      device: { vendor: 0x046d, product: 0xc52b },
      interfaces: [3],
      good: true,
    },
  ])('of $interfaces, $device under $usb is passed: $good', async ({ usb, device, interfaces, good }) => {
    const says = Buffer.concat([
      usbInterfaces(interfaces, 8),
      usbDevice(device, 8),
      usbPacket(BULK, words(1), 8),
    ]);
    for (const miniHeader of [true, false]) {
      const made = await scene(usb, says, { miniHeader });
      expect(bytesOf(made, 'up')).toEqual(good ? says : usbInterfaces(interfaces, 8));
      expect(bytesOf(made, 'down')).toEqual(good ? NO_REJECT : REJECT);
      expect(made.counted()).toEqual(good ? [] : ['usb client_to_server 1']);
      expect(made.faults).toEqual([]);
    }
  });

  const long = Buffer.concat([
    usbPacket(5, Buffer.alloc(160), 8),
    usbInterfaces([3], 8),
    usbDevice({}, 8),
    usbPacket(BULK, Buffer.alloc(50), 8),
    usbPacket(2, Buffer.alloc(0), 8),
    usbInterfaces([8], 8),
    usbDevice({}, 8),
    usbPacket(BULK, Buffer.alloc(60), 8),
  ]);
  const left = Buffer.concat([
    usbPacket(5, Buffer.alloc(160), 8),
    usbInterfaces([3], 8),
    usbPacket(2, Buffer.alloc(0), 8),
    usbInterfaces([8], 8),
    usbDevice({}, 8),
    usbPacket(BULK, Buffer.alloc(60), 8),
  ]);

  it('is judged the same in parts of any size', async () => {
    for (let cut = 1; cut < long.length; cut += cut < 40 ? 1 : 37) {
      const made = await scene(['class:08'], long, { cut });
      expect(bytesOf(made, 'up')).toEqual(left);
      expect(bytesOf(made, 'down')).toEqual(REJECT);
    }
  });

  it('is judged with ids of 32 bits where one side has no longer ones', async () => {
    const says = Buffer.concat([usbInterfaces([3]), usbDevice({})]);
    const made = await scene(['class:08'], says, { caps: FILTER });
    expect(bytesOf(made, 'up')).toEqual(usbInterfaces([3]));
    expect(bytesOf(made, 'down')).toEqual(usbPacket(22, Buffer.alloc(0)));
  });

  it('ends the channel of a client that cannot be told', async () => {
    const made = await scene(['class:08'], Buffer.concat([usbInterfaces([3]), usbDevice({})]), { caps: 0 });
    expect(String(made.faults[0])).toContain('channel forbidden: guest_policy_usb');
    expect(bytesOf(made, 'up')).toEqual(usbInterfaces([3]));
  });

  it('is taken away again when it turns into another one', async () => {
    const says = Buffer.concat([usbInterfaces([8], 8), usbDevice({}, 8)]);
    const made = await scene(['class:08'], says);
    await made.say('up', [DATA, Buffer.concat([usbInterfaces([3], 8), usbPacket(BULK, words(1), 8)])]);
    expect(bytesOf(made, 'up')).toEqual(Buffer.concat([says, usbPacket(2, Buffer.alloc(0), 8)]));
    expect(bytesOf(made, 'down')).toEqual(REJECT);
  });

  it('has the interfaces that the guest was last told of, though another one was rejected meanwhile', async () => {
    const says = Buffer.concat([usbInterfaces([3], 8), usbDevice({}, 8), usbDevice({ deviceClass: 8 }, 8)]);
    const made = await scene(['class:08'], says);
    expect(bytesOf(made, 'up')).toEqual(usbInterfaces([3], 8));
    const again = Buffer.concat([usbInterfaces([8], 8), usbDevice({ deviceClass: 8 }, 8)]);
    await made.say('up', [DATA, again]);
    expect(bytesOf(made, 'up')).toEqual(Buffer.concat([usbInterfaces([3], 8), again]));
  });

  it('is rejected between two packets of the guest', async () => {
    const made = await scene(['class:08'], usbInterfaces([3], 8));
    const packet = usbPacket(BULK, Buffer.alloc(30, 5), 8);
    await made.say('down', [DATA, packet.subarray(0, 20)]);
    await made.say('up', [DATA, usbDevice({}, 8)]);
    expect(bytesOf(made, 'down')).toEqual(packet.subarray(0, 20));
    await made.say('down', [DATA, packet.subarray(20)]);
    expect(bytesOf(made, 'down')).toEqual(Buffer.concat([packet, REJECT]));
  });
});

describe('compressed data', () => {
  const connect = Buffer.concat([usbInterfaces([3], 8), usbDevice({}, 8)]);

  it('is read, and goes on without what was in it', async () => {
    const made = await scene(['class:08'], Buffer.alloc(0));
    await made.say('up', [COMPRESSED, compressed(connect)]);
    expect(made.bodies('up', COMPRESSED)).toEqual([]);
    expect(bytesOf(made, 'up')).toEqual(usbInterfaces([3], 8));
    expect(bytesOf(made, 'down')).toEqual(REJECT);
  });

  it('goes on as it is where all of it may', async () => {
    const made = await scene(['class:03'], Buffer.alloc(0));
    await made.say('up', [COMPRESSED, compressed(connect)]);
    expect(made.bodies('up', COMPRESSED)).toEqual([compressed(connect)]);
  });

  it('ends the channel where it lies', async () => {
    const bad: Buffer[] = [
      Buffer.from([1]),
      Buffer.concat([Buffer.from([1]), words(5), literals(Buffer.alloc(4))]),
      Buffer.concat([Buffer.from([1]), words(0xffffffff), literals(Buffer.alloc(4))]),
      Buffer.concat([Buffer.from([1]), words(9), Buffer.from([0x10, 1, 9, 0, 0])]),
      Buffer.concat([Buffer.from([1]), words(9), Buffer.from([0xf0])]),
    ];
    for (const body of bad) {
      const made = await scene(['class:08'], Buffer.alloc(0));
      await made.say('up', [COMPRESSED, body]);
      expect(made.faults).toHaveLength(1);
    }
  });
});

describe('a stream that is no usbredir', () => {
  it.each([
    ['begins without a hello', usbDevice({})],
    ['has a hello that is too short', usbPacket(0, Buffer.alloc(8))],
    ['has a hello that is too long', usbPacket(0, Buffer.alloc(5000)).subarray(0, 100)],
  ])('ends its channel: it %s', async (_what, bytes) => {
    const made = PolicyScene.of('usbredir', { usb: ['class:08'] });
    await made.say('up', [DATA, bytes]);
    expect(made.faults).toHaveLength(1);
    expect(made.up.bytes).toHaveLength(0);
  });

  it('ends its channel when it goes on before the guest has said hello', async () => {
    const made = PolicyScene.of('usbredir', { usb: ['class:08'] });
    await made.say('up', [DATA, Buffer.concat([usbHello(ALL_CAPS), usbDevice({}, 8)])]);
    expect(made.faults).toHaveLength(1);
  });
});

describe('a list that changes', () => {
  it('leaves a device that stays allowed, and ends the channel of one that does not', async () => {
    const says = Buffer.concat([usbInterfaces([8], 8), usbDevice({}, 8)]);
    const made = await scene(['class:08'], says);
    made.change({ usb: ['*'] });
    made.change({ usb: ['class:08', 'class:03'] });
    expect(made.faults).toEqual([]);
    made.change({ usb: ['class:03'] });
    expect(String(made.faults[0])).toContain('guest_policy_usb');
  });

  it('ends a channel of which nobody has looked at the first bytes', async () => {
    const made = PolicyScene.of('usbredir');
    await made.say('up', [DATA, usbHello(ALL_CAPS)]);
    await aTurn();
    made.change({ usb: ['class:08'] });
    expect(String(made.faults[0])).toContain('guest_policy_usb');
  });

  it('is taken up by a channel on which nothing has passed', async () => {
    const made = PolicyScene.of('usbredir');
    made.change({ usb: ['class:08'] });
    await made.say('down', [DATA, usbHello(ALL_CAPS)]);
    await made.say('up', [DATA, usbHello(ALL_CAPS)], [DATA, usbDevice({}, 8)]);
    expect(bytesOf(made, 'down')).toEqual(REJECT);
  });
});

/** A block of nothing but literals. */
function literals(bytes: Buffer): Buffer {
  const head = [Math.min(15, bytes.length) << 4];
  let more = bytes.length - 15;
  for (; more >= 255; more -= 255) head.push(255);
  if (more >= 0) head.push(more);
  return Buffer.concat([Buffer.from(head), bytes]);
}

function compressed(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([1]), words(bytes.length), literals(bytes)]);
}
