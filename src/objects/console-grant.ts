// SPDX-License-Identifier: Apache-2.0
// From what was asked and what is known to rows and answers: the plain translations of console-session.ts.
import { randomUUID } from 'node:crypto';
import type { NewConnection, OpenConnectionRow } from '../db/api/console-connections.js';
import type { TokenView } from '../db/api/console-tokens.js';
import type { Database } from '../db/database.js';
import type { ConnectInfo } from './connect-info.js';
import { toConnectInfo } from './console-row.js';
import { holdsFor, migrationTargetIn, movedTo } from './migration-target.js';
import { ChannelInDoubt } from './channel-types.js';
import type {
  ChannelGrant,
  ChannelDenial,
  ChannelMigration,
  ChannelRequest,
  ConsoleHold,
  OpenChannel,
} from './channel-types.js';
import { MAIN_CHANNEL } from './console-session-state.js';
import type { DenialReason } from './console-session-state.js';
import { narrowest, settingsIn, type SessionOwnSettings } from './own-settings.js';
import { fingerprintOfHash } from './console-token.js';

/** The row of a channel that is about to be admitted. */
export function newConnection(
  view: Pick<TokenView, 'session_id'>,
  request: ChannelRequest,
  generation: number,
  now: number,
): NewConnection {
  return {
    connection_ref: randomUUID(),
    session_id: view.session_id,
    generation,
    node: request.node,
    pid: request.pid,
    created: now,
    client_ip: request.clientIp,
    client_port: request.clientPort,
    connection_id: request.connectionId === 0 ? null : request.connectionId,
    channel_type: request.channelType,
    channel_id: request.channelId,
    migration: null,
  };
}

/** The answer for a channel whose row is written. */
export function grant(
  view: TokenView,
  row: NewConnection,
  {
    connectInfo,
    migration,
    hold,
  }: {
    readonly connectInfo: ConnectInfo;
    readonly migration: ChannelMigration | null;
    readonly hold: ConsoleHold;
  },
  hash: string,
): ChannelGrant {
  const isNew = row.channel_type === MAIN_CHANNEL && migration?.kind !== 'destination';
  return {
    kind: 'granted',
    connectionRef: row.connection_ref,
    sessionId: view.session_id,
    generation: row.generation,
    proxyConnectionId: row.connection_id ?? 0,
    backendConnectionId: isNew ? 0 : (view.backend_connection_id ?? 0),
    source: view.source,
    uuid: view.uuid,
    name: view.name ?? view.uuid,
    tokenFingerprint: fingerprintOfHash(hash),
    owner: { issuedTo: view.issued_to, projectId: view.project_id, userId: view.user_id },
    connectInfo,
    platform: view.source_type ?? '',
    settings: settingsOf(view),
    migration,
    hold,
  };
}

/** The migration that a channel comes of that may be opened; null: it comes of none. */
export function migrationOf(
  view: Pick<TokenView, 'migration_number' | 'migration_state' | 'migration_target'>,
  { channelType, connectionId }: Pick<ChannelRequest, 'channelType' | 'connectionId'>,
): ChannelMigration | null {
  const { migration_number: number, migration_state: state } = view;
  if (number === null || state === null) return null;
  const unplaced = view.migration_target === null;
  if (channelType !== MAIN_CHANNEL)
    return state === 'linked' ? { number, kind: 'destination', unplaced } : null;
  if (state === 'switched') return { number, kind: 'return', unplaced };
  return state === 'announced' && connectionId !== 0 ? { number, kind: 'destination', unplaced } : null;
}

/** Where a channel leads: to the destination of its migration, to that of an earlier one, or where the console is. */
export function targetOf(db: Database, view: TokenView, migration: ChannelMigration | null): ConnectInfo {
  const info = toConnectInfo(db, view);
  if (migration !== null) {
    const target = migrationTargetIn(view.migration_target);
    return target === null ? info : movedTo(info, target);
  }
  const target = migrationTargetIn(view.target);
  return target === null || !holdsFor(target, view) ? info : movedTo(info, target);
}

/** The answer for a channel that must not be opened. */
export function denial(view: TokenView, reason: DenialReason): ChannelDenial {
  const { source, uuid, session_id: sessionId, issued_to: issuedTo } = view;
  const name = view.console_uuid === null ? null : (view.name ?? uuid);
  return { kind: 'denied', reason, source, uuid, name, sessionId, issuedTo, settings: settingsOf(view) };
}

/** What the console of a token, or else its source, says for itself. */
function settingsOf(view: TokenView): SessionOwnSettings {
  const { source, project_id: projectId } = view;
  return narrowest(settingsIn(view.settings), settingsIn(view.source_settings), { source, projectId });
}

/** An open channel as GET /session shows it. */
export function toOpenChannel(row: OpenConnectionRow): OpenChannel {
  return {
    id: row.id,
    node: row.node,
    pid: row.pid,
    created: row.created,
    clientIp: row.client_ip,
    clientPort: row.client_port,
    connectionId: row.connection_id,
    channelType: row.channel_type,
    channelId: row.channel_id,
    sessionId: row.session_id,
    connectionRef: row.connection_ref,
  };
}

/** Why a channel is denied whose place was taken between two statements. */
export function lostRace(request: ChannelRequest): DenialReason {
  return request.channelType === MAIN_CHANNEL ? 'token_in_use' : 'main_required';
}

/**
 * What ends the undoing of a row that may or may not have been written. Of two errors the first one counts.
 *
 * @throws ChannelInDoubt when called
 */
export function inDoubt({ connection_ref }: NewConnection, error: unknown): () => never {
  return () => {
    throw new ChannelInDoubt(connection_ref, error as Error);
  };
}
