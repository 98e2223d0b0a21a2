// SPDX-License-Identifier: Apache-2.0
// What a field was changed by, as what a person would type.

/** What has to be typed so that one text becomes another: deletions of characters before the cursor, and characters. */
export function difference(before: string, now: string): string {
  const [old, fresh] = [Array.from(before), Array.from(now)];
  let same = 0;
  while (same < old.length && same < fresh.length && old[same] === fresh[same]) same += 1;
  return '\b'.repeat(old.length - same) + fresh.slice(same).join('');
}
