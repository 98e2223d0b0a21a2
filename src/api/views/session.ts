// SPDX-License-Identifier: Apache-2.0
// Sessions with their open channels as JSON: one object, keyed by session id.
import { CHANNEL_NAMES } from '../../conf/channel-names.js';
import type { OpenChannel, OpenSession } from '../../objects/channel-types.js';

/** Sessions as JSON. */
export function viewSessions(sessions: readonly OpenSession[]): Record<string, unknown> {
  return Object.fromEntries(sessions.map((session) => [session.sessionId, viewSession(session)]));
}

function viewSession(session: OpenSession): Record<string, unknown> {
  return {
    source: session.source,
    uuid: session.uuid,
    name: session.name,
    issued_to: session.issuedTo,
    channels: session.channels.map(viewChannel),
  };
}

function viewChannel(channel: OpenChannel): Record<string, unknown> {
  return {
    id: channel.id,
    node: channel.node,
    pid: channel.pid,
    created: channel.created,
    client_ip: channel.clientIp,
    client_port: channel.clientPort,
    connection_id: channel.connectionId,
    channel_type: nameOf(channel.channelType),
    channel_id: channel.channelId,
    session_id: channel.sessionId,
    connection_ref: channel.connectionRef,
  };
}

/** What the original writes: the channel's name. A type without a name is refused long before it has a row. */
function nameOf(channelType: number): string {
  return CHANNEL_NAMES[channelType - 1] ?? String(channelType);
}
