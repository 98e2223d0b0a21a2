// SPDX-License-Identifier: Apache-2.0
// Pictures in SPICE's LZ form for 32 bits a pixel, which every client has to understand. Layout: lz_common.h and lz.c of
// spice-common. The encoder knows two ways to repeat pixels, those of its left neighbour and those of the row above, which
// is all that a picture of text needs.
import { Writer } from './writer.js';

/** "LZ  " as a little-endian machine has it, written most significant byte first like the rest of the header. */
const MAGIC = Buffer.from([0x20, 0x20, 0x5a, 0x4c]);
const VERSION = 0x0001_0001;
/** `LZ_IMAGE_TYPE_RGB32` [lz_common.h]. */
const TYPE_RGB32 = 8;
const HEADER_BYTES = 28;

/** Pixels of one literal run. */
const MAX_LITERALS = 32;
/** Shorter repetitions cost more than the pixels themselves. */
const MIN_REPEAT = 3;
/** Distances below this fit the short form. */
const SHORT_DISTANCE = 8191;
/** The largest distance of the long form. */
const MAX_DISTANCE = SHORT_DISTANCE + 0xffff;

/** A picture of few colours: an index into the palette for each pixel, row by row from the top. */
export interface IndexedPicture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
  /** Colours as 0xRRGGBB. */
  readonly palette: readonly number[];
}

/**
 * Encodes a picture in slices, so that the caller may do other things between them.
 *
 * @param rows rows that one slice encodes
 * @returns the whole encoding, at the end of the iteration; each step before gives undefined
 */
export function* encodeLz(picture: IndexedPicture, rows: number): Generator<undefined, Buffer> {
  const { width, height } = picture;
  const encoder = new Encoder(picture);
  const whole = width * height;
  for (let limit = 0; limit < whole;) {
    limit = Math.min(whole, limit + width * rows);
    encoder.encodeTo(limit);
    if (limit < whole) yield undefined;
  }
  return Buffer.concat([header(width, height), encoder.finish()]);
}

function header(width: number, height: number): Buffer {
  const writer = new Writer(HEADER_BYTES).raw(MAGIC);
  for (const word of [VERSION, TYPE_RGB32, width, height, width * 4, 1]) {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(word);
    writer.raw(bytes);
  }
  return writer.finish();
}

class Encoder {
  private readonly parts: Buffer[] = [];
  private out = Buffer.alloc(4096);
  private length = 0;
  /** The next pixel to encode, and where the literals that wait begin. */
  private at = 0;
  private literals = 0;

  constructor(private readonly picture: IndexedPicture) {}

  /** Encodes up to this pixel. */
  encodeTo(limit: number): void {
    const { width } = this.picture;
    while (this.at < limit) {
      const left = this.repeats(1, limit);
      const above = width > MAX_DISTANCE ? 0 : this.repeats(width, limit);
      const longest = Math.max(left, above);
      if (longest < MIN_REPEAT) {
        this.at += 1;
        if (this.at - this.literals === MAX_LITERALS) this.flushLiterals();
        continue;
      }
      this.flushLiterals();
      this.repeat(left >= above ? 1 : width, longest);
      this.at += longest;
      this.literals = this.at;
    }
    this.flushLiterals();
  }

  finish(): Buffer {
    this.parts.push(this.out.subarray(0, this.length));
    return Buffer.concat(this.parts);
  }

  /** How many pixels from here on are those `distance` before them. */
  private repeats(distance: number, limit: number): number {
    const { pixels } = this.picture;
    const { at } = this;
    if (distance > at) return 0;
    let end = at;
    while (end < limit && pixels[end] === pixels[end - distance]) end += 1;
    return end - at;
  }

  private flushLiterals(): void {
    const { pixels, palette } = this.picture;
    const count = this.at - this.literals;
    if (count === 0) return;
    this.put(count - 1);
    for (; this.literals < this.at; this.literals += 1) {
      const colour = palette[pixels[this.literals] ?? 0] ?? 0;
      this.put(colour & 0xff);
      this.put((colour >> 8) & 0xff);
      this.put((colour >> 16) & 0xff);
    }
  }

  /** A repetition: three bits of length with five of distance, the rest of the length, the rest of the distance. */
  private repeat(distance: number, length: number): void {
    const far = distance - 1 >= SHORT_DISTANCE;
    const offset = far ? SHORT_DISTANCE : distance - 1;
    const high = offset >> 8;
    if (length < 7) this.put((length << 5) | high);
    else {
      this.put((7 << 5) | high);
      let rest = length - 7;
      for (; rest >= 255; rest -= 255) this.put(255);
      this.put(rest);
    }
    this.put(offset & 0xff);
    if (!far) return;
    const more = distance - 1 - SHORT_DISTANCE;
    this.put(more >> 8);
    this.put(more & 0xff);
  }

  private put(byte: number): void {
    if (this.length === this.out.length) {
      this.parts.push(this.out);
      this.out = Buffer.alloc(4096);
      this.length = 0;
    }
    this.out[this.length] = byte;
    this.length += 1;
  }
}
