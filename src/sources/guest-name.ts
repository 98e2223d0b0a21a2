// SPDX-License-Identifier: Apache-2.0
// Names that users gave to their guests: whatever a platform lets through, on one line and as long as the records hold.

const LONGEST = 255;
/** Controls and ends of lines, and what turns the direction of text that follows the name (Unicode TR9, explicit formatting). */
const NOT_A_NAME = /[\p{Cc}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]+/gu;

/** The name as it is recorded. */
export function guestName(name: string): string {
  const clean = wellFormed(name).replace(NOT_A_NAME, ' ').trim();
  if (clean.length <= LONGEST) return clean;
  // Half a character may be left at the end.
  return clean.slice(0, LONGEST).replace(/[\uD800-\uDBFF]$/, '');
}

// JSON may hold halves of characters, which no database takes.
function wellFormed(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}
