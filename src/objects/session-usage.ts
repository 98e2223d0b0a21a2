// SPDX-License-Identifier: Apache-2.0
// The usage of a session that has ended: its owner, its duration and its traffic, over all nodes.
import { isLostWithNode } from '../db/api/session-recovery.js';
import { usageOf } from '../db/api/session-usage.js';
import type { Database } from '../db/database.js';
import type { SessionOwner } from './channel-types.js';

/** One generation of a session, from its main channel to the end of its last one. */
export interface SessionUsage {
  sessionId: string;
  generation: number;
  source: string;
  uuid: string;
  owner: SessionOwner;
  /** Node of the main channel. */
  node: string;
  clientIp: string;
  /** Epoch seconds; the clock of the main channel's node. */
  started: number;
  /** Epoch seconds; null while it runs. */
  ended: number | null;
  /** Seconds of the main channel. */
  duration: number;
  channels: number;
  /** Bytes client to backend, over the channels that have said so. */
  bytesUp: number;
  bytesDown: number;
  /** Why the main channel ended; null while it runs. */
  reason: string | null;
  /** The cluster has closed it for a node that was silent, not that node itself. */
  lostWithNode: boolean;
}

/** The usage of a generation of a session; null when it is unknown. */
export async function sessionUsage(
  db: Database,
  sessionId: string,
  generation: number,
): Promise<SessionUsage | null> {
  const row = await usageOf(db, sessionId, generation);
  if (row === null) return null;
  const { source, uuid, node, created, closed } = row;
  return {
    ...{ sessionId, generation, source, uuid, node },
    owner: { issuedTo: row.issued_to ?? '', projectId: row.project_id, userId: row.user_id },
    clientIp: row.client_ip,
    started: created,
    ended: closed,
    duration: row.duration ?? Math.max(0, (closed ?? created) - created),
    channels: row.channels,
    bytesUp: Number(row.bytes_up),
    bytesDown: Number(row.bytes_down),
    reason: row.reason,
    lostWithNode: isLostWithNode(row),
  };
}
