// SPDX-License-Identifier: Apache-2.0
// Sessions and connections in /v1.
import { CHANNEL_NAMES } from '../../../conf/channel-names.js';
import type { ListedConnection, ListedSession } from '../../../objects/inventory.js';
import { selfLink } from './links.js';
import { isoTime } from './time.js';

/** A session. @param base of the API @param recorded whether it is recorded; absent: it is one of many, or was not asked for */
export function viewSession(
  session: ListedSession,
  base: string,
  recorded?: boolean,
): Record<string, unknown> {
  return {
    id: session.session_id,
    source: session.source,
    instance_uuid: session.uuid,
    name: session.name,
    project_id: session.project_id,
    state: session.state,
    issued_to: session.issued_to,
    created_at: isoTime(session.created),
    expires_at: isoTime(session.expires),
    terminated_at: isoTime(session.terminated_at),
    closed_at: isoTime(session.closed),
    reason: session.reason,
    ...(recorded === undefined ? {} : { recorded }),
    links: [selfLink(`${base}/v1/sessions/${session.session_id}`)],
  };
}

/** A connection. Only those who run the cloud see the node that serves it. */
export function viewConnection(connection: ListedConnection, node: boolean): Record<string, unknown> {
  return {
    id: connection.id,
    connection_ref: connection.connection_ref,
    session_id: connection.session_id,
    source: connection.source,
    instance_uuid: connection.uuid,
    name: connection.name,
    project_id: connection.project_id,
    channel: CHANNEL_NAMES[connection.channel_type - 1] ?? null,
    channel_type: connection.channel_type,
    channel_id: connection.channel_id,
    state: connection.state,
    client_ip: connection.client_ip,
    client_port: connection.client_port,
    node: node ? connection.node : null,
    pid: node ? connection.pid : null,
    created_at: isoTime(connection.created),
    connected_at: isoTime(connection.connected),
    closed_at: isoTime(connection.closed),
    bytes_up: connection.bytes_up,
    bytes_down: connection.bytes_down,
    duration: connection.duration,
    reason: connection.reason,
  };
}
