// SPDX-License-Identifier: Apache-2.0
// The message screen's font: a shape for each printable character of ASCII and each letter of Latin-1, of its own width.
// Measures in pixels.
import { composed } from './accents.js';
import { BANDS, BLANK_WIDTH, type Glyph } from './glyphs.js';

/** From the top of capitals to the lowest row of letters such as g. */
export const GLYPH_HEIGHT = 13;
/** Between two characters. */
export const LETTER_GAP = 2;

const DRAWN = new Map<string, Glyph>([
  [' ', { width: BLANK_WIDTH, pixels: [] }],
  ...BANDS.flatMap((band) => glyphsOf(band)),
]);
const GLYPHS = new Map([...DRAWN, ...composed((character) => DRAWN.get(character))]);
const FALLBACK = GLYPHS.get('?') ?? { width: BLANK_WIDTH, pixels: [] };

/** Whether the font has a shape for this character. */
export function hasGlyph(character: string): boolean {
  return GLYPHS.has(character);
}

/** The shape of a character; a question mark for one that the font does not have. */
export function glyphOf(character: string): Glyph {
  return GLYPHS.get(character) ?? FALLBACK;
}

/** The shapes of a text, in their order; an accent that stands behind its letter is set on it. */
export function glyphsIn(text: string): Glyph[] {
  return Array.from(text.normalize('NFC'), glyphOf);
}

/** Width of a text in one line. */
export function widthOf(text: string): number {
  let width = 0;
  for (const glyph of glyphsIn(text)) width += glyph.width + LETTER_GAP;
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
