// SPDX-License-Identifier: Apache-2.0
// Legal holds: audit events of a console, a session or a period that retention must not remove.
import { deleteHold, insertHold, listHolds } from '../db/api/audit-holds.js';
import type { Database } from '../db/database.js';
import { DuplicateRow } from '../db/faults.js';
import type { AuditHoldRow } from '../db/models/audit-hold.js';
import { Conflict, InvalidInput } from '../exception.js';
import { systemClock } from './clock.js';
import type { Clock } from './clock.js';

/** A hold; times are epoch seconds. */
export type AuditHold = AuditHoldRow;

/** What a hold keeps: events that fit all that is given. */
export interface HeldEvents {
  readonly source?: string | undefined;
  readonly uuid?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const LONGEST_REASON = 255;
/** Each event that retention looks at is compared with all of them. */
const MOST_HOLDS = 500;

/** The holds of this site. */
export class AuditHolds {
  private readonly now: Clock;

  constructor(
    private readonly db: Database,
    options: { now?: Clock } = {},
  ) {
    this.now = options.now ?? systemClock;
  }

  /**
   * Places a hold: from now on no event that it fits is removed.
   *
   * @throws InvalidInput for a name, a reason or a period that is none, or a hold of everything; Conflict for a name that is taken
   */
  async place(name: string, held: HeldEvents, why: { reason: string; by: string | null }): Promise<void> {
    check(name, held, why.reason);
    if ((await listHolds(this.db)).length >= MOST_HOLDS)
      throw new Conflict(`there are ${MOST_HOLDS} holds, the most there may be; release one first`);
    const { source = null, uuid = null, sessionId: session_id = null, from = null, to = null } = held;
    const row = {
      ...{ name, source, uuid, session_id, period_begin: from, period_end: to },
      ...{ reason: why.reason, held_by: why.by?.slice(0, 255) ?? null, created: this.now() },
    };
    try {
      await insertHold(this.db, row);
    } catch (error) {
      if (error instanceof DuplicateRow) throw new Conflict(`hold ${name} exists already; give another name`);
      throw error;
    }
  }

  /** All holds, by name. */
  list(): Promise<AuditHold[]> {
    return listHolds(this.db);
  }

  /** Ends a hold; false: there is none of the name. */
  release(name: string): Promise<boolean> {
    return deleteHold(this.db, name);
  }
}

function check(name: string, held: HeldEvents, reason: string): void {
  if (!NAME.test(name))
    throw new InvalidInput(
      'name of a hold: give 1 to 64 letters, digits, dots, underscores and hyphens, the first a letter or digit',
    );
  if (reason.trim() === '' || reason.length > LONGEST_REASON)
    throw new InvalidInput(`reason: give 1 to ${LONGEST_REASON} characters that say why the events are held`);
  if (Object.values(held).every((value) => value === undefined))
    throw new InvalidInput('a hold of everything: name a console, a session or a period');
  const { from = -Infinity, to = Infinity } = held;
  if (from > to) throw new InvalidInput('period of a hold: it ends before it begins; swap the two times');
}
