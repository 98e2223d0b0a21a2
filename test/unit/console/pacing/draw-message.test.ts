// SPDX-License-Identifier: Apache-2.0
// What the scheduler is told of a message: each rule by a message that differs in one thing from the plainest draw, and
// that nothing a server can send makes the reader throw or read outside.
import { describe, expect, it } from '@jest/globals';
import { readDrawMessage } from '../../../../src/console/pacing/draw-message.js';
import { StreamTable } from '../../../../src/console/pacing/stream-table.js';
import type { Message } from '../../../../src/console/relay/stage.js';
import {
  bitmapData,
  displayMessage,
  drawCopy,
  streamCreate,
  streamData,
  wordsMessage,
  type DrawCopyFields,
  type Rect,
} from '../../../fixtures/display-bodies.js';
import { captured, captures } from '../../../fixtures/captures.js';
import { mutate, SeededRandom } from '../../../fixtures/random.js';

const BOX: Rect = [10, 20, 42, 36];
const PLACE = { left: 10, top: 20, right: 42, bottom: 36 };
const OPAQUE = { kind: 'draw', surface: 0, box: PLACE, opaque: true };
const BARRIER = { kind: 'barrier' };

function read(message: Message, streams = new StreamTable()): unknown {
  return readDrawMessage(message, streams);
}

function readCopy(fields: Partial<DrawCopyFields>): unknown {
  return read(drawCopy({ box: BOX, ...fields }));
}

/** A raw image of the box's size. */
function raw(format: number, flags = 0, stride = 32 * 4): Partial<DrawCopyFields> {
  return { imageType: 0, imageData: bitmapData(format, flags, 32, 16, stride) };
}

