// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../../../../src/console/spice/message-types.js';
import type { ChannelName } from '../../../../src/console/spice/constants.js';
import { ruleOf, type Said } from '../../../fixtures/firewall-scene.js';

const UP = CLIENT_MESSAGE;
const DOWN = SERVER_MESSAGE;

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32LE(value, 4 * index));
  return bytes;
}

const up = (type: number, body: Buffer): Said => ({ type, body });
const down = (type: number, body: Buffer): Said => ({ direction: 'down', type, body });

/** u32 type, u32 reader, u32 length, data. */
function smartcard(type: number, length: number, data = length): Buffer {
  return Buffer.concat([words(type, 0, length), Buffer.alloc(data)]);
}

function displayInit(cache: bigint, dictionary: number): Buffer {
  const body = Buffer.alloc(14);
  body.writeBigInt64LE(cache, 1);
  body.writeInt32LE(dictionary, 10);
  return body;
}

function compressed(kind: number, size: number, data: number): Buffer {
  return Buffer.concat([Buffer.from([kind]), words(size), Buffer.alloc(data)]);
}

function portInit(size: number, offset: number, name: string): Buffer {
  return Buffer.concat([words(size, offset), Buffer.from([1]), Buffer.from(name)]);
}

function audioMode(mode: number): Buffer {
  const body = Buffer.alloc(6);
  body.writeUInt16LE(mode, 4);
  return body;
}

const { INIT } = UP.display;
const KEY = UP.inputs;
const MIB = 1024 * 1024;

