// SPDX-License-Identifier: Apache-2.0
// The close step: the one place where a connection ends. It answers the client as far as a stranger may know,
// closes both legs, and reports the end to the control plane.
import { loggerFor } from '../../log.js';
import { destroyAfter } from '../../net/deadline.js';
import type { ClientConnection } from './client-connection.js';
import { BackendFailed, ConnectionEnded, LinkRefused, StageFailed } from './ends.js';
import type { CloseReason } from '../../close-reason.js';
import type { LegStream } from './leg-stream.js';
import type { Grant } from '../ipc.js';
import { CHANNEL } from '../spice/constants.js';
import { ProtocolError } from '../spice/errors.js';
import type { WorkerContext } from './worker-context.js';

const log = loggerFor('kerbside.console.close');

/** A leg that has not taken its last bytes after this many milliseconds is cut. */
const LINGER_MS = 1000;
/** The same where the backend ended and what it sent last is on its way: a slow link needs its time. */
const LAST_BYTES_LINGER_MS = 10_000;

/** Ends a connection for the reason `fault`. */
export function close(connection: ClientConnection, worker: WorkerContext, fault: unknown): void {
  worker.trafficCounter.count(connection);
  finish(connection, answerTo(fault), fault);
  report(connection, worker, fault);
  // Last: when no connection is left, the worker reports to the supervisor that nothing more comes from it.
  worker.registry.remove(connection);
}

/**
 * For how long the backend's leg of an open main channel stays, unread, when its client is kept: a SPICE server ends all
 * channels with the main one, and other workers must have ended theirs by the order, not by that.
 */
const MAIN_STAYS_MS = 300;

/** Ends what a connection is to everybody but its client: the backend's leg, its session, its records. */
export function record(connection: ClientConnection, worker: WorkerContext, fault: unknown): void {
  worker.trafficCounter.count(connection);
  const { backend, channelType, traffic } = connection;
  const leadsNowhere = fault instanceof ConnectionEnded && fault.reason === 'migration cancelled';
  if (channelType === CHANNEL.main && traffic?.untouched === false && !leadsNowhere)
    setTimeout(() => backend?.end(LINGER_MS), MAIN_STAYS_MS);
  else backend?.end(LINGER_MS);
  report(connection, worker, fault);
  connection.traffic = null;
  worker.registry.leave(connection);
}

/** Ends what {@link record} has left: the client's leg. */
export function closeClient(connection: ClientConnection, worker: WorkerContext): void {
  endClient(connection.client, LINGER_MS);
  worker.registry.remove(connection);
}

function report(connection: ClientConnection, worker: WorkerContext, fault: unknown): void {
  const { grant } = connection;
  if (grant === null) reportRefusal(connection, worker, fault);
  else reportClose(connection, grant, worker, fault);
}

function reportClose(
  connection: ClientConnection,
  grant: Grant,
  worker: WorkerContext,
  fault: unknown,
): void {
  const { traffic } = connection;
  if (fault instanceof BackendFailed) {
    const { connectionRef } = grant;
    worker.control.note({ op: 'backend_failed', connectionRef, reason: fault.reason, detail: fault.detail });
    log.warning(`hypervisor connection failed: ${fault.detail}`, {
      session: grant.sessionId,
      connection: connectionRef,
      source: grant.source,
      console: grant.uuid,
      ...fault.triedAt,
      reason: fault.reason,
    });
  }
  const reason = reasonOf(fault);
  const end = {
    connectionRef: grant.connectionRef,
    reason,
    bytesUp: traffic?.bytesUp ?? 0,
    bytesDown: traffic?.bytesDown ?? 0,
    duration: connection.age(),
  };
  const { control } = worker;
  const note = {
    op: 'closed',
    ...end,
    verdicts: traffic?.verdicts() ?? [],
    policyDrops: traffic?.policyDrops() ?? [],
    pacing: traffic?.pacing() ?? null,
  } as const;
  // A session is free again once its main channel has ended: its user may come back at once, on another worker.
  if (connection.channelType === CHANNEL.main) control.noteAtOnce(note);
  else control.note(note);
  logClose(connection, fault, end);
}

