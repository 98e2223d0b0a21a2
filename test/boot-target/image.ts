// SPDX-License-Identifier: Apache-2.0
// Pictures as screenshots come: reads binary PPM (spicy-screenshot) and XWD (Xvfb -fbdir), writes PNG for
// people, compares pixel for pixel. Depends on nothing but Node's zlib, so no picture tool has to be installed.
import { crc32, deflateSync } from 'node:zlib';

/** A picture: `rgb` holds 3 bytes a pixel, row by row, without padding. */
export interface Image {
  width: number;
  height: number;
  rgb: Uint8Array;
}

/**
 * Reads a binary PPM with 8 bits a sample.
 * @throws Error when the bytes are no such file, or end early.
 * @see https://netpbm.sourceforge.net/doc/ppm.html
 */
export function readPpm(bytes: Buffer): Image {
  const header = /^P6\s+(?:#.*\s+)*(\d+)\s+(\d+)\s+(\d+)\s/.exec(bytes.toString('latin1', 0, 200));
  if (header === null || header[3] !== '255') throw new Error('not a binary PPM with 8 bits a sample');
  const [width, height] = [Number(header[1]), Number(header[2])];
  const rgb = bytes.subarray(header[0].length, header[0].length + width * height * 3);
  if (rgb.length !== width * height * 3) throw new Error('the PPM ends early');
  return { width, height, rgb };
}

/**
 * Reads an X window dump in ZPixmap form with 32 bits a pixel, as Xvfb keeps its screen in.
 * @throws Error when the bytes are of another form, or end early.
 * @see XWDFile.h of the X11 protocol headers
 */
export function readXwd(bytes: Buffer): Image {
  if (bytes.length < 100 || bytes.readUInt32BE(4) !== 7) throw new Error('not an X window dump');
  const field = (index: number): number => bytes.readUInt32BE(index * 4);
  const [width, height, lsbFirst, bits, stride] = [field(4), field(5), field(7) === 0, field(11), field(12)];
  if (bits !== 32) throw new Error(`an X window dump with ${bits} bits a pixel is not supported`);
  const start = field(0) + field(19) * 12;
  if (bytes.length < start + stride * height) throw new Error('the X window dump ends early');
  const rgb = new Uint8Array(width * height * 3);
  const [red, green, blue] = lsbFirst ? [2, 1, 0] : [1, 2, 3];
  for (let y = 0, to = 0; y < height; y++) {
    for (let from = start + y * stride, end = from + width * 4; from < end; from += 4) {
      rgb[to++] = bytes[from + red] ?? 0;
      rgb[to++] = bytes[from + green] ?? 0;
      rgb[to++] = bytes[from + blue] ?? 0;
    }
  }
  return { width, height, rgb };
}

/** The picture as PNG, 8 bits a sample; rows as differences from the one above (filter 2). @see RFC 2083 */
export function writePng(image: Image): Buffer {
  const row = image.width * 3;
  const raw = Buffer.alloc((row + 1) * image.height);
  for (let y = 0; y < image.height; y++) {
    const to = y * (row + 1);
    raw[to] = 2;
    for (let x = 0; x < row; x++)
      raw[to + 1 + x] = (image.rgb[y * row + x] ?? 0) - (image.rgb[(y - 1) * row + x] ?? 0);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(image.width, 0);
  header.writeUInt32BE(image.height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(raw)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, body: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), body]);
  const framed = Buffer.alloc(typed.length + 8);
  framed.writeUInt32BE(body.length, 0);
  framed.set(typed, 4);
  framed.writeUInt32BE(crc32(typed), typed.length + 4);
  return framed;
}

/** Number of pixels that differ; all of them when the measures differ. */
export function differingPixels(a: Image, b: Image): number {
  if (a.width !== b.width || a.height !== b.height) return Math.max(a.width * a.height, b.width * b.height);
  let count = 0;
  for (let i = 0; i < a.rgb.length; i += 3) {
    if (a.rgb[i] !== b.rgb[i] || a.rgb[i + 1] !== b.rgb[i + 1] || a.rgb[i + 2] !== b.rgb[i + 2]) count++;
  }
  return count;
}

/** The part of a picture that starts at (x, y). */
export function crop(image: Image, x: number, y: number, width: number, height: number): Image {
  const rgb = new Uint8Array(width * height * 3);
  for (let row = 0; row < height; row++) {
    const from = ((y + row) * image.width + x) * 3;
    rgb.set(image.rgb.subarray(from, from + width * 3), row * width * 3);
  }
  return { width, height, rgb };
}
