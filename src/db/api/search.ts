// SPDX-License-Identifier: Apache-2.0
// Searches behind the listings of /v1, raw statements since each is written for its index: consoles and sessions in an
// order that the asker chooses, and audit events by time. A page resumes after the row of its marker in steps, each of
// which is a range of one index, because no single condition makes both engines walk it.
import { withIndex } from '../statements.js';
import type { SqlValue, Statements } from '../statements.js';

/** One condition of a WHERE, with what is bound to it. */
export type Condition = readonly [sql: string, ...values: SqlValue[]];

/** Which rows, from where on, in which order. */
interface Walk {
  /** `SELECT … FROM table r` */
  readonly select: string;
  /** What is joined to it; empty for nothing. */
  readonly joins: string;
  /** The index whose order is walked; null: the engine's choice. */
  readonly index: string | null;
  /** The columns of the order, the key of a row at the end. Only the first may be NULL. */
  readonly order: readonly string[];
  readonly descending: boolean;
  readonly conditions: readonly Condition[];
  /** The values of `order` in the row that the page before ended with; null: the first page. */
  readonly after: readonly SqlValue[] | null;
  readonly limit: number;
  /** What is bound in `select` and `joins`. */
  readonly bound?: readonly SqlValue[];
}

/** The rows of a walk. */
export async function walk<Row>(db: Statements, o: Walk): Promise<Row[]> {
  const direction = o.descending ? 'DESC' : 'ASC';
  const order = o.order.map((column) => `${column} ${direction}`).join(', ');
  const from = `${o.select}${o.index === null ? '' : withIndex(db, o.index)} ${o.joins}`;
  const found: Row[] = [];
  for (const step of o.after === null ? [[]] : stepsAfter(o.order, o.after, o.descending)) {
    const { sql, values } = where([...step, ...o.conditions]);
    found.push(
      ...(await db.query<Row>(`${from} ${sql} ORDER BY ${order} LIMIT ?`, [
        ...(o.bound ?? []),
        ...values,
        o.limit - found.length,
      ])),
    );
    if (found.length >= o.limit) break;
  }
  return found;
}

/** The ranges of an index that follow a row: those with the same first columns, and then those with later ones. */
function stepsAfter(
  order: readonly string[],
  after: readonly SqlValue[],
  descending: boolean,
): Condition[][] {
  const steps: Condition[][] = [];
  for (let at = order.length - 1; at >= 0; at -= 1) {
    const same = order.slice(0, at).map((column, index) => equal(column, after[index] ?? null));
    for (const later of beyond(order[at] ?? '', after[at] ?? null, descending)) steps.push([...same, later]);
  }
  return steps;
}

function equal(column: string, value: SqlValue): Condition {
  return value === null ? [`${column} IS NULL`] : [`${column} = ?`, value];
}

// Both engines have NULL before everything else.
function beyond(column: string, value: SqlValue, descending: boolean): Condition[] {
  if (value === null) return descending ? [] : [[`${column} IS NOT NULL`]];
  return descending ? [[`${column} < ?`, value], [`${column} IS NULL`]] : [[`${column} > ?`, value]];
}

/** `WHERE …` of conditions that all must hold; nothing for none. */
export function where(conditions: readonly Condition[]): { sql: string; values: SqlValue[] } {
  if (conditions.length === 0) return { sql: '', values: [] };
  return {
    sql: `WHERE ${conditions.map(([sql]) => sql).join(' AND ')}`,
    values: conditions.flatMap(([, ...values]) => values),
  };
}

/** The conditions of the filters that are there. */
export function conditionsOf(
  filters: readonly (readonly [sql: string, value: SqlValue | undefined])[],
): Condition[] {
  return filters.flatMap(([sql, value]) => (value === undefined ? [] : [[sql, value] as const]));
}

/** A text holds another one, whatever the case of its letters; SQLite knows the case of ASCII alone. */
export function holds(column: string): string {
  return `INSTR(LOWER(${column}), LOWER(?)) > 0`;
}
