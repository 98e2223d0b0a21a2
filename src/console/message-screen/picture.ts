// SPDX-License-Identifier: Apache-2.0
// The picture of a message: a heading in letters of twice the size, what to do, and below a line what support asks for. It is
// as large as the client's window; a large one gets large letters.
import type { IndexedPicture } from '../spice/lz-image.js';
import type { Size } from '../spice/screen-messages.js';
import { GLYPH_HEIGHT, glyphsIn, LETTER_GAP, wrap } from './font.js';

/** What the picture says. */
export interface ScreenText {
  readonly title: string;
  /** Paragraphs. */
  readonly advice: readonly string[];
  /** What a user tells who asks for help: one line each. */
  readonly reference: readonly string[];
}

/** Size of the picture where the client does not say another one. */
export const USUAL_SIZE: Size = { width: 800, height: 600 };
/** A smaller picture has no room for the text. */
const SMALLEST: Size = { width: 640, height: 480 };
/** A larger one costs more memory than a message is worth; the client enlarges it. */
const LARGEST: Size = { width: 3840, height: 2160 };

/** Indexes of the palette; that of the ground is 0. */
const INK = 1;
const FAINT = 2;
const ACCENT = 3;
/** Colours, 0xRRGGBB, each on the first one with a contrast of 4.5 and more (WCAG 2.1). */
const PALETTE = [0xf5f6f8, 0x1d2733, 0x5a6675, 0xb4431a] as const;

/** Of a picture of the usual size: its measures in pixels, times the scale. */
const TEXT_WIDTH = 620;
const MARGIN = 40;
const LINE_GAP = 9;
const PARAGRAPH_GAP = 12;
const BAR_HEIGHT = 4;
const BAR_WIDTH = 64;
const SECTION_GAP = 26;

/** The next size that a picture can have. */
export function pictureSize({ width, height }: Size): Size {
  return {
    width: Math.min(LARGEST.width, Math.max(SMALLEST.width, width)),
    height: Math.min(LARGEST.height, Math.max(SMALLEST.height, height)),
  };
}

/** One thing on the picture, below the one before it. */
type Block =
  | { readonly kind: 'text'; readonly text: string; readonly scale: number; readonly colour: number }
  | { readonly kind: 'bar'; readonly width: number; readonly height: number; readonly colour: number }
  | { readonly kind: 'gap'; readonly height: number };

/** Draws the picture at once. */
export function drawScreen(text: ScreenText, size: Size): IndexedPicture {
  const drawing = drawInSteps(text, size);
  for (;;) {
    const step = drawing.next();
    if (step.done === true) return step.value;
  }
}

/** Draws the picture line by line, so that the caller may do other things between them. */
export function* drawInSteps(text: ScreenText, size: Size): Generator<undefined, IndexedPicture> {
  const { width, height } = size;
  // All of it is GROUND.
  const pixels = new Uint8Array(width * height);
  const scale = Math.max(1, Math.floor(Math.min(width / USUAL_SIZE.width, height / USUAL_SIZE.height)));
  const column = Math.min(TEXT_WIDTH * scale, width - 2 * MARGIN);
  const blocks = blocksOf(text, column, scale);
  const used = blocks.reduce((sum, block) => sum + heightOf(block), 0);
  const left = Math.floor((width - column) / 2);
  // Above the middle, where the eye expects it.
  let top = Math.max(MARGIN, Math.floor((height - used) * 0.4));
  const canvas = new Canvas(pixels, size);
  for (const block of blocks) {
    if (block.kind === 'text') canvas.write(block.text, left, top, block.scale, block.colour);
    else if (block.kind === 'bar') canvas.fill(left, top, block.width, block.height, block.colour);
    top += heightOf(block);
    yield undefined;
  }
  return { width, height, pixels, palette: PALETTE };
}

function blocksOf({ title, advice, reference }: ScreenText, column: number, scale: number): Block[] {
  const gap = (height: number): Block => ({ kind: 'gap', height: height * scale });
  const lines = (text: string, times: number, colour: number): Block[] =>
    wrap(text, Math.floor(column / (times * scale))).flatMap((line): Block[] => [
      { kind: 'text', text: line, scale: times * scale, colour },
      gap(LINE_GAP),
    ]);
  const bar = (width: number, height: number, colour: number): Block => ({
    ...{ kind: 'bar', width, height: height * scale, colour },
  });
  return [
    ...lines(title, 2, INK),
    gap(PARAGRAPH_GAP),
    bar(BAR_WIDTH * scale, BAR_HEIGHT, ACCENT),
    gap(SECTION_GAP),
    ...advice.flatMap((paragraph) => [...lines(paragraph, 1, INK), gap(PARAGRAPH_GAP)]),
    gap(SECTION_GAP),
    bar(column, 1, FAINT),
    gap(SECTION_GAP - LINE_GAP),
    ...reference.flatMap((line) => lines(line, 1, FAINT)),
  ];
}

function heightOf(block: Block): number {
  return block.kind === 'text' ? GLYPH_HEIGHT * block.scale : block.height;
}

/** Sets pixels, as far as they lie on the picture. */
class Canvas {
  constructor(
    private readonly pixels: Uint8Array,
    private readonly size: Size,
  ) {}

  write(text: string, left: number, top: number, scale: number, colour: number): void {
    let at = left;
    for (const glyph of glyphsIn(text)) {
      for (const [x, y] of glyph.pixels) this.fill(at + x * scale, top + y * scale, scale, scale, colour);
      at += (glyph.width + LETTER_GAP) * scale;
    }
  }

  fill(left: number, top: number, width: number, height: number, colour: number): void {
    const right = Math.min(this.size.width, left + width);
    const bottom = Math.min(this.size.height, top + height);
    const { pixels } = this;
    for (let y = top; y < bottom; y += 1) {
      const end = y * this.size.width + right;
      for (let at = y * this.size.width + left; at < end; at += 1) pixels[at] = colour;
    }
  }
}
