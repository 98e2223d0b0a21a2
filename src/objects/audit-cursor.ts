// SPDX-License-Identifier: Apache-2.0
// How far each sink of the audit trail has been served. The database is the backlog: what a sink has not taken stays there
// until it has, or until retention removes it, which is counted.
import { findCursor, insertCursor, listCursors, moveCursor } from '../db/api/audit-cursors.js';
import { chainHead, timeAfter } from '../db/api/audit-chain.js';
import type { Database } from '../db/database.js';
import type { AuditCursorRow } from '../db/models/audit-cursor.js';
import { Conflict } from '../exception.js';
import { GENESIS } from './audit-digest.js';
import type { SealedEvent } from './audit-digest.js';

/** The sinks of the audit trail. */
export const AUDIT_SINKS = ['jsonl', 'syslog', 'cadf'] as const;

/** The name of a sink. */
export type AuditSinkName = (typeof AUDIT_SINKS)[number];

/** How a sink stands. */
export interface SinkState extends AuditCursorRow {
  /** Events of the chain that it does not have yet. */
  readonly backlog: number;
  /** When the oldest of them happened, epoch seconds; null: it has all. */
  readonly waitingSince: number | null;
}

/** The cursors of the sinks. */
export class AuditCursors {
  constructor(private readonly db: Database) {}

  /** The cursor of a sink. One that is new begins with the events that come from now on. */
  async open(sink: AuditSinkName): Promise<AuditCursorRow> {
    const there = await findCursor(this.db, sink);
    if (there !== null) return there;
    await insertCursor(this.db, sink, (await chainHead(this.db)) ?? { position: 0, digest: GENESIS });
    const made = await findCursor(this.db, sink);
    if (made === null) throw new Conflict(`the cursor of audit sink ${sink} was removed while it was in use`);
    return made;
  }

  /**
   * The sink has these events, which follow its cursor. Gives the cursor as it is then, and how many between were gone.
   *
   * @throws Conflict when another process serves the sink as well
   */
  async delivered(
    cursor: AuditCursorRow,
    events: readonly SealedEvent[],
  ): Promise<{ readonly cursor: AuditCursorRow; readonly lost: number }> {
    const last = events.at(-1);
    if (last === undefined) return { cursor, lost: 0 };
    const { sink } = cursor;
    const { position, digest } = last;
    const lost = position - cursor.position - events.length;
    const move = {
      ...{ sink, from: cursor.position, to: { position, digest } },
      ...{ delivered: events.length, lost },
    };
    if (!(await moveCursor(this.db, move)))
      throw new Conflict(`audit sink ${sink} is served by another process too; its events may come twice`);
    const moved = { delivered: cursor.delivered + events.length, lost: cursor.lost + lost };
    return { cursor: { ...cursor, position, digest, ...moved }, lost };
  }

  /** How all sinks stand that were ever served. */
  async states(): Promise<SinkState[]> {
    const cursors = await listCursors(this.db);
    const head = (await chainHead(this.db))?.position ?? 0;
    return Promise.all(
      cursors.map(async (cursor) => ({
        ...cursor,
        backlog: Math.max(0, head - cursor.position),
        waitingSince: head > cursor.position ? await timeAfter(this.db, cursor.position) : null,
      })),
    );
  }
}
