// SPDX-License-Identifier: Apache-2.0
// Tables for people, as the OpenStack clients draw them, and the same rows as JSON and CSV for programs.
import { InvalidArgumentError } from 'commander';
import { csvLine, type CsvCell } from '../csv.js';

/** How a listing is printed. */
export type Format = 'table' | 'json';

/** How a listing is printed that others take over. */
export type ExportFormat = Format | 'csv';

/** One row: column name to value; the columns of a table are those of its first row. */
export type Row = Readonly<Record<string, string | number | boolean | null>>;

/** Reads --format. @throws InvalidArgumentError for another word */
export function readFormat(text: string): Format {
  if (text === 'table' || text === 'json') return text;
  throw new InvalidArgumentError('Give table or json.');
}

/** Reads --format of such a listing. @throws InvalidArgumentError for another word */
export function readExportFormat(text: string): ExportFormat {
  if (text === 'table' || text === 'json' || text === 'csv') return text;
  throw new InvalidArgumentError('Give table, json or csv.');
}

/** A text of somebody else's for a terminal: on one line, without anything that a terminal would obey. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '?');
}

type Value = Row[string] | undefined;

function cell(value: Value): string {
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

/**
 * Writes CSV (RFC 4180), with the names of the columns as its first line; a missing or null value is empty.
 *
 * @param columns the column names in order
 * @param rows the rows; text that a spreadsheet would calculate gets an apostrophe before it
 */
export function writeCsv(columns: readonly string[], rows: readonly Row[]): string {
  const cells = rows.map((row) => columns.map((column) => csvCell(row[column])));
  return [columns, ...cells].map(csvLine).join('');
}

function csvCell(value: Value): CsvCell {
  return typeof value === 'string' ? printable(value) : value;
}

/** Prints rows on standard output, in one of the formats of others too; JSON has the columns and no more. */
export function printExport(format: ExportFormat, columns: readonly string[], rows: readonly Row[]): void {
  if (format === 'csv') {
    process.stdout.write(writeCsv(columns, rows));
    return;
  }
  const shown = rows.map((row) => Object.fromEntries(columns.map((column) => [column, row[column] ?? null])));
  printRows(format, columns, shown);
}

/** Prints rows on standard output. */
export function printRows(format: Format, columns: readonly string[], rows: readonly Row[]): void {
  const text = format === 'json' ? JSON.stringify(rows, undefined, 4) : drawTable(columns, rows);
  process.stdout.write(`${text}\n`);
}
