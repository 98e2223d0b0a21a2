// SPDX-License-Identifier: Apache-2.0
// A source: one cloud, or one list of static consoles, as sources.yaml names it.
import type { Database } from '../db/database.js';
import type { Page, PageRequest } from './page.js';

/** What sources.yaml says about a source. `password` is a secret, encrypted at rest. */
export interface SourceDefinition {
  name: string;
  type: string;
  url?: string | null | undefined;
  caCert?: string | null | undefined;
  username?: string | null | undefined;
  password?: string | null | undefined;
  projectName?: string | null | undefined;
  userDomainId?: string | null | undefined;
  projectDomainId?: string | null | undefined;
}

/** A source as the API shows it: no password. */
export interface Source {
  name: string;
  type: string;
  /** Epoch seconds of the last good discovery; null before the first. */
  lastSeen: number | null;
  /** Node that did it. */
  seenBy: string | null;
  errored: boolean;
  /** Why, in one line; null when not errored. */
  error: string | null;
  url: string | null;
  caCert: string | null;
  username: string | null;
  projectName: string | null;
  userDomainId: string | null;
  projectDomainId: string | null;
  deleted: boolean;
}

export declare class Sources {
  constructor(db: Database, options?: { now?: () => number });
  /** Inserts or updates a source and clears its `deleted` mark; last_seen and error stay. */
  upsert(source: SourceDefinition): Promise<void>;
  /** A good discovery: sets last_seen and seen_by, clears the error. */
  markSeen(name: string, node: string): Promise<void>;
  /** Soft-deletes. false: unknown or already deleted. */
  markDeleted(name: string): Promise<boolean>;
  setError(name: string, text: string | null): Promise<void>;
  /** By name; deleted ones are left out unless asked for. */
  list(page: PageRequest, options?: { deleted?: boolean }): Promise<Page<Source>>;
  /** Deleted ones too. */
  find(name: string): Promise<Source | null>;
  /** The decrypted password of a source. */
  password(name: string): Promise<string | null>;
}
