// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { guestName } from '../../../src/sources/guest-name.js';

describe('the name of a guest', () => {
  it.each([
    ['desk', 'desk'],
    ['  two\nlines\r\n', 'two lines'],
    ['a\u0000b\u001b[31mc\u2028d', 'a b [31mc d'],
    ['\ud83d\ude00', '\u{1f600}'],
    ['half \ud83d', 'half \ufffd'],
    ['x'.repeat(300), 'x'.repeat(255)],
    [`${'x'.repeat(254)}\u{1f600}`, 'x'.repeat(254)],
    ['日本語', '日本語'],
    ['desk\u202efv.exe\u2066', 'desk fv.exe'],
    ['שולחן\u200f 7', 'שולחן\u200f 7'],
    ['', ''],
  ])('%j is recorded as %j', (name, recorded) => {
    expect(guestName(name)).toBe(recorded);
  });
});
