// SPDX-License-Identifier: Apache-2.0
// Sessions of a node that is taken for dead, and may come back. A dead node's channels are closed in the records; a node that
// was only cut off reopens those that still run, except those whose session went on without them.
import { closeLost, listOwnConnections } from '../db/api/console-connections.js';
import type { OwnConnection } from '../db/api/console-connections.js';
import {
  auditLostNode,
  closeLostConnections,
  NODE_LOST,
  reclaimMain,
  releaseLostMains,
  reopenMain,
  reopenOthers,
  viewForRecovery,
} from '../db/api/session-recovery.js';
import type { RecoveryRow } from '../db/api/session-recovery.js';
import type { Database } from '../db/database.js';
import { DuplicateRow } from '../db/faults.js';
import { NODE_AUDIT } from './audit-message.js';
import type { LiveRecord, LostConnection, Recovery } from './channel-types.js';
import { isReplaced } from './concurrent-sessions.js';
import { MAIN_CHANNEL } from './console-session-state.js';

/**
 * The decision about a channel that still runs: `open`, the records say so; `reopen`; `wait`, its main channel is on
 * another node that is down too and may come back; `lost`, its session is over or went on without it.
 */
export type RecoveryVerdict = 'open' | 'reopen' | 'wait' | 'lost';

/** Decides about one channel of `node`. @param row undefined: there is no record of it any more */
export function recoveryVerdict(
  node: string,
  channel: LiveRecord,
  row: RecoveryRow | undefined,
): RecoveryVerdict {
  if (row === undefined || row.state === null || row.state === 'closed') return 'lost';
  if (row.terminated_at !== null || row.generation !== channel.generation) return 'lost';
  return channel.channelType === MAIN_CHANNEL ? mainVerdict(channel, row) : otherVerdict(node, row);
}

function mainVerdict(channel: LiveRecord, row: RecoveryRow): RecoveryVerdict {
  if (row.main_ref === channel.connectionRef)
    return row.closed === null && !hasEnded(row) ? 'open' : 'reopen';
  if (!isGivenUp(row)) return 'lost';
  // A session that has lost channels on other nodes is broken: it is better to end it.
  return row.ended_elsewhere > 0 ? 'lost' : 'reopen';
}

function otherVerdict(node: string, row: RecoveryRow): RecoveryVerdict {
  if (row.state === 'active' && !hasEnded(row)) return row.closed === null ? 'open' : 'reopen';
  return isGivenUp(row) && row.main_node !== node ? 'wait' : 'lost';
}

function hasEnded({ generation, ended_generation }: RecoveryRow): boolean {
  return (ended_generation ?? 0) >= (generation ?? 0);
}

// By the cluster, for a node that was silent; not by the node itself, and not for the sake of the instance.
function isGivenUp(row: RecoveryRow): boolean {
  return row.main_ref === null && row.state !== 'active' && row.session_reason === NODE_LOST;
}

/** Puts the channels of `node` that still run back into the records. `now`: epoch seconds. */
export async function recoverChannels(
  db: Database,
  node: string,
  live: readonly LiveRecord[],
  now: number,
): Promise<Recovery> {
  const done: Recovery = { reopened: [], waiting: [], lost: [] };
  const mains = live.filter(({ channelType }) => channelType === MAIN_CHANNEL);
  const others = live.filter(({ channelType }) => channelType !== MAIN_CHANNEL);
  const reopen = async (channel: LiveRecord): Promise<boolean> => reopenOne(db, channel, now);
  // The main channels first: the others depend on them.
  await recoverEach({ db, node, reopen }, mains, done);
  await recoverEach({ db, node, reopen }, others, done);
  return done;
}

async function recoverEach(
  at: { db: Database; node: string; reopen: (channel: LiveRecord) => Promise<boolean> },
  channels: readonly LiveRecord[],
  done: Recovery,
): Promise<void> {
  const refs = channels.map(({ connectionRef }) => connectionRef);
  const views = await viewForRecovery(at.db, at.node, refs);
  const rows = new Map(views.map((row) => [row.connection_ref, row]));
  for (const channel of channels) {
    const { connectionRef, sessionId } = channel;
    const row = rows.get(connectionRef);
    let verdict = recoveryVerdict(at.node, channel, row);
    if (verdict === 'reopen' && !(await at.reopen(channel))) verdict = 'lost';
    if (verdict === 'reopen') done.reopened.push(connectionRef);
    if (verdict === 'wait') done.waiting.push(connectionRef);
    if (verdict === 'lost') {
      const terminated = (row?.terminated_at ?? null) !== null;
      const why = terminated && isReplaced(row?.session_reason ?? null) ? ({ replaced: true } as const) : {};
      done.lost.push({ connectionRef, sessionId, terminated, ...why });
    }
  }
}

// The row comes before the claim: a claim without an open row could not be found again after a crash.
async function reopenOne(db: Database, channel: LiveRecord, now: number): Promise<boolean> {
  const { connectionRef, sessionId, generation } = channel;
  if (channel.channelType !== MAIN_CHANNEL)
    return (await reopenOthers(db, sessionId, generation, [connectionRef])) > 0;
  await reopenMain(db, connectionRef);
  if (await reclaimMain(db, channel).catch(heldByAnother)) return true;
  await closeLost(db, [connectionRef], NODE_LOST, now);
  return false;
}

/** Another session has the console now. */
function heldByAnother(error: unknown): false {
  if (error instanceof DuplicateRow) return false;
  throw error;
}

/**
 * Closes what a node left open, as long as none of its proxies is up, and says so in the audit trail; gives what was
 * open. When a process dies in the middle, the next one finds the rest by the open rows.
 *
 * @param service the program that found the node down
 * @param now epoch seconds
 */
export async function closeNodeRecords(
  db: Database,
  node: string,
  service: string | null,
  now: number,
): Promise<LostConnection[]> {
  const rows = await listOwnConnections(db, node, null);
  const refs = rows.map(({ connection_ref }) => connection_ref);
  const mains = rows.filter(({ channel_type }) => channel_type === MAIN_CHANNEL);
  await releaseLostMains(
    db,
    node,
    mains.map(({ connection_ref }) => connection_ref),
    now,
  );
  await auditLostNode(db, { node, service, message: NODE_AUDIT.lost });
  if ((await closeLostConnections(db, node, refs, now)) === 0) return [];
  return rows.map(toLostConnection);
}

/** An open connection of a process that is gone. */
export function toLostConnection(row: OwnConnection): LostConnection {
  return {
    connectionRef: row.connection_ref,
    sessionId: row.session_id,
    generation: row.generation,
    channelType: row.channel_type,
    channelId: row.channel_id,
    source: row.source ?? '',
    uuid: row.uuid ?? '',
    clientIp: row.client_ip,
    issuedTo: row.issued_to,
  };
}
