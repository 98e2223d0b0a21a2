// SPDX-License-Identifier: Apache-2.0
// Named queries about live migrations of the guests behind sessions. Raw statements: each step is one conditional UPDATE by the
// number of the migration and by what was done of it, so that none is taken twice, whoever asks on whatever node.
import type { ConsoleRow } from '../models/console.js';
import type { ConsoleSessionRow } from '../models/console-session.js';
import { mayMove, moveState, SESSION_MOVES } from '../models/session-state.js';
import { databaseNow } from '../statements.js';
import type { SqlValue, Statements } from '../statements.js';

/** What a client is told of a migration: it may open channels to the destination, or it comes back to begin anew. */
export type MigrationNews = 'announced' | 'switched';

/** A main channel that tells of a migration. */
export interface MigratingMain {
  readonly sessionId: string;
  readonly generation: number;
  readonly connectionRef: string;
}

/** Which migration of a session. */
export interface MigrationOf {
  readonly sessionId: string;
  readonly number: number;
}

/** A claim on a main channel that comes of a migration. */
export interface MigrationClaim extends MigrationOf {
  /** That of the session now. */
  readonly generation: number;
  readonly connectionRef: string;
}

/**
 * Writes down what the client is told; gives the number of the migration, null: the main channel is not the session's.
 *
 * @param overtaken the number of the migration that this takes the place of, which must not be over; absent: of whatever it is
 */
export async function announceMigration(
  db: Statements,
  { sessionId, generation, connectionRef }: MigratingMain,
  news: MigrationNews,
  target: string | null,
  overtaken?: number,
): Promise<number | null> {
  const only =
    overtaken === undefined
      ? { sql: '', values: [] }
      : {
          sql: " AND migration_number = ? AND migration_state IN ('announced', 'linked')",
          values: [overtaken],
        };
  // COALESCE keeps MySQL from walking, and locking, the index of main_ref.
  const matched = await db.execute(
    'UPDATE console_sessions SET migration_number = COALESCE(migration_number, 0) + 1, migration_state = ?, ' +
      `migration_target = ?, migration_ref = NULL, updated_at = ${databaseNow(db.dialect)}, ${moveState('announce')} ` +
      "WHERE session_id = ? AND generation = ? AND COALESCE(main_ref, '') = ? AND terminated_at IS NULL " +
      `AND ${mayMove('announce')}${only.sql}`,
    [news, target, sessionId, generation, connectionRef, ...only.values],
  );
  if (matched === 0) return null;
  const [row] = await db.query<Pick<ConsoleSessionRow, 'migration_number'>>(
    'SELECT migration_number FROM console_sessions WHERE session_id = ?',
    [sessionId],
  );
  return row?.migration_number ?? null;
}

/** The client's new main channel, after it was told to begin anew: the old one's channels end. One of many calls gives true. */
export async function claimReturn(
  db: Statements,
  claim: MigrationClaim & {
    readonly connectionId: number;
    readonly graceStart: number;
    readonly holds: boolean;
  },
  now: number,
): Promise<boolean> {
  const matched = await db.execute(
    'UPDATE console_sessions SET ended_generation = ?, generation = ?, main_ref = ?, connection_id = ?, holds = ?, reason = NULL, ' +
      `target = migration_target, migration_state = NULL, updated_at = ${databaseNow(db.dialect)} ` +
      ', closing_since = COALESCE(closing_since, ?)' +
      `, ${moveState('return')} WHERE session_id = ? AND generation = ? AND migration_number = ? ` +
      `AND migration_state = 'switched' AND terminated_at IS NULL AND ${mayMove('return')} ` +
      "AND (state <> 'closing' OR closing_since >= ?)",
    [
      ...[
        claim.generation,
        claim.generation + 1,
        claim.connectionRef,
        claim.connectionId,
        claim.holds ? 1 : null,
        now,
      ],
      ...[claim.sessionId, claim.generation, claim.number, claim.graceStart],
    ],
  );
  return matched > 0;
}

/** The client's main channel to the destination, while the one to the source lives. One of many calls gives true. */
export async function claimDestination(db: Statements, claim: MigrationClaim): Promise<boolean> {
  const matched = await db.execute(
    `UPDATE console_sessions SET migration_ref = ?, migration_state = 'linked', updated_at = ${databaseNow(db.dialect)} ` +
      "WHERE session_id = ? AND generation = ? AND migration_number = ? AND migration_state = 'announced' " +
      `AND terminated_at IS NULL AND ${mayMove('stay')}`,
    [claim.connectionRef, claim.sessionId, claim.generation, claim.number],
  );
  return matched > 0;
}