/** Sends the answer, lets queued bytes go out, then closes both legs. */
function finish(connection: ClientConnection, answer: Buffer | null, fault: unknown): void {
  const { client, backend } = connection;
  if (answer !== null && client.writable) client.write(answer);
  if (fault instanceof ConnectionEnded && fault.reason === 'client stopped reading') client.destroy();
  else endClient(client, sentItsLast(fault) ? LAST_BYTES_LINGER_MS : LINGER_MS);
  backend?.end(LINGER_MS);
}

/** Reads on until the client closes too: unread bytes would turn the end into a reset, and the answer be lost. */
function endClient(client: LegStream, linger: number): void {
  if (client.destroyed) return;
  destroyAfter(client, linger);
  if (client.readableEnded) {
    client.destroySoon();
    return;
  }
  client.end();
  client.resume();
}

function sentItsLast(fault: unknown): boolean {
  return fault instanceof ConnectionEnded && fault.reason === 'backend closed';
}

/**
 * What the client hears last. A failed backend or control plane: nothing, because any result but OK makes a client ask
 * its user for another password.
 */
function answerTo(fault: unknown): Buffer | null {
  return fault instanceof LinkRefused ? fault.answer : null;
}

function reportRefusal(connection: ClientConnection, worker: WorkerContext, fault: unknown): void {
  const { clientIp } = connection;
  if (fault instanceof LinkRefused) {
    worker.control.note({ op: 'refused', reason: fault.reason, clientIp });
    log.info('connection refused', {
      client: clientIp,
      reason: fault.reason,
      detail: fault.detail,
      session: fault.sessionId,
    });
    return;
  }
  const reason = reasonOf(fault);
  if (isHealthCheck(connection, fault)) {
    log.debug('health check of a load balancer', { client: clientIp });
    return;
  }
  worker.control.note({ op: 'refused', reason: reason.replaceAll(' ', '_'), clientIp });
  if (isOurs(fault)) {
    log.error('connection ended by an unexpected fault before it was authorized', {
      client: clientIp,
      detail: detailOf(fault),
      stack: (fault as Error).stack,
    });
    return;
  }
  log.info('connection ended before it was authorized', {
    client: clientIp,
    reason,
    detail: detailOf(fault),
  });
}

/** A load balancer that has tried TLS and closes before the first byte of SPICE. */
function isHealthCheck({ peer, channelType }: ClientConnection, fault: unknown): boolean {
  return peer.balancer && channelType === 0 && fault instanceof ConnectionEnded;
}

function logClose(
  connection: ClientConnection,
  fault: unknown,
  end: { reason: CloseReason; bytesUp: number; bytesDown: number; duration: number },
): void {
  const fields = {
    session: connection.grant?.sessionId,
    connection: connection.grant?.connectionRef,
    client: connection.clientIp,
    reason: end.reason,
    detail: detailOf(fault),
    bytes_up: end.bytesUp,
    bytes_down: end.bytesDown,
    duration: Number(end.duration.toFixed(3)),
  };
  if (fault instanceof ConnectionEnded && fault.reason === 'terminated by request') {
    log.info('session terminated by control plane', fields);
  } else if (isOurs(fault)) {
    log.error('connection closed by an unexpected fault', { ...fields, stack: stackOf(fault) });
  } else {
    log.info('connection closed', fields);
  }
}

function reasonOf(fault: unknown): CloseReason {
  if (fault instanceof ConnectionEnded) return fault.reason;
  if (fault instanceof BackendFailed) return fault.closeReason;
  if (fault instanceof ProtocolError) return 'backend broke the protocol';
  if (fault instanceof StageFailed) return `relay stage failed: ${fault.stage}`;
  return 'control plane failed';
}

function detailOf(fault: unknown): string | undefined {
  if (fault instanceof ConnectionEnded || fault instanceof BackendFailed)
    return fault.detail === '' ? undefined : fault.detail;
  return fault instanceof Error ? fault.message : undefined;
}

/** Where a fault of ours came about: of a stage's, within the stage. */
function stackOf(fault: unknown): string | undefined {
  const origin = fault instanceof StageFailed ? fault.cause : fault;
  return origin instanceof Error ? origin.stack : undefined;
}

function isOurs(fault: unknown): boolean {
  return fault instanceof Error && !(fault instanceof ConnectionEnded) && !(fault instanceof BackendFailed);
}
