// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import {
  GLYPH_HEIGHT,
  glyphOf,
  glyphsIn,
  hasGlyph,
  widthOf,
  wrap,
} from '../../../../src/console/message-screen/font.js';

const PRINTABLE = Array.from({ length: 95 }, (_unused, index) => String.fromCharCode(32 + index));

describe('the font', () => {
  it('has a shape for every printable character of ASCII', () => {
    expect(PRINTABLE.filter((character) => !hasGlyph(character))).toEqual([]);
  });

  it('has another shape for each of them', () => {
    const shapes = PRINTABLE.map((character) => JSON.stringify(glyphOf(character)));
    expect(new Set(shapes).size).toBe(PRINTABLE.length);
  });

  it('draws within each shape, and something for all but the blank', () => {
    for (const character of PRINTABLE) {
      const { width, pixels } = glyphOf(character);
      expect(pixels.length > 0).toBe(character !== ' ');
      for (const [x, y] of pixels) {
        expect(x).toBeLessThan(width);
        expect(y).toBeLessThan(GLYPH_HEIGHT);
      }
    }
  });

  it('sets letters on one base line: capitals from row 0, small ones from row 3, tails below row 9', () => {
    const rows = (character: string): number[] => glyphOf(character).pixels.map(([, y]) => y);
    for (const capital of 'ABCDEFGHIJKLMNOPRSTUVWXYZ0123456789')
      expect([Math.min(...rows(capital)), Math.max(...rows(capital))]).toEqual([0, 9]);
    for (const small of 'acemnorsuvwxz')
      expect([Math.min(...rows(small)), Math.max(...rows(small))]).toEqual([3, 9]);
    for (const tailed of 'gpqyj') expect(Math.max(...rows(tailed))).toBe(12);
    expect(Math.max(...rows('Q'))).toBe(11);
  });

  it('has every letter of Latin-1, each another one', () => {
    const letters = Array.from({ length: 64 }, (_unused, index) => String.fromCharCode(0xc0 + index)).filter(
      (character) => !'\u00d7\u00f7'.includes(character),
    );
    expect(letters.filter((character) => !hasGlyph(character))).toEqual([]);
    const shapes = [...letters, ...PRINTABLE].map((character) => JSON.stringify(glyphOf(character)));
    expect(new Set(shapes).size).toBe(letters.length + PRINTABLE.length);
    for (const { width, pixels } of letters.map(glyphOf))
      for (const [x, y] of pixels) {
        expect(x).toBeGreaterThanOrEqual(0);
        expect(x).toBeLessThan(width);
        // Between the tails of the line above and those of its own.
        expect(y).toBeGreaterThanOrEqual(-4);
        expect(y).toBeLessThan(GLYPH_HEIGHT);
      }
  });

  it('sets an accent on its letter, and none on the dot of an i', () => {
    const rows = (character: string): string[] => {
      const { width, pixels } = glyphOf(character);
      const set = new Set(pixels.map(([x, y]) => `${String(x)},${String(y)}`));
      return [0, 1, 2, 3, 4].map((y) =>
        Array.from({ length: width }, (_unused, x) =>
          set.has(`${String(x)},${String(y)}`) ? '#' : '.',
        ).join(''),
      );
    };
    expect(rows('\u00fc')).toEqual(['##.##.', '##.##.', '......', '##..##', '##..##']);
    expect(rows('\u00ef')).toEqual(['##.##', '##.##', '.....', '.##..', '.##..']);
    expect(glyphsIn('u\u0308')).toEqual([glyphOf('\u00fc')]);
    expect(widthOf('u\u0308')).toBe(widthOf('\u00fc'));
  });

  it('has a question mark for what it does not know', () => {
    expect(hasGlyph('\u0416')).toBe(false);
    expect(glyphOf('\u0416')).toBe(glyphOf('?'));
  });
});

describe('wrap', () => {
  const text = 'The screen of the machine cannot be reached';

  it('breaks between words, into lines that fit', () => {
    for (const width of [90, 120, 200, 10_000]) {
      const lines = wrap(text, width);
      expect(lines.join(' ')).toBe(text);
      for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width);
    }
    expect(wrap(text, 10_000)).toHaveLength(1);
  });

  it('cuts a word that is wider than a line', () => {
    const lines = wrap(`a ${'W'.repeat(30)} b`, 60);
    expect(lines.join('').replaceAll(' ', '')).toBe(`a${'W'.repeat(30)}b`);
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(60);
  });

  it('gives no line for no text', () => {
    expect(wrap('', 100)).toEqual([]);
  });
});
