// SPDX-License-Identifier: Apache-2.0
// Tags of consoles, such as `group:desk`: what a platform says of a guest, under a word for what it is. `access` names them.

/** Characters of a tag, as `access` and the records hold it. */
const LONGEST = 255;
/** One line without spaces at its ends, as `access` can name it. */
const VALUE = /^[^\s\p{C}](?:[^\p{C}]*[^\s\p{C}])?$/u;

/**
 * The tag of a guest, as a list; empty where there is none. A text that `access` cannot name as it stands gives none: cut, or
 * joined to one line, it might be another one's.
 */
export function platformTag(kind: string, value: string | null): string[] {
  if (value === null || !VALUE.test(value)) return [];
  const tag = `${kind}:${value}`;
  return tag.length <= LONGEST ? [tag] : [];
}
