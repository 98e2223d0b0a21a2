// SPDX-License-Identifier: Apache-2.0
// Rectangles of a surface: read from the wire, and compared.

/** A rectangle of a surface, in pixels; `right` and `bottom` are the first ones outside. Never empty. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Bytes of a Rect: i32 top, left, bottom, right [spice.proto `Rect`]. */
export const RECT_BYTES = 16;
/** Pixels: a coordinate beyond this is what no client's drawing library (16-bit coordinates) can be trusted with. */
const MAX_COORDINATE = 32_767;

/**
 * The Rect at `offset`, which the caller knows to be inside.
 * @returns null where it is empty, inverted or too far off
 */
export function readBox(body: Buffer, offset: number): Box | null {
  const top = body.readInt32LE(offset);
  const left = body.readInt32LE(offset + 4);
  const bottom = body.readInt32LE(offset + 8);
  const right = body.readInt32LE(offset + 12);
  if (left >= right || top >= bottom) return null;
  if (left < -MAX_COORDINATE || top < -MAX_COORDINATE) return null;
  if (right > MAX_COORDINATE || bottom > MAX_COORDINATE) return null;
  return { left, top, right, bottom };
}

/** Whether there is a pixel in both. */
export function overlap(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

/** Whether each pixel of `b` is in `a`. */
export function covers(a: Box, b: Box): boolean {
  return a.left <= b.left && a.right >= b.right && a.top <= b.top && a.bottom >= b.bottom;
}

/** The pixels that are in both; null where there are none. */
export function intersection(a: Box, b: Box): Box | null {
  if (!overlap(a, b)) return null;
  return {
    left: Math.max(a.left, b.left),
    top: Math.max(a.top, b.top),
    right: Math.min(a.right, b.right),
    bottom: Math.min(a.bottom, b.bottom),
  };
}
