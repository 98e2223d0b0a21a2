// SPDX-License-Identifier: Apache-2.0
// The lists of access in the database: which list holds for a console, what the lists say to somebody, and what one says.
import {
  areGroupsNamed,
  insertGrants,
  isAccessUsed,
  listGrantsOf,
  listGrantsTo,
} from '../db/api/access-grants.js';
import { listListedTokens } from '../db/api/console-tokens.js';
import { findSource } from '../db/api/sources.js';
import type { Database } from '../db/database.js';
import type { AccessGrantRow } from '../db/models/access-grant.js';
import type { Statements } from '../db/statements.js';
import {
  accessIdOf,
  accessRoleOf,
  greater,
  listedName,
  listFor,
  roleIn,
  type AccessEntry,
  type AccessList,
  type AccessRole,
  type ListedName,
} from './access-list.js';
import { settingsIn } from './own-settings.js';
import { textsIn } from './row-json.js';

export type { Sight } from '../db/api/sight.js';

/** What the lists say to somebody: a role for each list that names them. */
export type Grants = ReadonlyMap<string, AccessRole>;

/** The lists of access of this site. */
export class AccessLists {
  constructor(private readonly db: Database) {}

  /** Whether there is any console for which a list holds. */
  areUsed(): Promise<boolean> {
    return isAccessUsed(this.db);
  }

  /** Whether any list names a group. */
  nameGroups(): Promise<boolean> {
    return areGroupsNamed(this.db);
  }

  /** What the lists say to those who have these names. */
  async grantsTo(principals: readonly string[]): Promise<Grants> {
    const found = new Map<string, AccessRole>();
    for (const { access_id: id, role: text } of await listGrantsTo(this.db, principals)) {
      const role = accessRoleOf(text);
      if (role !== null) found.set(id, greater(found.get(id), role));
    }
    return found;
  }

  /** What a list says; empty: nobody but those who see everything. */
  async list(accessId: string): Promise<AccessList> {
    const rows = await listGrantsOf(this.db, accessId);
    return new Map(
      rows.flatMap(({ principal, role: text }): [string, AccessRole][] => {
        const role = accessRoleOf(text);
        return role === null ? [] : [[principal, role]];
      }),
    );
  }

  /**
   * Sessions of a source's consoles, begun or not, that were made for somebody whom no list lets open the console now. A
   * console for which no list holds any more leaves its sessions alone.
   */
  async sessionsWithout(source: string): Promise<{ readonly sessionId: string; readonly uuid: string }[]> {
    const lists = new Map<string, AccessList>();
    const without: { sessionId: string; uuid: string }[] = [];
    for (const { session_id: sessionId, uuid, principals, access_id: id } of await listListedTokens(
      this.db,
      source,
    )) {
      if (id === null) continue;
      const list = lists.get(id) ?? (await this.list(id));
      lists.set(id, list);
      const role = roleIn(list, textsIn(principals));
      if (role === null || role === 'view') without.push({ sessionId, uuid });
    }
    return without;
  }

  /** What a list says, for people. */
  async names(accessId: string): Promise<ListedName[]> {
    return [...(await this.list(accessId))].flatMap(([principal, role]) => listedName(principal, role) ?? []);
  }
}

/** Finds which list holds for each console of a source, and writes down lists that are new. */
export class ListRecords {
  private readonly written = new Map<string, Promise<void>>();
  private readonly rows: AccessGrantRow[] = [];

  /** @param ofSource what the source's entry says */
  constructor(
    private readonly db: Statements,
    private readonly ofSource: readonly AccessEntry[] | undefined,
  ) {}

  /** Those of a source, as the database knows its entry. */
  static async of(db: Statements, source: string): Promise<ListRecords> {
    const row = await findSource(db, source);
    return new ListRecords(db, settingsIn(row?.settings ?? null).access);
  }

  /** The id of the list that holds; null: none. @param own what the console's own entry says: then its source's does not count */
  async idFor(own: readonly AccessEntry[] | undefined, tags: readonly string[]): Promise<string | null> {
    const entries = own ?? this.ofSource;
    if (entries === undefined) return null;
    const list = listFor(entries, tags);
    const id = accessIdOf(list);
    let written = this.written.get(id);
    if (written === undefined) {
      const rows = [...list].map(([principal, role]) => ({ access_id: id, principal, role }));
      this.rows.push(...rows);
      written = insertGrants(this.db, rows);
      this.written.set(id, written);
    }
    await written;
    return id;
  }

  /** To be called when the consoles are written: a list that held for none until then may have been removed meanwhile. */
  async confirm(): Promise<void> {
    if (this.rows.length > 0) await insertGrants(this.db, this.rows);
  }
}
