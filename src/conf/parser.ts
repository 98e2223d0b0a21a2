// SPDX-License-Identifier: Apache-2.0
// The INI dialect of oslo.config, text in, assignments out. Facts of the dialect: groups in brackets; `key = value`
// or `key: value`, split at whichever comes first; a line that begins with white space continues the value before
// it; `#` and `;` begin a comment in the first column only; a value in a pair of quotes loses them; a group may
// appear again. Values stay text: src/conf/substitution.ts replaces the references in them, src/conf/values.ts gives them types.
import { StartupError } from '../exception.js';

/** One `key = value` of a file; `line` is the line of the key, counted from 1. */
export interface Assignment {
  readonly group: string;
  readonly option: string;
  readonly value: string;
  readonly file: string;
  readonly line: number;
}

interface Open {
  readonly group: string;
  readonly option: string;
  readonly lines: string[];
  readonly line: number;
}

function fail(file: string, line: number, fault: string): never {
  throw new StartupError(`${file} line ${line}: ${fault}`);
}

function unquote(value: string): string {
  const first = value.at(0);
  const quoted = value.length >= 2 && (first === '"' || first === "'") && value.at(-1) === first;
  return quoted ? value.slice(1, -1) : value;
}

function groupOf(text: string, file: string, line: number): string {
  if (!text.endsWith(']')) fail(file, line, 'a group must end with "]"');
  const name = text.slice(1, -1).trim();
  if (name === '') fail(file, line, 'a group needs a name between the brackets');
  return name;
}

function open(text: string, group: string | undefined, file: string, line: number): Open {
  const split = text.search(/[=:]/);
  if (split < 0) fail(file, line, 'neither a [group], nor "option = value", nor a comment');
  const option = text.slice(0, split).trim();
  if (option === '') fail(file, line, 'the name of the option is missing before "="');
  if (group === undefined) fail(file, line, `option ${option} stands before the first [group]`);
  return { group, option, lines: [unquote(text.slice(split + 1).trim())], line };
}

/**
 * Reads the text of one configuration file.
 *
 * @param text the whole file
 * @param file its name, for messages
 * @returns every assignment in the order of the file; an option that is set twice is there twice
 * @throws StartupError naming file and line, when a line is none of the dialect
 */
export function parseIni(text: string, file: string): Assignment[] {
  const found: Assignment[] = [];
  let group: string | undefined;
  let current: Open | undefined;

  const close = (): void => {
    if (current === undefined) return;
    const { lines, ...where } = current;
    found.push({ ...where, value: lines.join('\n'), file });
    current = undefined;
  };

  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .entries()) {
    const line = raw.trimEnd();
    if (/^[ \t]+\S/.test(line)) {
      if (current === undefined)
        fail(file, index + 1, 'an indented line continues an option, and there is none before it');
      current.lines.push(line.trimStart());
      continue;
    }
    close();
    if (line === '' || /^[#;]/.test(line)) continue;
    if (line.startsWith('[')) group = groupOf(line, file, index + 1);
    else current = open(line, group, file, index + 1);
  }
  close();
  return found;
}
