// SPDX-License-Identifier: Apache-2.0
// The INI dialect of oslo.config, text in, assignments out. Facts of the dialect: groups in brackets; `key = value`
// or `key: value`, split at whichever comes first; a line that begins with white space continues the value before
// it; `#` and `;` begin a comment in the first column only; a value in a pair of quotes loses them; a group may
// appear again. Values stay text: src/conf/substitution.ts replaces the references in them, src/conf/values.ts gives them types.
import { StartupError, throwFaults } from '../exception.js';

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

function unquote(value: string): string {
  const first = value.at(0);
  const quoted = value.length >= 2 && (first === '"' || first === "'") && value.at(-1) === first;
  return quoted ? value.slice(1, -1) : value;
}

/** A line that is none of the dialect. */
class LineFault extends Error {}

function groupOf(text: string): string {
  if (!text.endsWith(']')) throw new LineFault('a group must end with "]"');
  const name = text.slice(1, -1).trim();
  if (name === '') throw new LineFault('a group needs a name between the brackets');
  return name;
}

function open(text: string, group: string | undefined, line: number): Open {
  const split = text.search(/[=:]/);
  if (split < 0) throw new LineFault('neither a [group], nor "option = value", nor a comment');
  const option = text.slice(0, split).trim();
  if (option === '') throw new LineFault('the name of the option is missing before "="');
  if (group === undefined) throw new LineFault(`option ${option} stands before the first [group]`);
  return { group, option, lines: [unquote(text.slice(split + 1).trim())], line };
}

/** What the lines of a file amount to, one after the other. */
class Reader {
  readonly found: Assignment[] = [];
  private group: string | undefined;
  private current: Open | undefined;

  constructor(private readonly file: string) {}

  /** @throws LineFault */
  read(line: string, number: number): void {
    if (/^[ \t]+\S/.test(line)) {
      if (this.current === undefined)
        throw new LineFault('an indented line continues an option, and there is none before it');
      this.current.lines.push(line.trimStart());
      return;
    }
    this.close();
    if (line === '' || /^[#;]/.test(line)) return;
    if (line.startsWith('[')) this.group = groupOf(line);
    else this.current = open(line, this.group, number);
  }

  /** Ends the option that is open. */
  close(): void {
    if (this.current === undefined) return;
    const { lines, ...where } = this.current;
    this.found.push({ ...where, value: lines.join('\n'), file: this.file });
    this.current = undefined;
  }
}

/**
 * Reads the text of one configuration file.
 *
 * @param text the whole file
 * @param file its name, for messages
 * @returns every assignment in the order of the file; an option that is set twice is there twice
 * @throws StartupError naming file and line of every line that is none of the dialect
 */
export function parseIni(text: string, file: string): Assignment[] {
  const reader = new Reader(file);
  const faults: StartupError[] = [];
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .entries()) {
    try {
      reader.read(raw.trimEnd(), index + 1);
    } catch (error) {
      if (!(error instanceof LineFault)) throw error;
      faults.push(new StartupError(`${file} line ${index + 1}: ${error.message}`));
    }
  }
  reader.close();
  throwFaults(faults);
  return reader.found;
}
