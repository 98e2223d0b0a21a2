// SPDX-License-Identifier: Apache-2.0
// The message screen's font: a shape for each printable character of ASCII, of its own width. Measures in pixels.
import { BANDS, BLANK_WIDTH, UNKNOWN } from './glyphs.js';

/** One character. */
export interface Glyph {
  readonly width: number;
  /** Pixels to set, as x and y from the left and from the top of capitals. */
  readonly pixels: readonly (readonly [x: number, y: number])[];
}

/** From the top of capitals to the lowest row of letters such as g. */
export const GLYPH_HEIGHT = 13;
/** Between two characters. */
export const LETTER_GAP = 2;

const GLYPHS = new Map<string, Glyph>([
  [' ', { width: BLANK_WIDTH, pixels: [] }],
  ...BANDS.flatMap((band) => glyphsOf(band)),
]);
const FALLBACK = glyph(UNKNOWN, 0);

/** Whether the font has a shape for this character. */
export function hasGlyph(character: string): boolean {
  return GLYPHS.has(character);
}

/** The shape of a character; an empty box for one that the font does not have. */
export function glyphOf(character: string): Glyph {
  return GLYPHS.get(character) ?? FALLBACK;
}

/** Width of a text in one line. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += glyphOf(character).width + LETTER_GAP;
  return Math.max(0, width - LETTER_GAP);
}

/**
 * Breaks a text into lines that are not wider than `width`: between words, and within a word that fills more than a line.
 *
 * @param width at least that of the widest character
 */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((each) => pieces(each, width))) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line === '' || widthOf(longer) <= width) {
      line = longer;
      continue;
    }
    lines.push(line);
    line = word;
  }
  return line === '' ? lines : [...lines, line];
}

/** The word, cut where it is wider than a line. */
function pieces(word: string, width: number): string[] {
  if (widthOf(word) <= width) return [word];
  const cut: string[] = [];
  let piece = '';
  for (const character of word) {
    if (piece !== '' && widthOf(piece + character) > width) {
      cut.push(piece);
      piece = '';
    }
    piece += character;
  }
  return [...cut, piece];
}

function glyphsOf(band: string): [string, Glyph][] {
  const [characters = '', top = '0', ...rows] = band.split('\n');
  const columns = rows.map((row) => row.split(' '));
  return characters.split(' ').map((character, index) => [
    character,
    glyph(
      columns.map((row) => row[index] ?? ''),
      Number(top),
    ),
  ]);
}

function glyph(rows: readonly string[], top: number): Glyph {
  const pixels = rows.flatMap((row, y) =>
    Array.from(row).flatMap((mark, x) => (mark === '#' ? [[x, top + y] as const] : [])),
  );
  return { width: rows[0]?.length ?? 0, pixels };
}