describe('a DRAW_COPY', () => {
  it.each([1, 101, 105, 109])('is an opaque draw with an image of type %d', (imageType) => {
    expect(readCopy({ imageType })).toEqual(OPAQUE);
  });

  it.each([2, 100, 102, 103, 104, 106, 107, 110, 255])(
    'is a barrier with an image of type %d',
    (imageType) => {
      expect(readCopy({ imageType })).toEqual(BARRIER);
    },
  );

  it.each([6, 7, 8, 9])(
    'is an opaque draw with a raw image of format %d, whatever the order of its rows',
    (format) => {
      expect(readCopy(raw(format))).toEqual(OPAQUE);
      expect(readCopy(raw(format, 4))).toEqual(OPAQUE);
    },
  );

  it.each([0, 1, 2, 3, 4, 5, 10])('is a barrier with a raw image of format %d', (format) => {
    expect(readCopy(raw(format))).toEqual(BARRIER);
  });

  it('is a barrier with a raw image that has a palette, or fewer bytes than it says', () => {
    expect(readCopy(raw(8, 1))).toEqual(BARRIER);
    expect(readCopy(raw(8, 2))).toEqual(BARRIER);
    expect(readCopy(raw(8, 0, 32 * 4 - 1))).toEqual(BARRIER);
    const palette = bitmapData(8, 0, 32, 16, 128);
    palette.writeUInt32LE(60, 14);
    expect(readCopy({ imageType: 0, imageData: palette })).toEqual(BARRIER);
    const short = bitmapData(8, 0, 32, 16, 128).subarray(0, -1);
    expect(readCopy({ imageType: 0, imageData: short })).toEqual(BARRIER);
    expect(readCopy({ imageType: 0, imageData: bitmapData(8, 0, 32, 15, 128) })).toEqual(BARRIER);
  });

  it('is not opaque with an image that has an alpha part', () => {
    const imageData = Buffer.from([0, 4, 0, 0, 0, 4, 0, 0, 0, 1, 2, 3, 4]);
    expect(readCopy({ imageType: 108, imageData })).toEqual({ ...OPAQUE, opaque: false });
  });

  it('is not opaque with a clip of no rectangle, of several, or of one elsewhere', () => {
    expect(readCopy({ clip: [] })).toEqual({ ...OPAQUE, opaque: false });
    expect(readCopy({ clip: [BOX, BOX] })).toEqual({ ...OPAQUE, opaque: false });
    expect(readCopy({ clip: [[42, 20, 50, 36]] })).toEqual({ ...OPAQUE, opaque: false });
    expect(readCopy({ clip: [[42, 36, 10, 20]] })).toEqual({ ...OPAQUE, opaque: false });
  });

  it('is opaque where the only rectangle of its clip lets it through', () => {
    expect(readCopy({ clip: [BOX] })).toEqual(OPAQUE);
    expect(readCopy({ clip: [[0, 0, 100, 100]] })).toEqual(OPAQUE);
    const part = { left: 20, top: 20, right: 42, bottom: 30 };
    expect(readCopy({ clip: [[20, 0, 100, 30]] })).toEqual({ ...OPAQUE, box: part });
  });

  it('is not opaque when its source is scaled, or goes beyond the image', () => {
    expect(readCopy({ source: [0, 0, 16, 16] })).toEqual({ ...OPAQUE, opaque: false });
    expect(readCopy({ source: [1, 0, 33, 16] })).toEqual({ ...OPAQUE, opaque: false });
    expect(readCopy({ source: [0, -1, 32, 15] })).toEqual({ ...OPAQUE, opaque: false });
    expect(readCopy({ source: [5, 5, 5, 5] })).toEqual({ ...OPAQUE, opaque: false });
    expect(readCopy({ imageSize: [31, 16], source: [0, 0, 32, 16] })).toEqual({ ...OPAQUE, opaque: false });
  });

  it('is opaque when its source is a part of the image', () => {
    expect(readCopy({ imageSize: [100, 100], source: [68, 84, 100, 100] })).toEqual(OPAQUE);
  });

  it.each([0, 1, 9, 12, 16, 64, 512, 1032])('is a barrier with rop %d', (rop) => {
    expect(readCopy({ rop })).toEqual(BARRIER);
  });

  it('is a barrier with a mask', () => {
    expect(readCopy({ mask: 57 })).toEqual(BARRIER);
  });

  it('is a barrier with an image that is put into the cache', () => {
    expect([1, 4, 5, 3, 8].map((imageFlags) => readCopy({ imageFlags }))).toEqual(Array(5).fill(BARRIER));
    expect(readCopy({ imageFlags: 2 })).toEqual(OPAQUE);
  });

  it('names its surface', () => {
    expect(readCopy({ surface: 0xfffffffe })).toEqual({ ...OPAQUE, surface: 0xfffffffe });
  });

  it.each<Rect>([
    [10, 20, 10, 36],
    [10, 20, 42, 20],
    [42, 20, 10, 36],
    [10, 36, 42, 20],
    [-40_000, 0, 1, 1],
    [0, 0, 1, 40_000],
  ])('is a barrier with the box %d %d %d %d', (...box) => {
    expect(readCopy({ box, imageSize: [32, 16] })).toEqual(BARRIER);
  });

  it('is a barrier with a length that lies', () => {
    const { body } = drawCopy({ box: BOX });
    for (let end = 0; end < body.length; end++) {
      expect(read({ type: 304, bytes: body, body: body.subarray(0, end) })).toEqual(BARRIER);
    }
    const clipped = drawCopy({ box: BOX, clip: [BOX] });
    for (const count of [0xffffffff, 0x10000000, 0x0fffffff, 100]) {
      clipped.body.writeUInt32LE(count, 21);
      expect(read(clipped)).toEqual(BARRIER);
    }
    for (const pointer of [0, 0xffffffff, body.length, body.length - 17]) {
      const message = drawCopy({ box: BOX });
      message.body.writeUInt32LE(pointer, 21);
      expect(read(message)).toEqual(BARRIER);
    }
    const unknownClip = drawCopy({ box: BOX });
    unknownClip.body.writeUInt8(2, 20);
    expect(read(unknownClip)).toEqual(BARRIER);
  });

  it('of spice-server is a barrier as it was recorded, with a GLZ image, and a draw with an LZ image', () => {
    const bytes = Buffer.from(captured(captures.messages.find(({ name }) => name === 'display-draw-copy')!));
    const body = bytes.subarray(6);
    expect(read({ type: 304, bytes, body })).toEqual(BARRIER);
    body.writeUInt8(101, body.readUInt32LE(21) + 8);
    const box = { left: 224, top: 97, right: 243, bottom: 108 };
    expect(read({ type: 304, bytes, body })).toEqual({ kind: 'draw', surface: 0, box, opaque: true });
  });
});

