// SPDX-License-Identifier: Apache-2.0
// A lease: the right of one process to do a task that one process at a time must do. It ends by itself, so that a
// process that dies keeps nothing back. Its times are the database's; holders count by their own monotonic clock.
import { giveUpLeases, listLeases, renewLeases, takeLease } from '../db/api/leases.js';
import type { Database } from '../db/database.js';

/** Who holds leases. */
export interface LeaseHolder {
  /** Node and program: the same after a restart. */
  readonly holder: string;
  /** UUID of this run. */
  readonly runId: string;
}

/** A lease as it stands in the database. */
export interface Lease {
  readonly name: string;
  readonly holder: string;
  readonly runId: string;
  /** Epoch seconds of the database's clock. */
  readonly expires: number;
}

const LONGEST_HOLDER = 255;

/** The leases of this site, as one process sees them. */
export class Leases {
  private readonly db: Database;
  private readonly holder: string;
  private readonly runId: string;

  constructor(db: Database, who: LeaseHolder) {
    this.db = db;
    this.holder = who.holder.slice(0, LONGEST_HOLDER);
    this.runId = who.runId;
  }

  /** All leases of tasks, and the database's time, epoch seconds. */
  async look(): Promise<{ now: number; leases: Lease[] }> {
    const { now, leases } = await listLeases(this.db);
    return {
      now,
      leases: leases.map(({ name, holder, run_id, expires }) => ({ name, holder, runId: run_id, expires })),
    };
  }

  /** Whether a lease may be taken at the database's time `now`. */
  isFree(lease: Lease | undefined, now: number, seconds: number, o: { ofFormerRun: boolean }): boolean {
    if (lease === undefined || lease.runId === this.runId) return true;
    if (o.ofFormerRun && lease.holder === this.holder) return true;
    return lease.expires < now || lease.expires > now + 2 * seconds;
  }

  /**
   * Takes a lease for some seconds. `ofFormerRun`: also one that an earlier run of the same program on the same node
   * left behind. false: somebody else has it.
   */
  take(name: string, seconds: number, o: { ofFormerRun: boolean }): Promise<boolean> {
    return takeLease(this.db, { name, holder: this.holder, runId: this.runId, seconds }, o);
  }

  /** Extends those that are still held; gives how many. */
  renew(names: readonly string[], seconds: number): Promise<number> {
    return renewLeases(this.db, names, this.runId, seconds);
  }

  /** Whether this process is the holder in the database. */
  isOwn(lease: Lease): boolean {
    return lease.runId === this.runId;
  }

  /** Gives leases up, so that others need not wait for their end. */
  giveUp(names: readonly string[]): Promise<void> {
    return giveUpLeases(this.db, names, this.runId);
  }
}
