// SPDX-License-Identifier: Apache-2.0
// Rows as CSV (RFC 4180). Cells come from strangers: one that a spreadsheet would take for a formula is marked as text.

type Cell = string | number | null | undefined;

/** The text of a file, with a header line. */
export function csv(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [columns, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

function cell(value: Cell): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
