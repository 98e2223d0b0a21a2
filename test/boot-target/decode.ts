// SPDX-License-Identifier: Apache-2.0
// Reads the boot target's block of cells from a screenshot, wherever on it the guest's screen stands and at
// whatever size: what was typed is proved by the picture alone. The layout is in README.rst beside this file.
import { crc32 } from 'node:zlib';
import type { Image } from './image.js';

/** What the block says. */
export interface BootTargetState {
  /** Measures of the guest's screen in pixels. */
  width: number;
  height: number;
  animating: boolean;
  /** Keys pressed since the guest started. */
  keys: number;
  /** Times that the block was painted. */
  sequence: number;
  /** Frames of the animation painted. */
  frame: number;
  /** The last scancodes (set 1) pressed, newest last; 0x80 is added to extended keys. */
  scancodes: number[];
}

/** A block that was found: where, how large, and what it says. */
export interface FoundBlock {
  /** Top left corner of the guest's screen on the picture. */
  x: number;
  y: number;
  /** Size of a cell in pixels of the picture. */
  cell: number;
  state: BootTargetState;
}

const COLUMNS = 32;
const ROWS = 12;
const MAGIC = 0x4b534254;
const VERSION = 1;
const CRC_ROW = 10;
const HISTORY_ROW = 6;
const HISTORY = 16;

/**
 * Finds and reads the block.
 * @returns null when there is none, or none whose checksum is right (a picture taken while it was being painted).
 */
export function decodeBlock(image: Image): FoundBlock | null {
  const mask = blackAndWhite(image);
  for (const cell of cellSizes()) {
    const found = findAt(image, mask, cell);
    if (found !== null) return found;
  }
  return null;
}

// Whole sizes first: they are what an unscaled screen has.
function cellSizes(): number[] {
  const whole = [8, 4, 16, 12, 6, 7, 5, 9, 10, 11, 13, 14, 15];
  const parts: number[] = [];
  for (let size = 3; size < 16; size += 0.125) if (!Number.isInteger(size)) parts.push(size);
  return [...whole, ...parts];
}

// 0 black, 1 white, 2 anything else
function blackAndWhite(image: Image): Uint8Array {
  const mask = new Uint8Array(image.width * image.height);
  for (let i = 0, p = 0; i < mask.length; i++, p += 3) {
    const [r, g, b] = [image.rgb[p] ?? 0, image.rgb[p + 1] ?? 0, image.rgb[p + 2] ?? 0];
    mask[i] = r < 64 && g < 64 && b < 64 ? 0 : r > 191 && g > 191 && b > 191 ? 1 : 2;
  }
  return mask;
}

function findAt(image: Image, mask: Uint8Array, cell: number): FoundBlock | null {
  const columns = Array.from({ length: COLUMNS }, (_, column) => Math.floor((column + 0.5) * cell));
  const lastX = image.width - Math.ceil(COLUMNS * cell);
  const lastY = image.height - Math.ceil(ROWS * cell);
  for (let y = 0; y <= lastY; y++) {
    for (let x = 0; x <= lastX; x++) {
      const row = (y + Math.floor(cell / 2)) * image.width + x;
      if (!matchesMagic(mask, row, columns)) continue;
      const words = readWords(image.width, mask, x, y, cell, columns);
      const state = words === null ? null : parse(words);
      // The first match samples the cells' top left corners, not their middles; and the block stands 2 cells
      // from the left and from the top of the guest's screen.
      const inset = 2 * cell - Math.floor(cell / 2);
      if (state !== null) return { x: Math.round(x - inset), y: Math.round(y - inset), cell, state };
    }
  }
  return null;
}

function matchesMagic(mask: Uint8Array, row: number, columns: number[]): boolean {
  for (let column = 0; column < COLUMNS; column++) {
    if (mask[row + (columns[column] ?? 0)] !== ((MAGIC >>> (31 - column)) & 1)) return false;
  }
  return true;
}

function readWords(
  width: number,
  mask: Uint8Array,
  x: number,
  y: number,
  cell: number,
  columns: number[],
): Buffer | null {
  const words = Buffer.alloc(ROWS * 4);
  for (let row = 0; row < ROWS; row++) {
    const start = (y + Math.floor((row + 0.5) * cell)) * width + x;
    let word = 0;
    for (const column of columns) {
      const bit = mask[start + column] ?? 2;
      if (bit === 2) return null;
      word = word * 2 + bit;
    }
    words.writeUInt32BE(word, row * 4);
  }
  return words;
}

function parse(words: Buffer): BootTargetState | null {
  const word = (row: number): number => words.readUInt32BE(row * 4);
  if (word(CRC_ROW) !== crc32(words.subarray(0, CRC_ROW * 4)) || word(ROWS - 1) !== ~MAGIC >>> 0) return null;
  if (words[4] !== VERSION) return null;
  const keys = word(2);
  const history = [...words.subarray(HISTORY_ROW * 4, HISTORY_ROW * 4 + HISTORY)];
  return {
    width: (words[6] ?? 0) * 16,
    height: (words[7] ?? 0) * 8,
    animating: ((words[5] ?? 0) & 1) === 1,
    keys,
    sequence: word(3),
    frame: word(4),
    scancodes: history.slice(HISTORY - Math.min(keys, HISTORY)),
  };
}

const ROW_STARTS: readonly (readonly [number, string])[] = [
  [0x02, '1234567890-='],
  [0x10, 'qwertyuiop[]'],
  [0x1e, 'asdfghjkl;'],
  [0x2c, 'zxcvbnm,./'],
];

/**
 * The scancodes (set 1, layout US) of a text without capitals.
 * @throws Error on a character that needs more than one key.
 */
export function scancodesOf(text: string): number[] {
  return Array.from(text, (character) => {
    if (character === ' ') return 0x39;
    for (const [first, row] of ROW_STARTS) {
      const index = row.indexOf(character);
      if (index >= 0) return first + index;
    }
    throw new Error(`no single key types "${character}"`);
  });
}
