// SPDX-License-Identifier: Apache-2.0
// The name of a console as a message screen shows it. Platforms, and the users who name their machines there, put what they
// like into it: it is cut before anything is done with it, and what has no shape, or turns the text around, is left out.
import { hasGlyph } from './font.js';

/** Characters of the longest name that is shown whole. */
const LONGEST = 60;
/** Characters that are looked at: an accent may stand behind its letter. */
const LOOKED_AT = 4 * LONGEST;

/** Spaces of any kind, and what ends a line. */
const BLANKS = /[\s\p{Z}]+/gu;
/** Controls, invisible characters, those that turn the direction, halves of characters, and what means nothing. */
const UNSHOWN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}]/gu;
/** Accents that are set on no letter of the font. */
const LOOSE_ACCENTS = /\p{M}/gu;

/** The name in letters of the font, a question mark for each other one; null: there is nothing in it to know it by. */
export function shownName(name: string): string | null {
  const plain = name
    .slice(0, LOOKED_AT)
    .replace(BLANKS, ' ')
    .replace(UNSHOWN, '')
    .normalize('NFC')
    .replace(LOOSE_ACCENTS, '')
    .trim();
  const letters = Array.from(plain);
  if (!letters.some((letter) => /[\p{L}\p{N}]/u.test(letter) && hasGlyph(letter))) return null;
  const shown = letters.slice(0, LONGEST).map((letter) => (hasGlyph(letter) ? letter : '?'));
  return shown.join('') + (letters.length > LONGEST ? '...' : '');
}