/** The client has gone over to the destination: its main channel there is the session's. */
export async function goOver(
  db: Statements,
  { sessionId, number }: MigrationOf,
  connectionRef: string,
): Promise<boolean> {
  const matched = await db.execute(
    'UPDATE console_sessions SET generation = generation + 1, main_ref = migration_ref, target = migration_target, ' +
      `closing_since = NULL, updated_at = ${databaseNow(db.dialect)}, ${moveState('goOver')}, migration_state = NULL ` +
      "WHERE session_id = ? AND migration_number = ? AND migration_state = 'linked' AND migration_ref = ? " +
      `AND terminated_at IS NULL AND ${mayMove('goOver')}`,
    [sessionId, number, connectionRef],
  );
  return matched > 0;
}

/** A migration that was announced does not come about; false: it did, or was given up before. */
export async function giveUpMigration(db: Statements, { sessionId, number }: MigrationOf): Promise<boolean> {
  const { to } = SESSION_MOVES.stay;
  const matched = await db.execute(
    `UPDATE console_sessions SET state = CASE WHEN ${mayMove('stay')} THEN '${to}' ELSE state END, migration_state = NULL, ` +
      `migration_ref = NULL, updated_at = ${databaseNow(db.dialect)} ` +
      "WHERE session_id = ? AND migration_number = ? AND migration_state IN ('announced', 'linked')",
    [sessionId, number],
  );
  return matched > 0;
}

/** The destination has failed, and the client may be opening channels there: they lead nowhere. False: it does not any more. */
export async function abandonMigration(db: Statements, { sessionId, number }: MigrationOf): Promise<boolean> {
  const matched = await db.execute(
    `UPDATE console_sessions SET migration_state = 'abandoned', updated_at = ${databaseNow(db.dialect)} ` +
      "WHERE session_id = ? AND migration_number = ? AND migration_state = 'linked'",
    [sessionId, number],
  );
  return matched > 0;
}

/** The client opens no more channels to a destination that has failed; false: it has not, or that was known. */
export async function leaveAbandoned(db: Statements, { sessionId, number }: MigrationOf): Promise<boolean> {
  const { to } = SESSION_MOVES.stay;
  const matched = await db.execute(
    `UPDATE console_sessions SET state = CASE WHEN ${mayMove('stay')} THEN '${to}' ELSE state END, migration_state = NULL, ` +
      `migration_ref = NULL, updated_at = ${databaseNow(db.dialect)} ` +
      "WHERE session_id = ? AND migration_number = ? AND migration_state = 'abandoned'",
    [sessionId, number],
  );
  return matched > 0;
}

/** The channels of a generation that the session has left by a migration must end, wherever they are. */
export async function endLeftGeneration(
  db: Statements,
  sessionId: string,
  generation: number,
): Promise<void> {
  await db.execute(
    `UPDATE console_sessions SET ended_generation = ?, updated_at = ${databaseNow(db.dialect)} ` +
      'WHERE session_id = ? AND generation > ? AND ended_generation < ?',
    [generation, sessionId, generation, generation],
  );
}

/** The names and addresses of the hypervisors that consoles of a source are on; both may be empty. */
export function hypervisorsOf(
  db: Statements,
  source: string,
): Promise<Pick<ConsoleRow, 'hypervisor' | 'hypervisor_ip'>[]> {
  return db.query('SELECT DISTINCT hypervisor, hypervisor_ip FROM consoles WHERE source = ?', [source]);
}

/** The address of a console. */
export type ConsoleAddress = Pick<
  ConsoleRow,
  'hypervisor' | 'hypervisor_ip' | 'insecure_port' | 'secure_port'
>;

/** Gives a console another address, unless it has one that is not `from` any more. */
export async function moveConsole(
  db: Statements,
  console: { readonly source: string; readonly uuid: string },
  from: ConsoleAddress,
  to: ConsoleAddress & Pick<ConsoleRow, 'host_subject'>,
): Promise<boolean> {
  const before: SqlValue[] = [from.hypervisor, from.hypervisor_ip, from.insecure_port, from.secure_port];
  const matched = await db.execute(
    'UPDATE consoles SET hypervisor = ?, hypervisor_ip = ?, insecure_port = ?, secure_port = ?, host_subject = ?, ' +
      'unix_socket = NULL WHERE source = ? AND uuid = ? AND hypervisor = ? AND hypervisor_ip = ? ' +
      'AND COALESCE(insecure_port, 0) = COALESCE(?, 0) AND COALESCE(secure_port, 0) = COALESCE(?, 0)',
    [
      ...[to.hypervisor, to.hypervisor_ip, to.insecure_port, to.secure_port, to.host_subject],
      ...[console.source, console.uuid, ...before],
    ],
  );
  return matched > 0;
}
