// SPDX-License-Identifier: Apache-2.0
// Pages that run through the rows of many consoles: those of a project, or those with one uuid in any source. Raw
// statements, written for their indexes. The rows of each console lie in their order in an index, and no engine merges
// these by itself: it gathers and sorts them all. So it is asked for the first row of each console, and then for the rows of
// the consoles that can have a part in the page.
import { batches, withIndex } from '../statements.js';
import type { SqlValue, Statements } from '../statements.js';
import { where } from './search.js';
import { gathered, isSeen, type Sight } from './sight.js';

/** A table of rows that belong to consoles, and are listed by a key of their own. */
export interface ConsoleRows<Key extends string> {
  readonly table: string;
  /** The columns of a row; the table is called `r`. */
  readonly columns: string;
  /** What is joined to it. */
  readonly joins: string;
  readonly key: Key;
  /** The index on source, uuid and key. */
  readonly index: string;
  /** Whether a listing begins with the highest key. */
  readonly descending: boolean;
}

/** Whose rows: of one project, with one uuid, or of those that somebody sees; or several of that. A source narrows them further. */
export interface ManyConsoles {
  readonly source?: string | undefined;
  readonly uuid?: string | undefined;
  readonly projectId?: string | undefined;
  readonly sight?: Sight | undefined;
}

interface Head {
  source: string;
  uuid: string;
  /** The key of the first row after the marker; null: it has none. */
  head: SqlValue;
}

/** `SELECT … FROM …` with the joins. @param ofOneConsole where the rows of one console are asked for, in their order */
export function selectRows(
  db: Statements,
  { table, columns, joins, index }: ConsoleRows<string>,
  o: { readonly ofOneConsole: boolean },
): string {
  return `SELECT ${columns} FROM ${table} r${o.ofOneConsole ? withIndex(db, index) : ''} ${joins}`;
}

/** Consoles in one statement; SQLite joins 500 at most. */
const PIECES = 200;

/** The rows of many consoles after `marker`, in the order of their key. */
export async function listOfConsoles<Row extends Record<Key, string | number>, Key extends string>(
  db: Statements,
  rows: ConsoleRows<Key>,
  consoles: ManyConsoles,
  marker: string | number,
  limit: number,
): Promise<Row[]> {
  const { key, descending } = rows;
  const order = (a: SqlValue, b: SqlValue): number => (descending ? -1 : 1) * compare(a, b);
  const heads = (await headsOf(db, rows, consoles, marker))
    .filter(({ head }) => head !== null)
    .sort((a, b) => order(a.head, b.head));
  const first = heads.slice(0, limit);
  // The page ends at the last of these heads or before it.
  const last = heads.length < limit ? null : (first.at(-1)?.head ?? null);
  const found: Row[] = [];
  for (const batch of batches(first, PIECES))
    found.push(...(await piecesOf<Row>(db, rows, { heads: batch, last, limit })));
  return found.sort((a, b) => order(a[key], b[key])).slice(0, limit);
}

function compare(a: SqlValue, b: SqlValue): number {
  return a === null || b === null || a === b ? 0 : a < b ? -1 : 1;
}

function headsOf(
  db: Statements,
  { table, key, index, descending }: ConsoleRows<string>,
  { source, uuid, projectId, sight }: ManyConsoles,
  marker: string | number,
): Promise<Head[]> {
  const head = (of: string): string =>
    `(SELECT r.${key} FROM ${table} r${withIndex(db, index)} WHERE ${of} AND r.${key} ${descending ? '<' : '>'} ? ` +
    `ORDER BY r.${key} ${descending ? 'DESC' : 'ASC'} LIMIT 1) AS head`;
  if (projectId === undefined && sight === undefined)
    return db.query(
      `SELECT o.name AS source, ? AS uuid, ${head('r.source = o.name AND r.uuid = ?')} FROM sources o`,
      [uuid ?? '', uuid ?? '', marker],
    );
  // Consoles of a project, or with one uuid, are few in any case.
  const from =
    projectId !== undefined
      ? { sql: 'consoles k', values: [] }
      : uuid !== undefined
        ? { sql: `sources o ${inOrder(db)} consoles k ON k.source = o.name`, values: [] }
        : sight === undefined
          ? { sql: 'consoles k', values: [] }
          : gathered(db, sight);
  const { sql, values } = where([
    ...(projectId === undefined ? [] : [['k.project_id = ?', projectId] as const]),
    ...(source === undefined ? [] : [['k.source = ?', source] as const]),
    ...(uuid === undefined ? [] : [['k.uuid = ?', uuid] as const]),
    ...(sight === undefined ? [] : [isSeen(sight)]),
  ]);
  return db.query(
    `SELECT k.source, k.uuid, ${head('r.source = k.source AND r.uuid = k.uuid')} FROM ${from.sql} ${sql}`,
    [marker, ...from.values, ...values],
  );
}

function inOrder({ dialect }: Pick<Statements, 'dialect'>): string {
  return dialect === 'mysql' ? 'STRAIGHT_JOIN' : 'CROSS JOIN';
}

function piecesOf<Row>(
  db: Statements,
  rows: ConsoleRows<string>,
  {
    heads,
    last,
    limit,
  }: { readonly heads: readonly Head[]; readonly last: SqlValue; readonly limit: number },
): Promise<Row[]> {
  const { key, descending } = rows;
  const [from, until] = descending ? ['<=', '>='] : ['>=', '<='];
  const piece =
    `${selectRows(db, rows, { ofOneConsole: true })} WHERE r.source = ? AND r.uuid = ? AND r.${key} ${from} ?${last === null ? '' : ` AND r.${key} ${until} ?`} ` +
    `ORDER BY r.${key} ${descending ? 'DESC' : 'ASC'} LIMIT ?`;
  // An ORDER BY of its own each.
  const enclosed = db.dialect === 'sqlite' ? `SELECT * FROM (${piece})` : `(${piece})`;
  return db.query(
    heads.map(() => enclosed).join(' UNION ALL '),
    heads.flatMap(({ source, uuid, head }) => [
      ...[source, uuid, head],
      ...(last === null ? [] : [last]),
      limit,
    ]),
  );
}
