// SPDX-License-Identifier: Apache-2.0
// Opens a leg: chooses the way, has its prelude said, and puts TLS on top. The leg may still be connecting.
import type { EndSignal } from '../connection/end-signal.js';
import type { BackendTarget } from '../ipc.js';
import type { RelayBuffer } from '../relay/relay-buffer.js';
import type { Attempt } from './attempt.js';
import { runExchange, type Exchange } from './exchange.js';
import type { BackendLeg } from './leg.js';
import type { Route } from './route.js';
import { connectProxyRoute } from './routes/connect-proxy.js';
import { directRoute } from './routes/direct.js';
import { unixSocketRoute } from './routes/unix-socket.js';
import { SocketLeg } from './socket-leg.js';
import { backendTlsOptions } from './tls.js';

/** A leg, and what came of the backend's bytes already. */
export interface DialledLeg {
  readonly leg: BackendLeg;
  readonly early: Buffer;
}

const NOTHING = Buffer.alloc(0);

/**
 * The way that an attempt takes.
 * @throws BackendFailed `no_address`
 */
export function routeTo(target: BackendTarget, attempt: Attempt): Route {
  const { route } = target;
  switch (route?.kind) {
    case undefined:
      return directRoute(target, attempt);
    case 'connect_proxy':
      return connectProxyRoute(route, target, attempt);
    case 'unix_socket':
      return unixSocketRoute(route, target);
  }
}

/** What a leg is opened by. */
export interface Way {
  readonly route: Route;
  readonly attempt: Attempt;
  readonly target: BackendTarget;
  readonly buffers: RelayBuffer;
}

/** A leg on a way without a prelude: still connecting. @throws BackendFailed */
export function dial({ route, attempt, target, buffers }: Way): DialledLeg {
  const leg = attempt.tls
    ? SocketLeg.tls(route, backendTlsOptions(target, route.certifiedHost))
    : SocketLeg.plain(route, buffers);
  return { leg, early: NOTHING };
}

/**
 * A leg on which a prelude has been said.
 *
 * @param timeLeft milliseconds for it
 * @throws BackendFailed, and the fault that `signal` was raised with
 */
export async function dialThrough(
  prelude: Exchange<Buffer>,
  { route, attempt, target, buffers }: Way,
  signal: EndSignal,
  timeLeft: number,
): Promise<DialledLeg> {
  const options = attempt.tls ? backendTlsOptions(target, route.certifiedHost) : null;
  const leg = options === null ? SocketLeg.plain(route, buffers) : SocketLeg.raw(route);
  // Its bytes may lie in a buffer that is read into again.
  const early = Buffer.from(await runExchange(leg, prelude, signal, timeLeft));
  if (options === null) return { leg, early };
  return { leg: SocketLeg.tlsWithin(leg, early, options), early: NOTHING };
}
