// SPDX-License-Identifier: Apache-2.0
// Whether the chain of audit events is whole: every digest is that of its event and of the one before it, no position is
// missing but those that retention has marked, and no sink was given an event beyond the end. It reads the whole trail once,
// in order and in bounded memory.
import { digestAt } from '../db/api/audit-chain.js';
import { listCursors } from '../db/api/audit-cursors.js';
import { listAnchors } from '../db/api/audit-retention.js';
import type { Database } from '../db/database.js';
import { AuditChain } from './audit-chain.js';
import { digestOf, GENESIS } from './audit-digest.js';
import type { SealedEvent } from './audit-digest.js';

/** What was found. */
export interface ChainReport {
  /** Events whose digest was computed anew. */
  readonly checked: number;
  /** Positions that retention has removed. */
  readonly removed: number;
  /** Events within a removed part, which a hold kept in the last moment: nothing before them is known. */
  readonly unchecked: number;
  /** Events that have no place in the chain yet; counted to 100,000. */
  readonly unsealed: number;
  /** The end of the chain. */
  readonly position: number;
  readonly digest: string;
  /** What is wrong, a line for each; empty: the chain is whole. At most 100, then one that says how many more there are. */
  readonly faults: readonly string[];
}

const BATCH = 500;
const MOST_FAULTS = 100;

/** Checks the whole chain. */
export async function verifyChain(db: Database): Promise<ChainReport> {
  return new Verification(db).run();
}

class Verification {
  private readonly chain: AuditChain;
  private readonly faults: string[] = [];
  private more = 0;
  private checked = 0;
  private removed = 0;
  private unchecked = 0;
  private end = { position: 0, digest: GENESIS };

  constructor(private readonly db: Database) {
    this.chain = new AuditChain(db);
  }

  async run(): Promise<ChainReport> {
    const unsealed = await this.chain.unsealed();
    for (;;) {
      const events = await this.chain.after(this.end.position, BATCH);
      for (const event of events) await this.check(event);
      if (events.length < BATCH) break;
    }
    await this.checkEnd();
    const { checked, removed, unchecked, end } = this;
    const faults = this.more === 0 ? this.faults : [...this.faults, `and ${this.more} faults more`];
    return { checked, removed, unchecked, unsealed, ...end, faults };
  }

  private async check(event: SealedEvent): Promise<void> {
    const { position, digest, id } = event;
    const gap = { first: this.end.position + 1, last: position - 1 };
    if (gap.first <= gap.last) await this.checkGap(gap);
    this.end = { position, digest };
    if (event.previous === null) {
      if (await this.chain.isRemoved(position - 1)) this.unchecked += 1;
      // Its predecessor is missing, which has been said.
      return;
    }
    this.checked += 1;
    if (digestOf(event, position, event.previous) !== digest)
      this.fault(`position ${position} (event ${id}): changed after it was sealed`);
  }

  /** A part of the chain that is not there. */
  private async checkGap({ first, last }: { first: number; last: number }): Promise<void> {
    let next = first;
    for (const anchor of await listAnchors(this.db, { first, last })) {
      if (anchor.first > next) this.missing(next, anchor.first - 1);
      const until = Math.min(anchor.last, last);
      this.removed += Math.max(0, until - Math.max(next, anchor.first) + 1);
      next = Math.max(next, until + 1);
    }
    if (next <= last) this.missing(next, last);
  }

  /** The chain must reach as far as what was removed, and as what has left the house. */
  private async checkEnd(): Promise<void> {
    const { position } = await this.chain.head();
    if (position > this.end.position) {
      await this.checkGap({ first: this.end.position + 1, last: position });
      this.end = { position, digest: (await digestAt(this.db, position)) ?? this.end.digest };
    }
    for (const cursor of await listCursors(this.db)) {
      if (cursor.position > this.end.position) {
        this.missing(this.end.position + 1, cursor.position, `, and sink ${cursor.sink} has had them`);
        continue;
      }
      const digest = cursor.position === 0 ? GENESIS : await digestAt(this.db, cursor.position);
      if (digest !== null && digest !== cursor.digest)
        this.fault(`position ${cursor.position}: not the event that sink ${cursor.sink} was given`);
    }
  }

  private missing(first: number, last: number, why = ''): void {
    const what =
      first === last ? `position ${first}: the event is` : `positions ${first} to ${last}: the events are`;
    this.fault(`${what} missing, and retention did not remove them${why}`);
  }

  private fault(text: string): void {
    if (this.faults.length < MOST_FAULTS) this.faults.push(text);
    else this.more += 1;
  }
}
