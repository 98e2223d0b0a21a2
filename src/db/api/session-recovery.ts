// SPDX-License-Identifier: Apache-2.0
// Named queries with which a node that had been taken for dead makes its records true again, and those with which the
// records of a dead node are closed. Raw statements: each decides by its own conditions: both sides may be at work at
// the same moment.
import type { CloseReason } from '../../close-reason.js';
import type { ConsoleConnectionRow } from '../models/console-connection.js';
import type { ConsoleSessionRow } from '../models/console-session.js';
import { mayMove, moveState } from '../models/session-state.js';
import { batches, databaseNow, placeholders } from '../statements.js';
import type { Statements } from '../statements.js';
import { RELEASE } from './console-sessions.js';
import { DOWN_SINCE, NO_PROXY_UP } from './services.js';

const BATCH = 500;
/** The reasons of connections whose node went silent, and of those that another node ended with their main channel. */
export const NODE_LOST = 'node lost' satisfies CloseReason;
const MAIN_ENDED = 'main channel closed' satisfies CloseReason;

/** A connection, its session, and what became of the other channels of that main channel. */
export interface RecoveryRow extends Pick<ConsoleConnectionRow, 'connection_ref' | 'closed'> {
  /** null: the session is gone. */
  state: ConsoleSessionRow['state'] | null;
  generation: number | null;
  ended_generation: number | null;
  main_ref: string | null;
  terminated_at: number | null;
  /** NODE_LOST: the claim on the main channel was given up for a node that was taken for dead. */
  session_reason: string | null;
  /** Where the main channel of this generation is or was. */
  main_node: string | null;
  /** Channels of this generation that another node ended because the main channel was lost. */
  ended_elsewhere: number;
}

/** What the records say of the channels `refs` of a node; those without a row are left out. */
export async function viewForRecovery(
  db: Statements,
  node: string,
  refs: readonly string[],
): Promise<RecoveryRow[]> {
  const found: RecoveryRow[] = [];
  for (const batch of batches(refs, BATCH)) {
    const rows = await db.query<RecoveryRow>(
      'SELECT c.connection_ref, c.closed, s.state, s.generation, s.ended_generation, s.main_ref, s.terminated_at, ' +
        's.reason AS session_reason, m.node AS main_node, ' +
        '(SELECT COUNT(*) FROM console_connections o WHERE o.session_id = c.session_id AND o.generation = c.generation ' +
        'AND o.node <> ? AND o.reason = ?) AS ended_elsewhere ' +
        'FROM console_connections c LEFT JOIN console_sessions s ON s.session_id = c.session_id ' +
        'LEFT JOIN console_connections m ON m.session_id = c.session_id AND m.generation = c.generation AND m.channel_type = 1 ' +
        `WHERE c.connection_ref IN (${placeholders(batch.length)})`,
      [node, MAIN_ENDED, ...batch],
    );
    found.push(...rows);
  }
  return found;
}

const REOPEN =
  "UPDATE console_connections SET state = CASE WHEN connected IS NULL THEN 'authorized' ELSE 'connected' END, " +
  'closed = NULL, reason = NULL, bytes_up = NULL, bytes_down = NULL, duration = NULL WHERE closed IS NOT NULL';

/** Whether a connection was closed for a node that was silent. Every other writer gives a duration, or another reason. */
export function isLostWithNode({
  reason,
  duration,
}: Pick<ConsoleConnectionRow, 'duration' | 'reason'>): boolean {
  return reason === NODE_LOST && duration === null;
}

/** closed -> open again, for a main channel that takes its claim back afterwards. */
export async function reopenMain(db: Statements, ref: string): Promise<void> {
  await db.execute(`${REOPEN} AND connection_ref = ?`, [ref]);
}

/**
 * The main channel takes its claim back, and its console where it held it, unless its session went on without it; true too
 * when it has the claim.
 * @throws DuplicateRow when another session holds the console now
 */
