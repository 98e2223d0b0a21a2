// SPDX-License-Identifier: Apache-2.0
// Named queries about who holds a console: the session that is the only one it may have. Raw statements: a console is taken
// by one conditional UPDATE, and the unique index on it decides between any number of them at the same moment, on any number
// of nodes.
import type { ConsoleRow } from '../models/console.js';
import type { ConsoleTokenRow } from '../models/console-token.js';
import { databaseNow, placeholders } from '../statements.js';
import type { Statements } from '../statements.js';

/** The session that holds a console. */
export interface HolderRow {
  session_id: string;
  /** null: its token is gone. */
  issued_to: ConsoleTokenRow['issued_to'] | null;
}

/** Who holds a console; null: nobody. */
export async function holderOf(db: Statements, source: string, uuid: string): Promise<HolderRow | null> {
  const rows = await db.query<HolderRow>(
    'SELECT s.session_id, t.issued_to FROM console_sessions s LEFT JOIN console_tokens t ON t.session_id = s.session_id ' +
      'WHERE s.source = ? AND s.uuid = ? AND s.holds = 1',
    [source, uuid],
  );
  return rows[0] ?? null;
}

/**
 * A session takes its console, for the main channel that has the claim; false: that one has ended, or the session was
 * terminated.
 * @throws DuplicateRow when another session holds it
 */
export async function takeConsole(db: Statements, sessionId: string, mainRef: string): Promise<boolean> {
  // COALESCE keeps MySQL from walking, and locking, the index of main_ref.
  const taken = await db.execute(
    `UPDATE console_sessions SET holds = 1, updated_at = ${databaseNow(db.dialect)} ` +
      "WHERE session_id = ? AND COALESCE(main_ref, '') = ? AND terminated_at IS NULL",
    [sessionId, mainRef],
  );
  return taken > 0;
}

/** Whether a channel of one of these sessions is still open. */
export async function anyOpen(db: Statements, sessionIds: readonly string[]): Promise<boolean> {
  const rows = await db.query(
    `SELECT 1 FROM console_connections WHERE closed IS NULL AND session_id IN (${placeholders(sessionIds.length)}) LIMIT 1`,
    sessionIds,
  );
  return rows.length > 0;
}

/** What is set for a console, and who holds it. */
export interface ConsoleUseRow {
  settings: ConsoleRow['settings'];
  /** null: its source says nothing, or is unknown. */
  source_settings: string | null;
  /** null: nobody. */
  held_by: string | null;
}

/** What is set for a console, and who holds it; null: there is no such console. */
export async function viewConsoleUse(
  db: Statements,
  source: string,
  uuid: string,
): Promise<ConsoleUseRow | null> {
  const rows = await db.query<ConsoleUseRow>(
    'SELECT c.settings, o.settings AS source_settings, (SELECT h.session_id FROM console_sessions h ' +
      'WHERE h.source = c.source AND h.uuid = c.uuid AND h.holds = 1) AS held_by ' +
      'FROM consoles c LEFT JOIN sources o ON o.name = c.source WHERE c.source = ? AND c.uuid = ?',
    [source, uuid],
  );
  return rows[0] ?? null;
}
