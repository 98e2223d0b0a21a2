// SPDX-License-Identifier: Apache-2.0
// What the scheduler must know of a display channel's server message: which pixels it writes, whether it writes all of
// them, and whether it may be sent before or after its neighbours. Nothing is copied or decoded. A message may change
// places only if it reads nothing that another message changes: it brings its own image, puts it onto the surface
// unchanged and leaves no cache behind. Everything else keeps its place, and so does whatever cannot be read: a length
// that lies costs its sender the order it would have got anyway. Layouts: spice.proto, channel DisplayChannel.
import type { Message } from '../relay/stage.js';
import { SERVER_MESSAGE } from '../spice/message-types.js';
import { intersection, readBox, RECT_BYTES, type Box } from './box.js';
import type { StreamTable } from './stream-table.js';

/** Puts an image of its own onto a surface; reads nothing else. */
export interface Draw {
  readonly kind: 'draw';
  /** The surface's id. */
  readonly surface: number;
  /** No pixel outside is written. */
  readonly box: Box;
  /** Each pixel of `box` is written, so that what was there before cannot be seen any more. */
  readonly opaque: boolean;
}

/** A frame of a video stream that is known. */
export interface StreamFrame {
  readonly kind: 'stream_data';
  /** The stream's id. */
  readonly stream: number;
  /** The surface onto which the stream is shown. */
  readonly surface: number;
  /** No pixel outside is written; the stream's clip may leave out some inside. */
  readonly box: Box;
  /** When the frame is to be shown: ms of the multimedia clock, modulo 2^32; 0 where the server gave none. */
  readonly mmTime: number;
  /** No other frame needs this one to be decoded (MJPEG). */
  readonly intraOnly: boolean;
}

/** What the scheduler knows of a message. */
export type DrawMessage =
  | Draw
  | StreamFrame
  /** A PING: is answered, and changes nothing that is drawn. */
  | { readonly kind: 'ping' }
  /** Keeps its place: all that came before it goes out before it, and all that came after it, after it. */
  | { readonly kind: 'barrier' };

const BARRIER: DrawMessage = { kind: 'barrier' };
const PING: DrawMessage = { kind: 'ping' };

/** Bytes of a DisplayBase up to and with the clip's type: u32 surface, Rect box, u8 type. */
const BASE_BYTES = 21;
const CLIP_NONE = 0;
const CLIP_RECTS = 1;
/** Bytes of a Copy: u32 image, Rect source, u16 rop, u8 scale mode, u8 mask flags, Point, u32 mask image. */
const COPY_BYTES = 36;
/** SPICE_ROPD_OP_PUT with nothing beside it: the result is the source. */
const ROP_PUT = 8;
/** Bytes of an ImageDescriptor: u64 id, u8 type, u8 flags, u32 width, u32 height. */
const DESCRIPTOR_BYTES = 18;
/** SPICE_IMAGE_FLAGS_HIGH_BITS_SET: the one flag that says nothing of a cache. */
const IMAGE_HIGH_BITS_SET = 2;
/** SPICE_BITMAP_FLAGS_TOP_DOWN: the order of the rows, and the one flag of a bitmap that says nothing of a palette. */
const BITMAP_TOP_DOWN = 4;
/** Bytes of a BitmapData with a palette pointer: u8 format, u8 flags, u32 width, height, stride, palette. */
const BITMAP_BYTES = 18;
/** SPICE_BITMAP_FMT_16BIT, 24BIT, 32BIT and RGBA; those below have a palette, the one above has alpha only. */
const BITMAP_FORMAT_MIN = 6;
const BITMAP_FORMAT_MAX = 9;
const BITMAP_PIXEL_BYTES = [2, 3, 4, 4];
/** SpiceImageType, as far as an image of the type is whole in itself. */
const IMAGE = { BITMAP: 0, QUIC: 1, LZ_RGB: 101, JPEG: 105, JPEG_ALPHA: 108, LZ4: 109 } as const;

/**
 * Reads a whole message of the display channel's server. Never throws and never reads outside `message.body`: what is
 * too short, too long, contradictory or unknown is a barrier.
 * @param streams the streams as they are when the message is reached, in the server's order
 */
export function readDrawMessage(message: Message, streams: StreamTable): DrawMessage {
  switch (message.type) {
    case SERVER_MESSAGE.display.DRAW_COPY:
      return readDrawCopy(message.body);
    case SERVER_MESSAGE.display.STREAM_DATA:
      return readStreamData(message.body, streams);
    case SERVER_MESSAGE.display.STREAM_DATA_SIZED:
      return readStreamDataSized(message.body, streams);
    case SERVER_MESSAGE.common.PING:
      return PING;
    default:
      return BARRIER;
  }
}

function readDrawCopy(body: Buffer): DrawMessage {
  if (body.length < BASE_BYTES + COPY_BYTES) return BARRIER;
  const box = readBox(body, 4);
  const copyAt = afterClip(body, BASE_BYTES - 1);
  if (box === null || copyAt === null || body.length - copyAt < COPY_BYTES) return BARRIER;
  if (body.readUInt16LE(copyAt + 20) !== ROP_PUT) return BARRIER;
  const hasMask = body.readUInt32LE(copyAt + 32) !== 0;
  if (hasMask) return BARRIER;
  const image = readImage(body, body.readUInt32LE(copyAt));
  if (image === null) return BARRIER;
  const visible = visibleBox(body, BASE_BYTES - 1, box);
  const source = readBox(body, copyAt + 4);
  const opaque = visible !== null && !image.alpha && source !== null && fills(box, source, image);
  return { kind: 'draw', surface: body.readUInt32LE(0), box: visible ?? box, opaque };
}

