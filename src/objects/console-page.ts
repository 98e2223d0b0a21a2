// SPDX-License-Identifier: Apache-2.0
// Pages of consoles: where one ends and the next begins, and the sessions that are shown with each console.
import type { ConsoleMarker, ShownConsoleRow } from '../db/api/consoles.js';
import { countTokens, tokensInUse } from '../db/api/console-tokens.js';
import type { ConsoleRange } from '../db/api/console-tokens.js';
import type { Database } from '../db/database.js';
import { InvalidInput } from '../exception.js';
import { toConsole } from './console-row.js';
import type { Console } from './console-row.js';

const NO_TOKENS = { sessionIds: [] as readonly string[], count: 0 };

/** The consoles of a page with their sessions: two more statements for all of it. @param now epoch seconds */
export async function withSessions(
  db: Database,
  rows: readonly ShownConsoleRow[],
  now: number,
): Promise<Console[]> {
  const ranges = rangesOf(rows);
  const found = new Map<string, { sessionIds: string[]; count: number }>();
  for (const { source, uuid, tokens } of await countTokens(db, ranges, now)) {
    found.set(`${source}/${uuid}`, { sessionIds: [], count: tokens });
  }
  for (const { source, uuid, session_id: sessionId, expires } of await tokensInUse(db, ranges)) {
    const { sessionIds, count } = found.get(`${source}/${uuid}`) ?? NO_TOKENS;
    const also = expires < now ? 1 : 0;
    found.set(`${source}/${uuid}`, { sessionIds: [...sessionIds, sessionId].sort(), count: count + also });
  }
  return rows.map((row) => toConsole(row, found.get(`${row.source}/${row.uuid}`) ?? NO_TOKENS));
}

// A page is in order, so that its consoles of one source are one range.
function rangesOf(rows: readonly ShownConsoleRow[]): ConsoleRange[] {
  const ranges = new Map<string, ConsoleRange>();
  for (const { source, uuid } of rows) {
    ranges.set(source, { source, first: ranges.get(source)?.first ?? uuid, last: uuid });
  }
  return [...ranges.values()];
}

/** The marker of a page that ends here. */
export function toMarker(at: ConsoleMarker): string {
  return `${at.source}/${at.uuid}`;
}

/** Where a page begins; null: with the first console. A uuid holds no slash, a source's name may. @throws InvalidInput */
export function markerOf(marker: string | undefined): ConsoleMarker | null {
  if (marker === undefined) return null;
  const cut = marker.lastIndexOf('/');
  if (cut < 0) throw new InvalidInput('marker: not one of this listing; use the one that the last page gave');
  return { source: marker.slice(0, cut), uuid: marker.slice(cut + 1) };
}
