// SPDX-License-Identifier: Apache-2.0
// The video streams of a display channel, as its server has announced them: where each is shown, and whether its frames
// need each other. A stream that is not known here (its announcement was not seen, or could not be read) has frames that
// keep their place. Layouts: spice.proto, channel DisplayChannel.
import type { Message } from '../relay/stage.js';
import { SERVER_MESSAGE } from '../spice/message-types.js';
import { readBox, RECT_BYTES, type Box } from './box.js';

/** A stream that the server has created and not destroyed. */
export interface Stream {
  readonly id: number;
  /** The surface onto which it is shown. */
  readonly surface: number;
  /** Where a frame is shown that names no place of its own. */
  readonly box: Box;
  /** No frame needs another one to be decoded. */
  readonly intraOnly: boolean;
}

/** Bytes of a STREAM_CREATE up to its clip: six u32, u8 flags, u8 codec, u64 stamp, Rect dest. */
const CREATE_BYTES = 50;
/** SPICE_VIDEO_CODEC_TYPE_MJPEG. */
const CODEC_MJPEG = 1;
/** spice-server has 64 streams at most (NUM_STREAMS); one with a higher id stays unknown. */
const MAX_STREAM_ID = 255;

/** The streams that live. Bounded: at most 256. */
export class StreamTable {
  private readonly streams = new Map<number, Stream>();

  /** The stream with this id, if it is known. */
  get(id: number): Stream | undefined {
    return this.streams.get(id);
  }

  /** Takes a message of the server into account, in the server's order; of no effect unless it is about streams. */
  note(message: Message): void {
    switch (message.type) {
      case SERVER_MESSAGE.display.STREAM_CREATE:
        this.create(message.body);
        return;
      case SERVER_MESSAGE.display.STREAM_DESTROY:
        if (message.body.length >= 4) this.streams.delete(message.body.readUInt32LE(0));
        return;
      case SERVER_MESSAGE.display.STREAM_DESTROY_ALL:
        this.streams.clear();
        return;
      default:
    }
  }

  private create(body: Buffer): void {
    if (body.length < CREATE_BYTES) return;
    const id = body.readUInt32LE(4);
    // A client keeps the stream that it has when its id is given out twice; which of the two it is, is not worth knowing.
    const twice = this.streams.delete(id);
    const box = readBox(body, CREATE_BYTES - RECT_BYTES);
    if (twice || box === null || id > MAX_STREAM_ID) return;
    this.streams.set(id, {
      id,
      surface: body.readUInt32LE(0),
      box,
      intraOnly: body.readUInt8(9) === CODEC_MJPEG,
    });
  }
}
