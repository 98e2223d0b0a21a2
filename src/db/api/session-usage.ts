// SPDX-License-Identifier: Apache-2.0
// The named query for the usage of one generation of a session: asked once, after it has ended. A raw statement: it
// sums over the channels of all nodes in one look.
import type { ConsoleRow } from '../models/console.js';
import type { ConsoleSessionRow } from '../models/console-session.js';
import type { ConsoleTokenRow } from '../models/console-token.js';
import type { ConsoleConnectionRow } from '../models/console-connection.js';
import type { Statements } from '../statements.js';

/** The main channel of a generation, its session, and the sums over all its channels on all nodes. */
export interface UsageRow
  extends
    Pick<ConsoleSessionRow, 'session_id' | 'source' | 'uuid'>,
    Pick<
      ConsoleConnectionRow,
      'node' | 'client_ip' | 'created' | 'connected' | 'closed' | 'duration' | 'reason'
    > {
  /** null: the token is gone already. */
  issued_to: ConsoleTokenRow['issued_to'] | null;
  project_id: ConsoleRow['project_id'];
  user_id: ConsoleRow['user_id'];
  channels: number;
  /** MariaDB gives sums as decimals in text. */
  bytes_up: number | string;
  bytes_down: number | string;
}

const SUM = (what: string): string =>
  `(SELECT ${what} FROM console_connections o WHERE o.session_id = m.session_id AND o.generation = m.generation)`;

const USAGE =
  'SELECT s.session_id, s.source, s.uuid, m.node, m.client_ip, m.created, m.connected, m.closed, m.duration, m.reason, ' +
  `t.issued_to, c.project_id, c.user_id, ${SUM('COUNT(*)')} AS channels, ` +
  `${SUM('COALESCE(SUM(o.bytes_up), 0)')} AS bytes_up, ${SUM('COALESCE(SUM(o.bytes_down), 0)')} AS bytes_down ` +
  'FROM console_connections m JOIN console_sessions s ON s.session_id = m.session_id ' +
  'LEFT JOIN console_tokens t ON t.session_id = m.session_id ' +
  'LEFT JOIN consoles c ON c.source = s.source AND c.uuid = s.uuid ' +
  'WHERE m.session_id = ? AND m.generation = ? AND m.channel_type = 1';

/** The usage of a generation of a session; null when its main channel has no row. */
export async function usageOf(
  db: Statements,
  sessionId: string,
  generation: number,
): Promise<UsageRow | null> {
  const rows = await db.query<UsageRow>(USAGE, [sessionId, generation]);
  return rows[0] ?? null;
}
