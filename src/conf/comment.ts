// SPDX-License-Identifier: Apache-2.0
// The comments of the generated sample files, in the width of OpenStack's own samples.

const WIDTH = 79;

/** The text as lines of a `#` comment, broken between words; a word wider than a line stands alone. */
export function wrapComment(text: string): string[] {
  const lines: string[] = [];
  let line = '#';
  for (const word of text.split(/\s+/)) {
    if (line.length + 1 + word.length > WIDTH && line !== '#') {
      lines.push(line);
      line = '#';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
