// SPDX-License-Identifier: Apache-2.0
// Live migrations of the guests behind sessions: what a client was told of one, whether it has gone over, and where static
// consoles are from then on. Every step is one conditional statement.
import {
  abandonMigration,
  announceMigration,
  endLeftGeneration,
  giveUpMigration,
  goOver,
  hypervisorsOf,
  leaveAbandoned,
  moveConsole,
  type MigratingMain,
  type MigrationNews,
  type MigrationOf,
} from '../db/api/session-migrations.js';
import { findSession } from '../db/api/console-sessions.js';
import { findConsoleRow } from '../db/api/consoles.js';
import type { Database } from '../db/database.js';
import { Conflict } from '../exception.js';
import { addressOf, holdsFor, migrationTargetIn, migrationTargetText } from './migration-target.js';
import type { MigrationTarget } from './migration-target.js';

export type { MigratingMain, MigrationNews, MigrationOf } from '../db/api/session-migrations.js';
export type { MigrationTarget } from './migration-target.js';

/** The migrations of this site's sessions. */
export class SessionMigrations {
  constructor(private readonly db: Database) {}

  /**
   * Writes down what the client is told, before it is told; gives the number of the migration.
   * @param target null: the platform is asked where its guest is
   * @throws Conflict when the session is over, or its main channel is another one by now
   */
  async announce(
    main: MigratingMain,
    console: { readonly source: string; readonly uuid: string },
    news: MigrationNews,
    target: MigrationTarget | null,
  ): Promise<number> {
    const text = await this.targetText(console, target);
    const number = await announceMigration(this.db, main, news, text);
    if (number === null)
      throw new Conflict(`session ${main.sessionId} was ended before its migration was announced`);
    return number;
  }

  /**
   * The guest has moved before its client was ready: the client is told to begin anew, in place of the migration of the number
   * `overtaken`. One statement, so that what the client opens meanwhile leads nowhere else. Gives the number of the new one;
   * null: that migration is over.
   * @throws Conflict when the console is gone
   */
  async overtake(
    main: MigratingMain,
    console: { readonly source: string; readonly uuid: string },
    overtaken: number,
    target: MigrationTarget | null,
  ): Promise<number | null> {
    const text = await this.targetText(console, target);
    return announceMigration(this.db, main, 'switched', text, overtaken);
  }

  /**
   * The client has gone over to the destination. Idempotent.
   * @throws Conflict when the migration was given up, or the session was terminated
   */
  async goOver(migration: MigrationOf, connectionRef: string): Promise<void> {
    if (await goOver(this.db, migration, connectionRef)) return;
    const row = await findSession(this.db, migration.sessionId);
    if (row?.main_ref === connectionRef && row.terminated_at === null) return;
    throw new Conflict(`the migration of session ${migration.sessionId} was given up`);
  }

  /** The migration does not come about; false: it did, or that was known. */
  async giveUp(migration: MigrationOf): Promise<boolean> {
    return giveUpMigration(this.db, migration);
  }

  /** The destination has failed while the client opens channels there; false: it does not, or that was known. */
  async abandon(migration: MigrationOf): Promise<boolean> {
    return abandonMigration(this.db, migration);
  }

  /** The client opens no more channels to the destination. Whether they lead anywhere. */
  async clientDone(migration: MigrationOf): Promise<boolean> {
    return !(await leaveAbandoned(this.db, migration));
  }

  /** The main channel of a generation that the session has left has ended: the rest of it must, too. */
  async left(sessionId: string, generation: number): Promise<void> {
    await endLeftGeneration(this.db, sessionId, generation);
  }

  private async targetText(
    { source, uuid }: { readonly source: string; readonly uuid: string },
    target: MigrationTarget | null,
  ): Promise<string | null> {
    const row = await findConsoleRow(this.db, source, uuid);
    if (row === null) throw new Conflict('the console is gone');
    return target === null ? null : migrationTargetText(target, row);
  }

  /** The names and addresses of the hypervisors of a source's consoles. */
  async hypervisors(source: string): Promise<string[]> {
    const rows = await hypervisorsOf(this.db, source);
    const all = rows.flatMap(({ hypervisor, hypervisor_ip }) => [hypervisor, hypervisor_ip]);
    return [...new Set(all.filter((name) => name !== ''))];
  }

  /**
   * Writes down that the console of a session is where the session was moved to, or where its client was told to come back to,
   * unless the records know a newer place; gives the columns that have changed.
   */
  async moveConsole(
    sessionId: string,
    { source, uuid }: { readonly source: string; readonly uuid: string },
  ): Promise<string[]> {
    const session = await findSession(this.db, sessionId);
    const comesBack = session?.migration_state === 'switched';
    const target = migrationTargetIn((comesBack ? session.migration_target : session?.target) ?? null);
    const row = await findConsoleRow(this.db, source, uuid);
    if (target === null || row === null || !holdsFor(target, row)) return [];
    const to = addressOf(target);
    const fields = (Object.keys(to) as (keyof typeof to)[]).filter((field) => row[field] !== to[field]);
    return (await moveConsole(this.db, { source, uuid }, row, to)) ? fields : [];
  }
}
