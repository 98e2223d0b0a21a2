// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import {
  GLYPH_HEIGHT,
  glyphOf,
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

  it('has a box for what it does not know', () => {
    expect(hasGlyph('\u0416')).toBe(false);
    expect(glyphOf('\u0416').pixels.length).toBeGreaterThan(0);
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
