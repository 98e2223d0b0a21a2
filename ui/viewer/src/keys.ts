// SPDX-License-Identifier: Apache-2.0
// Keys by what both protocols call them: X11 keysyms for VNC (RFC 6143, section 7.5.4), scan codes of set 1 for SPICE. And the
// combinations that a browser or an operating system keeps for itself.

/** One key. */
export interface Key {
  readonly keysym: number;
  /** Bytes of scan code set 1 as SPICE sends them: 0xE0 in front of the codes that have it. */
  readonly scan: number;
}

const CONTROL: Key = { keysym: 0xffe3, scan: 0x1d };
const ALT: Key = { keysym: 0xffe9, scan: 0x38 };
const SHIFT: Key = { keysym: 0xffe1, scan: 0x2a };
const SUPER: Key = { keysym: 0xffeb, scan: 0x5be0 };
const DELETE: Key = { keysym: 0xffff, scan: 0x53e0 };
const BACKSPACE: Key = { keysym: 0xff08, scan: 0x0e };
const TAB: Key = { keysym: 0xff09, scan: 0x0f };
const ESCAPE: Key = { keysym: 0xff1b, scan: 0x01 };
const ENTER: Key = { keysym: 0xff0d, scan: 0x1c };
const PRINT: Key = { keysym: 0xff61, scan: 0x37e0 };
const F4: Key = { keysym: 0xffc1, scan: 0x3e };

const functionKey = (number: number): Key => ({
  keysym: 0xffbd + number,
  scan: number <= 10 ? 0x3a + number : 0x4c + number,
});

/** The first of the menu, which has a button of its own. */
export const CTRL_ALT_DELETE: readonly Key[] = [CONTROL, ALT, DELETE];

/** What the key menu offers, by what keyboards have written on them. */
export const COMBINATIONS: readonly (readonly [string, readonly Key[]])[] = [
  ['Ctrl+Alt+Del', CTRL_ALT_DELETE],
  ['Ctrl+Alt+Backspace', [CONTROL, ALT, BACKSPACE]],
  ['Ctrl+Alt+F1', [CONTROL, ALT, functionKey(1)]],
  ['Ctrl+Alt+F2', [CONTROL, ALT, functionKey(2)]],
  ['Ctrl+Alt+F7', [CONTROL, ALT, functionKey(7)]],
  ['Alt+Tab', [ALT, TAB]],
  ['Alt+F4', [ALT, F4]],
  ['Super', [SUPER]],
  ['Print', [PRINT]],
  ['Esc', [ESCAPE]],
  ['Tab', [TAB]],
];

/** A keyboard of the USA: by rows, plain and with Shift, and the scan code of the first key of the row. */
const ROWS: readonly (readonly [number, string, string])[] = [
  [0x02, '1234567890-=', '!@#$%^&*()_+'],
  [0x10, 'qwertyuiop[]', 'QWERTYUIOP{}'],
  [0x1e, "asdfghjkl;'`", 'ASDFGHJKL:"~'],
  [0x2b, '\\zxcvbnm,./', '|ZXCVBNM<>?'],
  [0x39, ' ', ''],
];

const SPECIAL: Readonly<Record<string, Key>> = { '\n': ENTER, '\t': TAB, '\b': BACKSPACE, '\u001b': ESCAPE };

/** The keys that write a character; null: it is on no key that a SPICE guest is sure to have. */
export function keysFor(character: string): readonly Key[] | null {
  const special = SPECIAL[character];
  if (special !== undefined) return [special];
  const keysym = keysymOf(character.codePointAt(0) ?? 0);
  for (const [first, plain, shifted] of ROWS) {
    const at = plain.indexOf(character);
    if (at >= 0) return [{ keysym, scan: first + at }];
    const above = shifted.indexOf(character);
    if (above >= 0) return [SHIFT, { keysym, scan: first + above }];
  }
  return null;
}

/** The keysym of a character: Latin-1 has its own numbers, the rest those of Unicode (keysymdef.h). */
export function keysymOf(codePoint: number): number {
  return codePoint <= 0xff ? codePoint : 0x01000000 + codePoint;
}
