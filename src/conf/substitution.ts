// SPDX-License-Identifier: Apache-2.0
// `$option` in the text of a value, as oslo.config has it (ConfigOpts._substitute over Python's string.Template):
// `$name` and `${name}` stand for the value of an option, a name with a dot in it is `group.option`, `$$` and `\$` are
// a dollar sign. A `$` before anything else is itself. What an option's value gives is not looked at again.

/** Longest match, any case, and dots inside the name: `$state_path.d` asks for option `d` of group `state_path`. */
const REFERENCE = /\$(?:(?<escaped>\$)|(?<named>[_a-z][._a-z0-9]*)|\{(?<braced>[_a-z][._a-z0-9]*)\})/giu;

/**
 * The text with every reference replaced.
 *
 * @param valueOf gives the text that stands for a name; what it throws is thrown
 */
export function substitute(text: string, valueOf: (name: string) => string): string {
  // A replacement of a function is taken as it is, one of a string has its own meaning of `$`.
  const dollars = text.replaceAll('\\$', () => '$$');
  return dollars.replace(REFERENCE, (...match) => {
    const { named, braced } = match.at(-1) as { named?: string; braced?: string };
    const name = named ?? braced;
    return name === undefined ? '$' : valueOf(name);
  });
}

/** The text as a configuration file must have it to mean just this text. */
export function escapeDollars(text: string): string {
  // Behind a backslash `$$` would be read as `\$` and a `$`.
  return text.replace(/\\?\$/g, (found) => (found === '$' ? '$$' : '\\\\$'));
}

/** Whether a text means something else than it did when values were literal. */
export function holdsReference(text: string): boolean {
  return /\\\$|\$[$_a-z]|\$\{[_a-z][._a-z0-9]*\}/iu.test(text);
}
