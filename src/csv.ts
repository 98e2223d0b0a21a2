// SPDX-License-Identifier: Apache-2.0
// Rows as CSV (RFC 4180). Cells come from strangers: one that a spreadsheet would calculate is marked as text.

/** What stands in a cell; null and undefined: nothing. */
export type CsvCell = string | number | boolean | null | undefined;

// With the wide forms, which spreadsheets of East Asian languages take for the same.
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;

/** One line with its end. A text that a spreadsheet would take for a formula gets an apostrophe before it. */
export function csvLine(cells: readonly CsvCell[]): string {
  return `${cells.map(field).join(',')}\r\n`;
}

function field(value: CsvCell): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'string' && FORMULA.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
