// SPDX-License-Identifier: Apache-2.0
// Capability sets: lists of u32 words, bit n in word n/32. An absent word is a word of zeros, and an empty list
// (no word at all) is legal and common. Source: protocol.h; spice-common's test_capability.

/** True when `bit` is set in the words. */
export function hasCap(words: readonly number[], bit: number): boolean {
  return (((words[bit >>> 5] ?? 0) >>> (bit & 31)) & 1) === 1;
}

/** A copy of the words with `bit` set; grows by zero words as far as needed. */
export function withCap(words: readonly number[], bit: number): number[] {
  const index = bit >>> 5;
  const length = Math.max(words.length, index + 1);
  return Array.from({ length }, (_unused, at) => {
    const word = words[at] ?? 0;
    return (at === index ? word | (1 << (bit & 31)) : word) >>> 0;
  });
}

/** A copy of the words with `bit` cleared; the count of words never changes. */
export function withoutCap(words: readonly number[], bit: number): number[] {
  return words.map((word, index) => (index === bit >>> 5 ? (word & ~(1 << (bit & 31))) >>> 0 : word));
}

/** The shortest list of words that has exactly these bits set. */
export function capWords(...bits: readonly number[]): number[] {
  return bits.reduce<number[]>((words, bit) => withCap(words, bit), []);
}
