// SPDX-License-Identifier: Apache-2.0
// Which consoles somebody sees, as conditions of statements. Those who see few consoles have them gathered by the indexes of
// consoles, and what belongs to them after that; those who see many have a listing walked in its order, and what they do
// not see passed over. What is left of a console that is gone is for those who see everything.
import { placeholders } from '../statements.js';
import type { SqlValue, Statements } from '../statements.js';
import type { Condition } from './search.js';

/** What somebody sees who does not see everything. */
export interface Sight {
  /** Consoles for which no list of access holds. */
  readonly unlisted: boolean;
  /** Consoles of this project. */
  readonly projectId?: string | undefined;
  /** Consoles for which these lists hold. */
  readonly accessIds: readonly string[];
}

/** Part of a FROM, with what is bound in it. */
export interface From {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/** More consoles than that are many. */
const MOST_GATHERED = 2000;

/** Whether the consoles that somebody sees are few enough to be gathered. */
export async function seesFew(db: Statements, sight: Sight): Promise<boolean> {
  let left = MOST_GATHERED;
  for (const { sql, values } of partsOf(sight)) {
    const [row] = await db.query<{ seen: number }>(
      `SELECT COUNT(*) AS seen FROM (SELECT c.uuid ${sql} LIMIT ?) p`,
      [...values, left + 1],
    );
    left -= row?.seen ?? 0;
    if (left < 0) return false;
  }
  return true;
}

/** How many consoles somebody sees: by the indexes alone. */
export async function countSeenConsoles(db: Statements, sight: Sight): Promise<number> {
  const { unlisted, projectId, accessIds } = sight;
  // One list at a time: MariaDB reads the whole index where several have much of it.
  const parts = [
    ...partsOf({ unlisted, projectId, accessIds: [] }),
    ...accessIds.flatMap((id) => partsOf({ unlisted: false, accessIds: [id] })),
  ];
  const counted = [...(unlisted ? [''] : []), ...accessIds];
  let seen = 0;
  for (const { sql, values } of parts) {
    // Those of the project that are counted already.
    const ofProject = sql.includes('project_id') && counted.length > 0;
    const but = ofProject ? ` AND COALESCE(c.access_id, '') NOT IN (${placeholders(counted.length)})` : '';
    const [row] = await db.query<{ seen: number }>(`SELECT COUNT(*) AS seen ${sql}${but}`, [
      ...values,
      ...(ofProject ? counted : []),
    ]);
    seen += row?.seen ?? 0;
  }
  return seen;
}

/** The consoles that somebody sees, gathered, as `k`. */
export function gathered(db: Pick<Statements, 'dialect'>, sight: Sight): From {
  const parts = partsOf(sight);
  const union = parts.map(({ sql }) => `SELECT c.source, c.uuid ${sql}`).join(' UNION ');
  const nothing = "SELECT '' AS source, '' AS uuid";
  const join = db.dialect === 'mysql' ? 'STRAIGHT_JOIN' : 'CROSS JOIN';
  return {
    sql: `(${union === '' ? nothing : union}) v ${join} consoles k ON k.source = v.source AND k.uuid = v.uuid`,
    values: parts.flatMap(({ values }) => values),
  };
}

/** The condition on a row's console `k`, for a listing that is walked: no engine begins with it. */
export function isSeen({ unlisted, projectId, accessIds }: Sight): Condition {
  const ids = [...(unlisted ? [''] : []), ...accessIds];
  const alternatives = [
    ...(ids.length === 0 ? [] : [`COALESCE(k.access_id, '') IN (${placeholders(ids.length)})`]),
    ...(projectId === undefined ? [] : ["COALESCE(k.project_id, '') = ?"]),
  ];
  const any = alternatives.length === 0 ? '1 = 0' : `(${alternatives.join(' OR ')})`;
  return [`COALESCE(k.uuid, '') <> '' AND ${any}`, ...ids, ...(projectId === undefined ? [] : [projectId])];
}

// Each is a range, or a few, of an index on consoles.
function partsOf({ unlisted, projectId, accessIds }: Sight): From[] {
  return [
    ...(unlisted ? [{ sql: 'FROM consoles c WHERE c.access_id IS NULL', values: [] }] : []),
    ...(accessIds.length === 0
      ? []
      : [
          {
            sql: `FROM consoles c WHERE c.access_id IN (${placeholders(accessIds.length)})`,
            values: accessIds,
          },
        ]),
    ...(projectId === undefined
      ? []
      : [{ sql: 'FROM consoles c WHERE c.project_id = ?', values: [projectId] }]),
  ];
}
