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

// The magic as lengths of white and black runs in cells: from its first white cell to its last.
const MAGIC_RUNS: readonly number[] = [1, 2, 1, 1, 2, 1, 1, 1, 1, 2, 2, 1, 1, 4, 1, 2, 1, 1, 1, 1, 1];
const MAGIC_RUNS_CELLS = 29;
const SMALLEST_CELL = 3;

/**
 * Finds and reads the block.
 * @returns null when there is none, or none whose checksum is right (a picture taken while it was being painted).
 */
export function decodeBlock(image: Image): FoundBlock | null {
  for (let y = 0; y < image.height; y++) {
    for (const { x, cell } of magicsInRow(image, y)) {
      const words = readWords(image, x, y, cell);
      const state = words === null ? null : parse(words);
      // The block stands 2 cells from the left and from the top of the guest's screen.
      if (state !== null) return { x: Math.round(x - 2 * cell), y: Math.round(y - 2 * cell), cell, state };
    }
  }
  return null;
}

interface Candidate {
  /** Left edge of the block, in pixels and parts of them. */
  x: number;
  cell: number;
}

/** Where a row of pixels shows the magic: its runs of light and dark have the right lengths in proportion. */
function magicsInRow(image: Image, y: number): Candidate[] {
  const found: Candidate[] = [];
  const starts = runStarts(image, y);
  for (let first = 0; first + MAGIC_RUNS.length < starts.length; first++) {
    const left = starts[first] ?? 0;
    const cell = ((starts[first + MAGIC_RUNS.length] ?? 0) - left) / MAGIC_RUNS_CELLS;
    if (cell < SMALLEST_CELL || !isLight(image, left, y)) continue;
    const slack = Math.max(0.01, Number.isInteger(cell) ? 0 : 1.5);
    const matches = MAGIC_RUNS.every((cells, index) => {
      const length = (starts[first + index + 1] ?? 0) - (starts[first + index] ?? 0);
      return Math.abs(length - cells * cell) <= slack;
    });
    if (matches) found.push({ x: left - cell, cell });
  }
  return found;
}

/** The pixels of a row at which light turns to dark or dark to light, and the end of the row. */
function runStarts(image: Image, y: number): number[] {
  const starts: number[] = [0];
  for (let x = 1; x < image.width; x++) if (isLight(image, x, y) !== isLight(image, x - 1, y)) starts.push(x);
  starts.push(image.width);
  return starts;
}

function isLight(image: Image, x: number, y: number): boolean {
  const at = (y * image.width + x) * 3;
  return (image.rgb[at] ?? 0) + (image.rgb[at + 1] ?? 0) + (image.rgb[at + 2] ?? 0) > 384;
}

/** The rows of the block, read in the middles of its cells; null when it does not fit on the picture. */
function readWords(image: Image, left: number, top: number, cell: number): Buffer | null {
  if (left < 0 || left + COLUMNS * cell > image.width || top + ROWS * cell > image.height) return null;
  const words = Buffer.alloc(ROWS * 4);
  for (let row = 0; row < ROWS; row++) {
    const y = Math.floor(top + (row + 0.5) * cell);
    let word = 0;
    for (let column = 0; column < COLUMNS; column++) {
      word = word * 2 + (isLight(image, Math.floor(left + (column + 0.5) * cell), y) ? 1 : 0);
    }
    words.writeUInt32BE(word, row * 4);
  }
  return words;
}

function parse(words: Buffer): BootTargetState | null {
  const word = (row: number): number => words.readUInt32BE(row * 4);
  if (
    word(0) !== MAGIC ||
    word(CRC_ROW) !== crc32(words.subarray(0, CRC_ROW * 4)) ||
    word(ROWS - 1) !== ~MAGIC >>> 0
  )
    return null;
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
