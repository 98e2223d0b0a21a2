// SPDX-License-Identifier: Apache-2.0
// Named queries on leases. Raw statements: one conditional statement decides who holds a lease; all times are the
// database's own.
import type { LeaseRow } from '../models/lease.js';
import { databaseNow, insertIgnore, placeholders } from '../statements.js';
import type { Statements } from '../statements.js';

/** How the names of leases begin that are no tasks, but turns of nodes to have tickets made. */
export const MINT_LEASES = 'mint ';

/** Who asks for a lease, and for how many seconds. */
export interface LeaseRequest {
  readonly name: string;
  readonly holder: string;
  readonly runId: string;
  readonly seconds: number;
}

/** All leases of tasks, and what time the database has. */
export async function listLeases(
  db: Statements,
): Promise<{ now: number; leases: Pick<LeaseRow, 'name' | 'holder' | 'run_id' | 'expires'>[] }> {
  // One row at least, so that an empty table gives the time too.
  const rows = await db.query<
    { now: number; name: string | null } & Pick<LeaseRow, 'holder' | 'run_id' | 'expires'>
  >(
    `SELECT t.now, l.name, l.holder, l.run_id, l.expires FROM (SELECT ${databaseNow(db.dialect)} AS now) t ` +
      `LEFT JOIN leases l ON l.name NOT LIKE '${MINT_LEASES}%'`,
  );
  const leases = rows.flatMap(({ name, holder, run_id, expires }) =>
    name === null ? [] : [{ name, holder, run_id, expires }],
  );
  return { now: rows[0]?.now ?? 0, leases };
}

/**
 * Takes a lease that is free, has expired or is this run's already. `ofFormerRun`: one that an earlier run of the same
 * holder left behind too. false: somebody else has it.
 */
export async function takeLease(
  db: Statements,
  request: LeaseRequest,
  o: { readonly ofFormerRun: boolean },
): Promise<boolean> {
  const { name, holder, runId, seconds } = request;
  const now = databaseNow(db.dialect);
  // One that lasts longer than anybody may take it for was written before the database's clock was set back.
  const free = `expires < ${now} OR expires > ${now} + 2 * ? OR run_id = ?${o.ofFormerRun ? ' OR holder = ?' : ''}`;
  const matched = await db.execute(
    `UPDATE leases SET holder = ?, run_id = ?, acquired = ${now}, expires = ${now} + ? WHERE name = ? AND (${free})`,
    [holder, runId, seconds, name, seconds, runId, ...(o.ofFormerRun ? [holder] : [])],
  );
  if (matched > 0) return true;
  const inserted = await db.execute(
    `${insertIgnore(db.dialect)} INTO leases (name, holder, run_id, acquired, expires) VALUES (?, ?, ?, ${now}, ${now} + ?)`,
    [name, holder, runId, seconds],
  );
  return inserted > 0;
}

/** Extends those of `names` that are still the run's; gives how many. */
export function renewLeases(
  db: Statements,
  names: readonly string[],
  runId: string,
  seconds: number,
): Promise<number> {
  return db.execute(
    `UPDATE leases SET expires = ${databaseNow(db.dialect)} + ? WHERE run_id = ? AND name IN (${placeholders(names.length)})`,
    [seconds, runId, ...names],
  );
}

/** Gives up those of `names` that are still the run's. */
export async function giveUpLeases(db: Statements, names: readonly string[], runId: string): Promise<void> {
  await db.execute(
    `UPDATE leases SET expires = 0 WHERE run_id = ? AND name IN (${placeholders(names.length)})`,
    [runId, ...names],
  );
}