/** What is said on a channel, and the rule that the last message breaks. */
const CASES: readonly [what: string, channel: ChannelName, said: Said[], rule: string | null][] = [
  ['a display is initialised', 'display', [up(INIT, displayInit(2n ** 40n, 2 ** 24))], null],
  ['with a negative cache', 'display', [up(INIT, displayInit(-1n, 0))], 'display_init'],
  ['with a negative dictionary', 'display', [up(INIT, displayInit(0n, -1))], 'display_init'],
  ['twice', 'display', [up(INIT, displayInit(1n, 1)), up(INIT, displayInit(1n, 1))], 'display_init'],
  [
    'a report on the last stream',
    'display',
    [up(UP.display.STREAM_REPORT, words(49, 0, 0, 0, 0, 0, 0, 0))],
    null,
  ],
  [
    'on one behind it',
    'display',
    [up(UP.display.STREAM_REPORT, words(50, 0, 0, 0, 0, 0, 0, 0))],
    'stream_report',
  ],
  [
    'five codecs',
    'display',
    [up(UP.display.PREFERRED_VIDEO_CODEC_TYPE, Buffer.from([5, 1, 2, 3, 4, 5]))],
    null,
  ],
  [
    'codecs that are not there',
    'display',
    [up(UP.display.PREFERRED_VIDEO_CODEC_TYPE, Buffer.from([6, 1, 2, 3, 4, 5]))],
    'video_codecs',
  ],
  [
    'codecs that are not counted',
    'display',
    [up(UP.display.PREFERRED_VIDEO_CODEC_TYPE, Buffer.from([0, 1]))],
    'video_codecs',
  ],
  ['a key of one byte', 'inputs', [up(KEY.KEY_DOWN, words(0x1e))], null],
  ['a key of two bytes', 'inputs', [up(KEY.KEY_UP, words(0x4be0))], null],
  ['a key of four bytes', 'inputs', [up(KEY.KEY_DOWN, Buffer.from([0xe1, 0x1d, 0x45, 0x45]))], null],
  ['no key at all', 'inputs', [up(KEY.KEY_DOWN, words(0))], null],
  ['a key that ends in a prefix', 'inputs', [up(KEY.KEY_DOWN, words(0xe0))], 'key_scancode'],
  ['a key with bytes behind its end', 'inputs', [up(KEY.KEY_UP, words(0x1e00001e))], 'key_scancode'],
  ['scan codes', 'inputs', [up(KEY.KEY_SCANCODE, Buffer.alloc(2048, 0x1e))], null],
  [
    'scan codes that end in a prefix',
    'inputs',
    [up(KEY.KEY_SCANCODE, Buffer.from([0x1e, 0xe1]))],
    'key_scancode',
  ],
  ['audio in Opus', 'record', [up(UP.record.MODE, audioMode(3))], null],
  ['audio in nothing', 'record', [up(UP.record.MODE, audioMode(0))], 'audio_mode'],
  ['audio in what comes next', 'record', [up(UP.record.MODE, audioMode(4))], 'audio_mode'],
  ['a card', 'smartcard', [up(UP.smartcard.DATA, smartcard(7, 65_524))], null],
  ['the last kind of card message', 'smartcard', [down(DOWN.smartcard.DATA, smartcard(9, 0))], null],
  ['a card message of no kind', 'smartcard', [up(UP.smartcard.DATA, smartcard(0, 4))], 'smartcard_header'],
  ['of the kind behind the last', 'smartcard', [up(UP.smartcard.DATA, smartcard(10, 4))], 'smartcard_header'],
  [
    'with a length that lies',
    'smartcard',
    [up(UP.smartcard.DATA, smartcard(7, 65_536, 4))],
    'smartcard_header',
  ],
  ['of a guest', 'smartcard', [down(DOWN.smartcard.DATA, smartcard(7, 0xffffffff, 4))], 'smartcard_header'],
  ['compressed data', 'usbredir', [up(UP.usbredir.COMPRESSED_DATA, compressed(1, 16 * MIB, 65_794))], null],
  [
    'that becomes too much',
    'usbredir',
    [up(UP.usbredir.COMPRESSED_DATA, compressed(1, 16 * MIB + 1, 70_000))],
    'compressed_data',
  ],
  [
    'that cannot become so much',
    'webdav',
    [up(UP.webdav.COMPRESSED_DATA, compressed(1, 256, 1))],
    'compressed_data',
  ],
  ['without its size', 'port', [up(UP.port.COMPRESSED_DATA, Buffer.from([1, 0, 0, 0]))], 'compressed_data'],
  ['compressed by nothing', 'port', [up(UP.port.COMPRESSED_DATA, compressed(0, 0, 4))], 'compressed_data'],
  ['the same of a guest', 'port', [down(DOWN.port.COMPRESSED_DATA, Buffer.from([0, 7]))], null],
  [
    'of a guest, too much',
    'usbredir',
    [down(DOWN.usbredir.COMPRESSED_DATA, compressed(1, 0xffffffff, 9))],
    'compressed_data',
  ],
  [
    'of a guest, unknown',
    'usbredir',
    [down(DOWN.usbredir.COMPRESSED_DATA, compressed(2, 1, 9))],
    'compressed_data',
  ],
  ['the last event of a port', 'port', [up(UP.port.EVENT, Buffer.from([2]))], null],
  ['an event behind it', 'port', [up(UP.port.EVENT, Buffer.from([3]))], 'port_event'],
  ['an event of a guest', 'webdav', [down(DOWN.webdav.EVENT, Buffer.from([255]))], 'port_event'],
  ['the name of a port', 'port', [down(DOWN.port.INIT, portInit(6, 9, 'spice\0'))], null],
  ['no name', 'port', [down(DOWN.port.INIT, portInit(0, 0, ''))], null],
  ['a name that is longer', 'port', [down(DOWN.port.INIT, portInit(7, 9, 'spice\0'))], 'port_event'],
  [
    'a name behind its message',
    'port',
    [down(DOWN.port.INIT, portInit(1, 0xffffffff, 'spice\0'))],
    'port_event',
  ],
  ['a name in the fields', 'webdav', [down(DOWN.webdav.INIT, portInit(6, 3, 'spice\0'))], 'port_event'],
  [
    'a list of channels',
    'main',
    [down(DOWN.main.CHANNELS_LIST, Buffer.concat([words(1), Buffer.from([2, 0])]))],
    null,
  ],
  [
    'one that lies',
    'main',
    [down(DOWN.main.CHANNELS_LIST, Buffer.concat([words(0x40000000), Buffer.from([2, 0])]))],
    'list_count',
  ],
  [
    'the name of a guest',
    'main',
    [down(DOWN.main.NAME, Buffer.concat([words(4), Buffer.from('lab\0')]))],
    null,
  ],
  [
    'a longer one',
    'main',
    [down(DOWN.main.NAME, Buffer.concat([words(5), Buffer.from('lab\0')]))],
    'list_count',
  ],
  ['a flush that nobody wants', 'cursor', [up(UP.common.MIGRATE_FLUSH_MARK, Buffer.alloc(0))], 'flush_mark'],
  [
    'a flush',
    'display',
    [down(DOWN.common.MIGRATE, words(3)), up(UP.common.MIGRATE_FLUSH_MARK, Buffer.alloc(0))],
    null,
  ],
  [
    'a second flush',
    'usbredir',
    [
      down(DOWN.common.MIGRATE, words(3)),
      up(UP.common.MIGRATE_FLUSH_MARK, Buffer.alloc(0)),
      up(UP.common.MIGRATE_FLUSH_MARK, Buffer.alloc(0)),
    ],
    'flush_mark',
  ],
];

describe('the bodies of messages', () => {
  it.each(CASES)('%s: %s', async (_what, channel, said, rule) => {
    expect(await ruleOf(channel, ...said)).toBe(rule);
  });
});