export async function reclaimMain(
  db: Statements,
  main: {
    readonly sessionId: string;
    readonly generation: number;
    readonly connectionRef: string;
    readonly established: boolean;
    readonly holds: boolean;
  },
): Promise<boolean> {
  // What had not come up yet is put back as it was: its MAIN_INIT is still to come.
  const up = main.established ? `closing_since = NULL, ${moveState('establish')}, ` : '';
  const matched = await db.execute(
    `UPDATE console_sessions SET ${up}reason = NULL, main_ref = ?, holds = ?, ended_generation = generation - 1, ` +
      `updated_at = ${databaseNow(db.dialect)} ` +
      'WHERE session_id = ? AND generation = ? AND terminated_at IS NULL ' +
      // COALESCE keeps MySQL from walking, and locking, the index of main_ref.
      `AND (COALESCE(main_ref, '') = ? OR (COALESCE(main_ref, '') = '' AND reason = ? AND ${mayMove('establish')}))`,
    [
      ...[main.connectionRef, main.holds ? 1 : null],
      ...[main.sessionId, main.generation, main.connectionRef, NODE_LOST],
    ],
  );
  return matched > 0;
}

/** closed -> open again, for channels whose session is active in their generation; gives how many are open now. */
export async function reopenOthers(
  db: Statements,
  sessionId: string,
  generation: number,
  refs: readonly string[],
): Promise<number> {
  let reopened = 0;
  for (const batch of batches(refs, BATCH)) {
    reopened += await db.execute(
      `${REOPEN} AND connection_ref IN (${placeholders(batch.length)}) AND EXISTS (SELECT 1 FROM console_sessions s ` +
        `WHERE s.session_id = ? AND s.generation = ? AND s.${moveState('establish')} AND s.terminated_at IS NULL ` +
        'AND s.ended_generation < s.generation)',
      [...batch, sessionId, generation],
    );
  }
  return reopened;
}

/** The claims of main channels of a node none of whose proxies is up are given up. */
export async function releaseLostMains(
  db: Statements,
  node: string,
  refs: readonly string[],
  now: number,
): Promise<void> {
  for (const batch of batches(refs, BATCH)) {
    await db.execute(
      `UPDATE console_sessions SET ${RELEASE}, main_ref = NULL, holds = NULL, ` +
        `ended_generation = generation, reason = ?, updated_at = ${databaseNow(db.dialect)} ` +
        `WHERE main_ref IN (${placeholders(batch.length)}) AND ${NO_PROXY_UP}`,
      [now, NODE_LOST, ...batch, node],
    );
  }
}

/** Closes connections of a node none of whose proxies is up; gives how many. */
export async function closeLostConnections(
  db: Statements,
  node: string,
  refs: readonly string[],
  now: number,
): Promise<number> {
  let closed = 0;
  for (const batch of batches(refs, BATCH)) {
    closed += await db.execute(
      "UPDATE console_connections SET state = 'closed', closed = ?, reason = ? " +
        `WHERE closed IS NULL AND connection_ref IN (${placeholders(batch.length)}) AND ${NO_PROXY_UP}`,
      [now, NODE_LOST, ...batch, node],
    );
  }
  return closed;
}

/**
 * Appends `message` to the audit trail of each session with an open connection on a node none of whose proxies is up,
 * with its user and the address of its main channel there, or else of another one:
 * once for each time that the node goes down, however often this is called. The event carries the instant at which the
 * node was found down, which names the loss: were it the time of the call, a later loss would be taken for one that is
 * recorded already when it is found at the same tick, or after the database's clock was set back.
 */
export async function auditLostNode(
  db: Statements,
  {
    node,
    service,
    message,
  }: { readonly node: string; readonly service: string | null; readonly message: string },
): Promise<void> {
  await db.execute(
    'INSERT INTO audit_events (source, uuid, timestamp, session_id, node, message, service, requested_by, issued_to, ' +
      'client_ip) ' +
      `SELECT s.source, s.uuid, ${DOWN_SINCE}, c.session_id, c.node, ?, ?, 'service', MIN(t.issued_to), ` +
      'COALESCE(MAX(CASE WHEN c.channel_type = 1 THEN c.client_ip END), MAX(c.client_ip)) ' +
      'FROM console_connections c JOIN console_sessions s ON s.session_id = c.session_id ' +
      'LEFT JOIN console_tokens t ON t.session_id = c.session_id ' +
      `WHERE c.node = ? AND c.closed IS NULL AND ${NO_PROXY_UP} AND NOT EXISTS (SELECT 1 FROM audit_events a ` +
      'WHERE a.source = s.source AND a.uuid = s.uuid AND a.session_id = c.session_id AND a.node = c.node ' +
      `AND a.message = ? AND a.timestamp = ${DOWN_SINCE}) ` +
      'GROUP BY c.session_id, s.source, s.uuid, c.node',
    [node, message, service, node, node, message, node],
  );
}
