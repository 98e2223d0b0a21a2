// SPDX-License-Identifier: Apache-2.0
// Tables for people, as the OpenStack clients draw them, and the same rows as JSON for programs.
import { InvalidArgumentError } from 'commander';

/** How a listing is printed. */
export type Format = 'table' | 'json';

/** One row: column name to value; the columns of a table are those of its first row. */
export type Row = Readonly<Record<string, string | number | boolean | null>>;

/** Reads --format. @throws InvalidArgumentError for another word */
export function readFormat(text: string): Format {
  if (text === 'table' || text === 'json') return text;
  throw new InvalidArgumentError('Give table or json.');
}

/** A text of somebody else's for a terminal: on one line, without anything that a terminal would obey. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '?');
}

function cell(value: string | number | boolean | null | undefined): string {
  return printable(String(value ?? '-'));
}

/**
 * Draws a table.
 *
 * @param columns the column names in order
 * @param rows the rows; a missing or null value is shown as "-"
 */
export function drawTable(columns: readonly string[], rows: readonly Row[]): string {
  const cells = rows.map((row) => columns.map((column) => cell(row[column])));
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...cells.map((line) => line[index]?.length ?? 0)),
  );
  const rule = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+`;
  const draw = (line: readonly string[]): string =>
    `|${line.map((text, index) => ` ${text.padEnd(widths[index] ?? 0)} `).join('|')}|`;
  return [rule, draw(columns), rule, ...cells.map(draw), ...(rows.length > 0 ? [rule] : [])].join('\n');
}

/** Prints rows on standard output. */
export function printRows(format: Format, columns: readonly string[], rows: readonly Row[]): void {
  const text = format === 'json' ? JSON.stringify(rows, undefined, 4) : drawTable(columns, rows);
  process.stdout.write(`${text}\n`);
}
