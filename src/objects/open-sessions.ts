// SPDX-License-Identifier: Apache-2.0
// The list of sessions with open channels, as GET /session shows it.
import {
  listOpenConnections,
  listOpenSessionIds,
  type OpenSessionsOf,
} from '../db/api/console-connections.js';
import type { Database } from '../db/database.js';
import type { OpenSession } from './channel-types.js';
import { toOpenChannel } from './console-grant.js';
import { pageOf } from './page.js';
import type { Page, PageRequest } from './page.js';

/** Sessions with open channels, by session id; all, those on the consoles of one project, or those on consoles that somebody sees. */
export async function listOpenSessions(
  db: Database,
  page: PageRequest,
  of: OpenSessionsOf,
): Promise<Page<OpenSession>> {
  const ids = await listOpenSessionIds(db, of, page.marker ?? '', page.limit + 1);
  const shown = pageOf(
    ids,
    page.limit,
    (id) => id,
    (id) => id,
  );
  const sessions = new Map<string, OpenSession>();
  for (const row of await listOpenConnections(db, shown.items)) {
    const sessionId = row.session_id;
    const session = sessions.get(sessionId) ?? {
      sessionId,
      source: row.source ?? '',
      uuid: row.uuid ?? '',
      name: row.name,
      projectId: row.project_id,
      issuedTo: row.issued_to,
      channels: [],
    };
    session.channels.push(toOpenChannel(row));
    sessions.set(sessionId, session);
  }
  const items = shown.items.flatMap((id) => sessions.get(id) ?? []);
  return { items, next: shown.next };
}