/**
 * What a Clip leaves of a box, where that is a rectangle: the whole box, or what the only rectangle of the clip has in
 * common with it (QXL's driver clips each draw, mostly by its own box). Null where it is none, or none that is known.
 */
function visibleBox(body: Buffer, offset: number, box: Box): Box | null {
  if (body.readUInt8(offset) === CLIP_NONE) return box;
  if (body.readUInt32LE(offset + 1) !== 1) return null;
  const rect = readBox(body, offset + 5);
  return rect === null ? null : intersection(box, rect);
}

/** Where the field behind a Clip begins; null where the clip is unknown or goes beyond the end. */
function afterClip(body: Buffer, offset: number): number | null {
  const type = body.readUInt8(offset);
  if (type === CLIP_NONE) return offset + 1;
  if (type !== CLIP_RECTS || body.length - offset < 5) return null;
  const count = body.readUInt32LE(offset + 1);
  const end = offset + 5 + count * RECT_BYTES;
  return end <= body.length ? end : null;
}

interface Image {
  readonly width: number;
  readonly height: number;
  readonly alpha: boolean;
}

/** The image, if it is whole in itself and its bytes are all there; else null. */
function readImage(body: Buffer, offset: number): Image | null {
  if (offset === 0 || body.length - offset < DESCRIPTOR_BYTES) return null;
  const touchesCache = (body.readUInt8(offset + 9) & ~IMAGE_HIGH_BITS_SET) !== 0;
  if (touchesCache) return null;
  const width = body.readUInt32LE(offset + 10);
  const height = body.readUInt32LE(offset + 14);
  const type = body.readUInt8(offset + 8);
  const dataAt = offset + DESCRIPTOR_BYTES;
  switch (type) {
    case IMAGE.BITMAP:
      return isWholeBitmap(body, dataAt, width, height) ? { width, height, alpha: false } : null;
    case IMAGE.QUIC:
    case IMAGE.LZ_RGB:
    case IMAGE.LZ4:
    case IMAGE.JPEG:
      return hasData(body, dataAt) ? { width, height, alpha: false } : null;
    case IMAGE.JPEG_ALPHA:
      return hasData(body, dataAt + 5) ? { width, height, alpha: true } : null;
    default:
      return null;
  }
}

/** Whether there is a u32 length at `offset`, and as many bytes behind it. */
function hasData(body: Buffer, offset: number): boolean {
  return body.length - offset >= 4 && body.readUInt32LE(offset) <= body.length - offset - 4;
}

/** Whether a BitmapData needs no palette, has the size of its descriptor and all of its rows. */
function isWholeBitmap(body: Buffer, offset: number, width: number, height: number): boolean {
  if (body.length - offset < BITMAP_BYTES) return false;
  const format = body.readUInt8(offset);
  if (format < BITMAP_FORMAT_MIN || format > BITMAP_FORMAT_MAX) return false;
  if ((body.readUInt8(offset + 1) & ~BITMAP_TOP_DOWN) !== 0) return false;
  if (body.readUInt32LE(offset + 2) !== width || body.readUInt32LE(offset + 6) !== height) return false;
  if (body.readUInt32LE(offset + 14) !== 0) return false;
  const stride = body.readUInt32LE(offset + 10);
  if (stride < width * (BITMAP_PIXEL_BYTES[format - BITMAP_FORMAT_MIN] ?? Infinity)) return false;
  return stride * height <= body.length - offset - BITMAP_BYTES;
}

/**
 * Whether the source, put into the box, leaves out no pixel. A client leaves out what the source area does not find
 * inside the image, and what a scaled image gives at its edges is up to its drawing library.
 */
function fills(box: Box, source: Box, image: Image): boolean {
  if (source.left < 0 || source.top < 0 || source.right > image.width || source.bottom > image.height)
    return false;
  const sameWidth = source.right - source.left === box.right - box.left;
  return sameWidth && source.bottom - source.top === box.bottom - box.top;
}

/** STREAM_DATA: u32 id, u32 mm_time, u32 size, data. */
function readStreamData(body: Buffer, streams: StreamTable): DrawMessage {
  if (body.length < 12 || !hasData(body, 8)) return BARRIER;
  const stream = streams.get(body.readUInt32LE(0));
  if (stream === undefined) return BARRIER;
  const { id, surface, box, intraOnly } = stream;
  return { kind: 'stream_data', stream: id, surface, box, mmTime: body.readUInt32LE(4), intraOnly };
}

/** STREAM_DATA_SIZED: u32 id, u32 mm_time, u32 width, u32 height, Rect dest, u32 size, data. */
function readStreamDataSized(body: Buffer, streams: StreamTable): DrawMessage {
  if (body.length < 36 || !hasData(body, 32)) return BARRIER;
  const stream = streams.get(body.readUInt32LE(0));
  const box = readBox(body, 16);
  if (stream === undefined || box === null) return BARRIER;
  const { id, surface, intraOnly } = stream;
  return { kind: 'stream_data', stream: id, surface, box, mmTime: body.readUInt32LE(4), intraOnly };
}