describe('a frame of a stream', () => {
  const streams = new StreamTable();
  streams.note(streamCreate({ id: 3, surface: 2, box: BOX }));
  streams.note(streamCreate({ id: 4, codec: 3, box: BOX }));
  const frame = { kind: 'stream_data', stream: 3, surface: 2, box: PLACE, mmTime: 77, intraOnly: true };

  it('is shown where the stream is, or where it says', () => {
    expect(read(streamData(3, 77), streams)).toEqual(frame);
    const box = { left: 0, top: 1, right: 2, bottom: 3 };
    expect(read(streamData(3, 77, [0, 1, 2, 3]), streams)).toEqual({ ...frame, box });
  });

  it('needs others unless the codec is MJPEG', () => {
    expect(read(streamData(4, 77), streams)).toMatchObject({ stream: 4, intraOnly: false });
  });

  it('is a barrier when its stream is unknown, or its length lies', () => {
    expect(read(streamData(5, 77), streams)).toEqual(BARRIER);
    expect(read(streamData(3, 77, [5, 5, 5, 6]), streams)).toEqual(BARRIER);
    for (const { type, bytes, body } of [streamData(3, 77), streamData(3, 77, BOX)]) {
      for (let end = 0; end < body.length; end++) {
        expect(read({ type, bytes, body: body.subarray(0, end) }, streams)).toEqual(BARRIER);
      }
    }
  });

  it('belongs to a stream until that is destroyed', () => {
    const table = new StreamTable();
    table.note(streamCreate({ id: 1, box: BOX }));
    table.note(streamCreate({ id: 2, box: BOX }));
    table.note(wordsMessage(125, 1));
    expect([table.get(1), table.get(2)?.id]).toEqual([undefined, 2]);
    table.note(displayMessage(126, Buffer.alloc(0)));
    expect(table.get(2)).toBeUndefined();
  });

  it('belongs to no stream whose announcement is short, without a place, twice given or of a high id', () => {
    const table = new StreamTable();
    const whole = streamCreate({ id: 1, box: BOX });
    table.note({ ...whole, body: whole.body.subarray(0, 49) });
    table.note(streamCreate({ id: 2, box: [1, 1, 1, 1] }));
    table.note(streamCreate({ id: 256, box: BOX }));
    table.note(streamCreate({ id: 3, box: BOX }));
    table.note(streamCreate({ id: 3, box: BOX }));
    table.note(displayMessage(125, Buffer.alloc(3)));
    expect([1, 2, 3, 256].map((id) => table.get(id))).toEqual(Array(4).fill(undefined));
  });
});

describe('another message', () => {
  it('is a barrier, except a PING', () => {
    expect(read(wordsMessage(4, 1, 2, 3))).toEqual({ kind: 'ping' });
    const types = Array.from({ length: 400 }, (_, type) => type).filter((type) => ![4, 304].includes(type));
    const { body } = drawCopy({ box: BOX });
    expect(
      types.filter(
        (type) => readDrawMessage(displayMessage(type, body), new StreamTable()).kind !== 'barrier',
      ),
    ).toEqual([]);
  });
});

it('reads whatever bytes come', () => {
  const random = new SeededRandom(20260);
  const streams = new StreamTable();
  streams.note(streamCreate({ id: 0, box: BOX }));
  const samples = [
    drawCopy({ box: BOX, clip: [BOX, BOX] }),
    drawCopy({ box: BOX, ...raw(8) }),
    streamData(0, 1, BOX),
  ];
  const kinds = new Set<string>();
  for (let round = 0; round < 50_000; round++) {
    const { type, body } = random.pick(samples);
    const bytes = mutate(random, body);
    kinds.add(readDrawMessage({ type, bytes, body: bytes }, streams).kind);
  }
  expect([...kinds].sort()).toEqual(['barrier', 'draw', 'stream_data']);
});
