// SPDX-License-Identifier: Apache-2.0
// The payloads of Kerbside's own notifications as versioned objects, serialised as oslo.versionedobjects does it with the
// prefix `kerbside_object`. Nothing in them is a secret: no token, no ticket, no password, no address of a hypervisor.
import type { SessionOwner } from '../../objects/channel-types.js';
import type { Requester } from '../../objects/requester.js';
import type { SessionUsage } from '../../objects/session-usage.js';

/** A versioned object. */
export type VersionedPayload = Readonly<{
  'kerbside_object.name': string;
  'kerbside_object.namespace': 'kerbside';
  'kerbside_object.version': string;
  'kerbside_object.data': Readonly<Record<string, string | number | null>>;
}>;

/** A session whose main channel is up. */
export interface StartedSession {
  readonly sessionId: string;
  readonly generation: number;
  readonly source: string;
  readonly uuid: string;
  readonly owner: SessionOwner;
  readonly node: string;
  readonly clientIp: string;
  /** Epoch seconds. */
  readonly started: number;
}

/** Sessions that were terminated. */
export interface Termination {
  readonly source: string;
  readonly uuid: string;
  readonly sessionIds: readonly string[];
  readonly by: Requester;
  readonly reason: string;
  readonly node: string;
}

/** A client was refused a console. */
export interface RefusedConsole {
  /** One of the words of the metric kerbside_proxy_refused_total. */
  readonly reason: string;
  /** null: the token is unknown. */
  readonly source: string | null;
  readonly uuid: string | null;
  readonly sessionId: string | null;
  /** Whose token it was, or who asked for a direct file. */
  readonly issuedTo: string | null;
  readonly clientIp: string;
  readonly node: string;
}

/** A source that fails, or works again. */
export interface SourceCondition {
  readonly source: string;
  /** In one line; null: it works again. */
  readonly fault: string | null;
  readonly node: string;
}

const LONGEST_TEXT = 1024;

/** SessionPayload: `kerbside.session.start`. */
export function sessionPayload(session: StartedSession): VersionedPayload {
  return versioned('SessionPayload', '1.0', sessionData(session));
}

/** SessionEndPayload: `kerbside.session.end`. */
export function sessionEndPayload(usage: SessionUsage): VersionedPayload {
  return versioned('SessionEndPayload', '1.0', {
    ...sessionData(usage),
    ended_at: usage.ended === null ? null : isoTime(usage.ended),
    duration: Number(usage.duration.toFixed(3)),
    channels: usage.channels,
    bytes_up: usage.bytesUp,
    bytes_down: usage.bytesDown,
    reason: usage.reason,
  });
}

/** SessionTerminatePayload: `kerbside.session.terminate`, for one of the sessions. */
export function sessionTerminatePayload(sessionId: string, termination: Termination): VersionedPayload {
  const { source, uuid, by, reason, node } = termination;
  const user = by.kind === 'user' ? by : null;
  return versioned('SessionTerminatePayload', '1.1', {
    ...{ session_id: sessionId, source, uuid, node, reason },
    requested_by: by.kind,
    request_user: 'name' in by ? by.name : null,
    request_user_id: user?.userId ?? null,
    request_project_id: user?.projectId ?? null,
    request_id: user?.requestId ?? null,
    request_address: user?.address ?? null,
  });
}

/**
 * ConsoleRefusedPayload: `kerbside.console.refused`.
 *
 * @param suppressed refusals since the last notification that none was sent for
 */
export function consoleRefusedPayload(refused: RefusedConsole, suppressed: number): VersionedPayload {
  const { reason, source, uuid, sessionId, issuedTo, clientIp, node } = refused;
  return versioned('ConsoleRefusedPayload', '1.1', {
    ...{ reason, source, uuid, node, suppressed },
    session_id: sessionId,
    issued_to: issuedTo,
    client_address: clientIp,
  });
}

/** SourcePayload: `kerbside.source.error` and `kerbside.source.recovered`. */
export function sourcePayload({ source, fault, node }: SourceCondition): VersionedPayload {
  return versioned('SourcePayload', '1.0', {
    ...{ source, node },
    error: fault?.slice(0, LONGEST_TEXT) ?? null,
  });
}

function sessionData(session: StartedSession): Record<string, string | number | null> {
  const { sessionId, generation, source, uuid, owner, node, clientIp, started } = session;
  return {
    ...{ session_id: sessionId, generation, source, uuid, node },
    project_id: owner.projectId,
    user_id: owner.userId,
    issued_to: owner.issuedTo,
    client_address: clientIp,
    started_at: isoTime(started),
  };
}

function versioned(
  name: string,
  version: string,
  data: Readonly<Record<string, string | number | null>>,
): VersionedPayload {
  return {
    'kerbside_object.name': name,
    'kerbside_object.namespace': 'kerbside',
    'kerbside_object.version': version,
    'kerbside_object.data': data,
  };
}

/** `2026-11-21T09:41:00Z`, as oslo.versionedobjects writes times. */
function isoTime(epochSeconds: number): string {
  return `${new Date(epochSeconds * 1000).toISOString().slice(0, 19)}Z`;
}
