// SPDX-License-Identifier: Apache-2.0
// The state of instances by the messages of their cloud, as far as consoles need it: recorded with the time of the message, so
// that messages may arrive in any order, twice, or not at all. An answer of the cloud itself at a later time replaces it.
import {
  consolesOfInstance,
  isNewer,
  markAddressStale,
  recordLock,
  recordState,
} from '../db/api/instance-facts.js';
import type { Database } from '../db/database.js';
import type { GuestPolicyRules } from './guest-policy.js';
import { settingsIn } from './own-settings.js';

const LONGEST = { state: 64, host: 255 } as const;

/** A console that an instance has. */
export interface InstanceConsole {
  readonly source: string;
  readonly uuid: string;
  readonly name: string | null;
  /** Nova's status; null before anybody has said so. */
  readonly state: string | null;
  readonly host: string | null;
  /** What its metadata says of guest data, when it was last read. */
  readonly metadataRules: GuestPolicyRules;
}

/** Something said of an instance. */
export interface InstanceFact {
  /** When it was said, epoch seconds by the sender's clock; a time in the future counts as now. */
  readonly at: number;
  /** Nova's status: `ACTIVE`, `SHUTOFF`, ... */
  readonly state: string;
  /** null: not said. */
  readonly host: string | null;
}

/** What is known of instances from their cloud's messages. */
export class InstanceFacts {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  /**
   * The consoles of an instance: one for each cloud that has shown one.
   * @param platform the type of the clouds; uuids of other platforms mean other machines
   */
  async consoles(platform: string, uuid: string): Promise<InstanceConsole[]> {
    const rows = await consolesOfInstance(this.db, platform, uuid);
    return rows.map((row) => ({
      source: row.source,
      uuid: row.uuid,
      name: row.name,
      state: row.instance_state,
      host: row.instance_host,
      metadataRules: settingsIn(row.settings).guestPolicy?.metadata ?? {},
    }));
  }

  /** Records state and host; false when something newer is known, or the console is gone. An equal time counts as newer. */
  record(source: string, uuid: string, fact: InstanceFact): Promise<boolean> {
    return recordState(this.db, {
      ...{ source, uuid, at: fact.at },
      state: fact.state.slice(0, LONGEST.state),
      host: fact.host?.slice(0, LONGEST.host) ?? null,
    });
  }

  /** Whether nothing newer is known of the console's instance. */
  isNewer(source: string, uuid: string, at: number): Promise<boolean> {
    return isNewer(this.db, source, uuid, at);
  }

  /** Records the lock; false when something newer is known of it. */
  recordLock(source: string, uuid: string, at: number, locked: boolean): Promise<boolean> {
    return recordLock(this.db, { source, uuid, at, locked });
  }

  /** Marks the console's address as invalid until the cloud has been asked for it. */
  markAddressStale(source: string, uuid: string): Promise<void> {
    return markAddressStale(this.db, source, uuid);
  }
}
