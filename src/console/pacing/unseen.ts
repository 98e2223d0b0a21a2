// SPDX-License-Identifier: Apache-2.0
// Tables of the message types that pass a stage of pacing unseen.

/** Types that a table has a place for; a larger one is seen. */
const TYPES = 512;

/** A table of all types that lets these be seen, for {@link HeaderInterest}. */
export function unseenBut(types: readonly number[]): Uint8Array {
  const table = new Uint8Array(TYPES).fill(1);
  for (const type of types) table[type] = 0;
  return table;
}
