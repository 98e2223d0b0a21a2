// SPDX-License-Identifier: Apache-2.0
// Sessions with their open channels as JSON: one object, keyed by session id.
import type { OpenChannel, OpenSession } from '../../objects/console-session.js';

/** Sessions as JSON. */
export function viewSessions(sessions: readonly OpenSession[]): Record<string, unknown> {
  return Object.fromEntries(sessions.map((session) => [session.sessionId, viewSession(session)]));
}

function viewSession(session: OpenSession): Record<string, unknown> {
  return {
    source: session.source,
    uuid: session.uuid,
    name: session.name,
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
    channel_type: channel.channelType,
    channel_id: channel.channelId,
    session_id: channel.sessionId,
    connection_ref: channel.connectionRef,
  };
}
