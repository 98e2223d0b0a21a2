// SPDX-License-Identifier: Apache-2.0
// What the keyboard of a touched screen has written, as keys.
import { describe, expect, it } from '@jest/globals';
import { difference } from '../../../ui/viewer/src/typed-difference.js';

describe('what is typed', () => {
  it.each([
    ['_', '_a', 'a'],
    ['_h', '_he', 'e'],
    ['_teh', '_the', '\b\bhe'],
    ['_ab', '_a', '\b'],
    ['_', '', '\b'],
    ['_word', '_word ', ' '],
    ['_a😀', '_a', '\b'],
    ['_same', '_same', ''],
  ])('for %j that becomes %j is %j', (before, now, keys) => {
    expect(difference(before, now)).toBe(keys);
  });
});
