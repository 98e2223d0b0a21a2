// SPDX-License-Identifier: Apache-2.0
// The TLS record rule: a client that waits as spice-gtk does, on its socket and never on OpenSSL, gets every message
// of every burst at once, however the backend joins and splits them.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { CHANNEL, type ChannelName } from '../../../src/console/spice/constants.js';
import { SERVER_MESSAGE } from '../../../src/console/spice/message-types.js';
import { Site, type Desk } from '../../fixtures/kerbside.js';
import { placeBody } from '../../fixtures/migration-bodies.js';
import { SeededRandom } from '../../fixtures/random.js';
import { notifyBody } from '../../fixtures/spice-bodies.js';
import { GtkChannel } from '../../fixtures/spice-gtk-client.js';
import { encodeMessage, type SpiceMessage } from '../../fixtures/spice-messages.js';
import type { ServerChannel } from '../../fixtures/spice-server-channel.js';
import type { SpiceServerOptions } from '../../fixtures/spice-server-options.js';

const { main: MAIN, display: DISPLAY, common: COMMON } = SERVER_MESSAGE;
const ROUNDS = 14;
const QUIET_MS = 50;
const RECORD = 16_384;

let site: Site;
const open: GtkChannel[] = [];

beforeAll(async () => {
  // The messages are of any size and hold nothing: only where they end is looked at.
  site = await Site.start({ OS_FIREWALL__MODE: 'off' });
});
afterEach(async () => {
  open.splice(0).forEach((channel) => channel.close());
  await site.tidy();
});
afterAll(() => site.stop());

function tlsBackend(): SpiceServerOptions {
  return { plain: false, tls: site.certificates.hypervisor };
}

/** Links main, and `name` behind it when that is another one. */
async function link(desk: Desk, name: ChannelName, commonCaps: number[]): Promise<GtkChannel> {
  const { password } = await site.vv(desk.uuid);
  const target = { port: site.kerbside.ports.secure, ca: site.certificates.authority.ca };
  const main = await GtkChannel.open({ ...target, password, commonCaps });
  open.push(main);
  const init = await main.waitFor(MAIN.INIT);
  if (name === 'main') return main;
  const connectionId = init.body.readUInt32LE(0);
  const channel = await GtkChannel.open({
    ...{ ...target, password, commonCaps, connectionId },
    channelType: CHANNEL[name],
  });
  open.push(channel);
  return channel;
}

/** A body length as it matters here: none, few bytes, near a multiple of a record, or large. */
function bodyLength(random: SeededRandom): number {
  switch (random.below(8)) {
    case 0:
      return 0;
    case 1:
      return 1 + random.below(4) * RECORD + random.below(24) + RECORD - 24;
    case 2:
      return random.below(200_000);
    case 3:
      return random.below(3 * RECORD);
    default:
      return random.below(60);
  }
}

interface Burst {
  readonly bytes: Buffer;
  readonly expected: readonly { type: number; length: number }[];
}

/** A message of the display channel. */
function drawing(random: SeededRandom): { type: number; body: Buffer; passes: boolean } {
  const type = random.pick([DISPLAY.DRAW_COPY, DISPLAY.STREAM_DATA, DISPLAY.MARK, COMMON.SET_ACK]);
  return { type, body: Buffer.alloc(bodyLength(random), random.below(256)), passes: true };
}

/** Where no guest may go. */
const ELSEWHERE = { host: '127.0.0.77', port: 5900, tlsPort: 65535, subject: '' };

/** A message of the main channel; some must not reach the client. */
function talk(random: SeededRandom): { type: number; body: Buffer; passes: boolean } {
  switch (random.below(6)) {
    case 0:
      return { type: COMMON.NOTIFY, body: notifyBody('keyboard channel is insecure'), passes: false };
    case 1:
      return { type: COMMON.NOTIFY, body: notifyBody('x'.repeat(random.below(500))), passes: true };
    case 2:
      return { type: MAIN.MIGRATE_BEGIN, body: placeBody(ELSEWHERE), passes: false };
    default:
      return { type: MAIN.AGENT_DATA, body: Buffer.alloc(bodyLength(random)), passes: true };
  }
}

function burstOf(random: SeededRandom, server: ServerChannel, make: typeof talk): Burst {
  const expected: { type: number; length: number }[] = [];
  const frames: Buffer[] = [];
  for (let left = 1 + random.below(12); left > 0; left -= 1) {
    const { type, body, passes } = make(random);
    frames.push(server.frame(type, body));
    if (passes) expected.push({ type, length: body.length });
  }
  return { bytes: Buffer.concat(frames), expected };
}

function summary(messages: readonly SpiceMessage[]): { type: number; length: number }[] {
  return messages.map(({ type, body }) => ({ type, length: body.length }));
}

describe.each([
  ['plain', (): SpiceServerOptions => ({}), {}],
  ['TLS', tlsBackend, { hypervisor: 'localhost' }],
] as const)('bursts of a %s backend', (_transport, options, row) => {
  it.each([
    ['display', drawing, 11, [0xd]],
    ['main', talk, 12, [0xd]],
    ['display', drawing, 13, [0x1]],
    ['main', talk, 14, [0x1]],
  ] as const)(
    'reach a waiting client whole on %s',
    async (name, make, seed, commonCaps) => {
      const random = new SeededRandom(seed);
      const desk = await site.desk(options(), row);
      const client = await link(desk, name, [...commonCaps]);
      const server = await desk.server.channel(name);
      for (let round = 0; round < ROUNDS; round += 1) {
        const seen = client.messages.length;
        const { bytes, expected } = burstOf(random, server, make);
        const longest = random.pick([7, 100, 1500, RECORD, 65_536, 1_000_000]);
        const pieces = bytes.length / longest > 400 ? [bytes] : random.split(bytes, longest);
        await server.writePieces(pieces);
        const deadline = Date.now() + 5000;
        let stuck = await client.settle(QUIET_MS);
        // A busy machine may be quiet for a while; a message that is stuck stays so.
        while (client.messages.length - seen < expected.length && Date.now() < deadline) {
          stuck = await client.settle(QUIET_MS);
        }
        expect({ round, stuck }).toEqual({ round, stuck: 0 });
        expect(summary(client.messages.slice(seen))).toEqual(expected);
      }
    },
    60_000,
  );

  it('reach it whole when they come with the link result', async () => {
    const hello = [COMMON.SET_ACK, DISPLAY.MARK, DISPLAY.RESET].map((type) =>
      encodeMessage(type, Buffer.alloc(8), { miniHeader: true }),
    );
    const time = encodeMessage(MAIN.MULTI_MEDIA_TIME, Buffer.alloc(4), { miniHeader: true });
    const greeting = { display: Buffer.concat(hello), main: Buffer.concat([time, time, time]) };
    const desk = await site.desk({ ...options(), joinResult: true, greeting }, row);
    const display = await link(desk, 'display', [0xd]);
    expect(await display.settle(300)).toBe(0);
    expect(display.messages.map(({ type }) => type)).toEqual([COMMON.SET_ACK, DISPLAY.MARK, DISPLAY.RESET]);
    const [main] = open;
    expect(main?.messages.map(({ type }) => type)).toEqual([
      MAIN.INIT,
      ...[MAIN.MULTI_MEDIA_TIME, MAIN.MULTI_MEDIA_TIME, MAIN.MULTI_MEDIA_TIME],
    ]);
    expect(main?.stuckBytes).toBe(0);
  });
});
