// SPDX-License-Identifier: Apache-2.0
// Letters of Latin-1 that are letters of ASCII with a mark: put together from both. A mark of a capital stands above row 0, in
// the gap between two lines.
import type { Glyph } from './glyphs.js';

/** Where a mark goes, by its combining character (Unicode). */
interface Mark {
  readonly rows: readonly string[];
  /** Below the letter, joined to it; else above, with a row between. */
  readonly below?: true;
}

const MARKS: Readonly<Record<string, Mark>> = {
  '\u0300': { rows: ['##..', '.##.'] },
  '\u0301': { rows: ['..##', '.##.'] },
  '\u0302': { rows: ['.##.', '#..#'] },
  '\u0303': { rows: ['.##.#', '#.##.'] },
  '\u0308': { rows: ['##.##', '##.##'] },
  '\u030a': { rows: ['.##.', '#..#', '.##.'] },
  '\u0327': { rows: ['.##.', '..##', '.##.'], below: true },
};

/** Letters with a mark that is no accent, each from letters of ASCII: what lies on what, and how far to the right. */
const JOINED: Readonly<Record<string, readonly (readonly [part: string, right: number])[]>> = {
  '\u00e6': [
    ['a', 0],
    ['e', 4],
  ],
  '\u00fe': [
    ['b', 0],
    ['p', 0],
  ],
};
/** Rows of small letters, of the base line, and where the dot of an i ends. */
const SMALL_TOP = 3;
const BASE = 9;
/** From here to there a letter is crossed by a bar. */
const BARS: Readonly<
  Record<string, { readonly letter: string; readonly y: number; readonly width: number }>
> = {
  '\u00d0': { letter: 'D', y: 5, width: 4 },
  '\u00f0': { letter: 'd', y: 1, width: 4 },
};
/** Letters that are crossed from the lower left to the upper right. */
const SLASHED: Readonly<Record<string, string>> = { '\u00d8': 'O', '\u00f8': 'o' };

/** The letters that are put together, from U+00C0 on. */
export function* composed(of: (character: string) => Glyph | undefined): Generator<[string, Glyph]> {
  for (let code = 0xc0; code <= 0xff; code += 1) {
    const character = String.fromCharCode(code);
    const glyph = accented(character, of) ?? joined(character, of) ?? crossed(character, of);
    if (glyph !== null) yield [character, glyph];
  }
}

function accented(character: string, of: (character: string) => Glyph | undefined): Glyph | null {
  const [letter = '', sign = ''] = character.normalize('NFD');
  const mark = MARKS[sign];
  const base = of(letter);
  if (mark === undefined || base === undefined) return null;
  const markWidth = mark.rows[0]?.length ?? 0;
  const width = Math.max(base.width, markWidth);
  // An i loses its dot.
  const shape = base.pixels.filter(([, y]) => letter !== 'i' || y >= SMALL_TOP);
  const top = Math.min(...shape.map(([, y]) => y));
  const y = mark.below === true ? BASE + 1 : top - 1 - mark.rows.length;
  const left = Math.floor((width - markWidth) / 2);
  const pixels = mark.rows.flatMap((row, down) =>
    Array.from(row).flatMap((dot, right) => (dot === '#' ? [[left + right, y + down] as const] : [])),
  );
  return { width, pixels: [...moved(shape, Math.floor((width - base.width) / 2)), ...pixels] };
}

function joined(character: string, of: (character: string) => Glyph | undefined): Glyph | null {
  const parts = JOINED[character]?.flatMap(([part, right]) => {
    const glyph = of(part);
    return glyph === undefined ? [] : [{ glyph, right }];
  });
  if (parts === undefined) return null;
  return {
    width: Math.max(...parts.map(({ glyph, right }) => glyph.width + right)),
    pixels: parts.flatMap(({ glyph, right }) => moved(glyph.pixels, right)),
  };
}

function crossed(character: string, of: (character: string) => Glyph | undefined): Glyph | null {
  const bar = BARS[character];
  const base = of(bar?.letter ?? SLASHED[character] ?? '');
  if (base === undefined) return null;
  const { width, pixels } = base;
  if (bar !== undefined) {
    const left = Math.max(0, bar.letter === 'd' ? width - bar.width : 0);
    const row = Array.from({ length: bar.width }, (_unused, x) => [left + x, bar.y] as const);
    return { width, pixels: [...pixels, ...row] };
  }
  const top = Math.min(...pixels.map(([, y]) => y));
  const slash = Array.from({ length: BASE - top + 1 }, (_unused, down) => {
    const x = Math.round(((BASE - top - down) * (width - 1)) / (BASE - top));
    return [x, top + down] as const;
  });
  return { width, pixels: [...pixels, ...slash] };
}

function moved(pixels: Glyph['pixels'], right: number): Glyph['pixels'] {
  return right === 0 ? pixels : pixels.map(([x, y]) => [x + right, y] as const);
}
