// SPDX-License-Identifier: Apache-2.0
// The backend step: dials the hypervisor by the transport policy, runs the client's side of the link stage with the
// client's own capabilities, and gives the linked leg. One deadline covers all attempts.
import { loggerFor } from '../../log.js';
import { missingCaps } from '../connection/advertised-caps.js';
import { DirectLeg } from './direct-leg.js';
import type { BackendLeg } from './leg.js';
import { linkBackend, type BackendLink } from './link.js';
import { firstRoute, nextRoute, type Route } from './route.js';
import type { ClientConnection } from '../connection/client-connection.js';
import { BackendFailed } from '../connection/ends.js';
import type { Grant } from '../ipc.js';
import type { ClientLink } from '../connection/link.js';
import type { WorkerContext } from '../connection/worker-context.js';

const log = loggerFor('kerbside.console.backend');

/** A backend that has accepted the channel. */
export interface Backend {
  readonly leg: BackendLeg;
  /** The backend's first messages, as far as they came with the link result. */
  readonly early: Buffer;
  /** The backend's capability words for the channel. */
  readonly channelCaps: readonly number[];
}

/**
 * A linked backend; reading is stopped until the relay starts.
 *
 * @throws BackendFailed by reason, within `backend_timeout`
 * @throws ConnectionEnded when the connection is ended meanwhile
 */
export async function openBackend(
  connection: ClientConnection,
  worker: WorkerContext,
  link: ClientLink,
  grant: Grant,
): Promise<Backend> {
  const startedAt = performance.now();
  const { backendTimeout, backendTransport } = worker.settings.proxy;
  let route: Route | null = firstRoute(grant.target, backendTransport);
  const tried: Route[] = [];
  for (;;) {
    tried.push(route);
    const left = backendTimeout * 1000 - (performance.now() - startedAt);
    try {
      connection.signal.throwIfAborted();
      const leg = dial(route, grant, worker);
      const reply = await linkBackend(leg, link, grant, connection.signal, left);
      connection.backend = leg;
      warnOfMissingCaps(link, grant, reply);
      const backendTime = (performance.now() - startedAt) / 1000;
      worker.control.note({ op: 'linked', connectionRef: grant.connectionRef, tls: leg.secure, backendTime });
      log.info('hypervisor connection successful; handing off to relay', {
        session: grant.sessionId,
        connection: grant.connectionRef,
        channel: link.message.channelType,
        tls: leg.secure,
      });
      return { leg, early: reply.rest, channelCaps: reply.channelCaps };
    } catch (error) {
      const next =
        error instanceof BackendFailed ? nextRoute(grant.target, backendTransport, tried, error) : null;
      if (error instanceof BackendFailed) error.triedAt = { address: route.host, port: route.port };
      if (next === null) throw error;
      route = next;
    }
  }
}

function dial(route: Route, grant: Grant, worker: WorkerContext): BackendLeg {
  return route.tls
    ? DirectLeg.tls(route.host, route.port, grant.target)
    : DirectLeg.plain(route.host, route.port, worker.buffer);
}

/** The client was shown a usual server's capabilities before its backend was known. */
function warnOfMissingCaps(link: ClientLink, grant: Grant, reply: BackendLink): void {
  const missing = missingCaps(link.message.channelType, reply.channelCaps);
  if (missing.length === 0) return;
  log.warning('the backend lacks capabilities that the client was offered', {
    session: grant.sessionId,
    connection: grant.connectionRef,
    channel: link.message.channelType,
    bits: missing.join(','),
  });
}
