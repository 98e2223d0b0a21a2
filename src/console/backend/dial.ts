// SPDX-License-Identifier: Apache-2.0
// Opens a leg: chooses the way, has its prelude said, and puts TLS on top. The leg may still be connecting.
import { inTenths } from '../../net/deadline.js';
import type { EndSignal } from '../connection/end-signal.js';
import { BackendFailed } from '../connection/ends.js';
import type { LegStream } from '../connection/leg-stream.js';
import type { BackendTarget } from '../ipc.js';
import type { RelayBuffer } from '../relay/relay-buffer.js';
import type { Attempt } from './attempt.js';
import { runExchange, type Exchange } from './exchange.js';
import type { BackendLeg } from './leg.js';
import type { Route, StreamRoute } from './route.js';
import { connectProxyRoute } from './routes/connect-proxy.js';
import { directRoute } from './routes/direct.js';
import { sshRoute } from './routes/ssh.js';
import { unixSocketRoute } from './routes/unix-socket.js';
import { webSocketRoute } from './routes/websocket.js';
import { SocketLeg } from './socket-leg.js';
import { StreamLeg } from './stream-leg.js';
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
export function routeTo(target: BackendTarget, attempt: Attempt): Route | StreamRoute {
  const { route } = target;
  switch (route?.kind) {
    case undefined:
      return directRoute(target, attempt);
    case 'connect_proxy':
      return connectProxyRoute(route, target, attempt);
    case 'unix_socket':
      return unixSocketRoute(route, target);
    case 'ssh':
      return sshRoute(route, target, attempt);
    case 'websocket':
      return webSocketRoute(route);
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
    : clearLeg(route, attempt, buffers);
  return { leg, early: NOTHING };
}

/** A leg without TLS, or without it as yet. */
function clearLeg(route: Route, { upgrades }: Attempt, buffers: RelayBuffer): SocketLeg {
  return upgrades === true ? SocketLeg.raw(route) : SocketLeg.plain(route, buffers);
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
  const leg = options === null ? clearLeg(route, attempt, buffers) : SocketLeg.raw(route);
  // Its bytes may lie in a buffer that is read into again.
  const early = Buffer.from(await runExchange(leg, prelude, signal, timeLeft));
  if (options === null) return { leg, early };
  return { leg: SocketLeg.tlsWithin(leg, early, options), early: NOTHING };
}

/**
 * A leg within a stream that the route opens.
 *
 * @param timeLeft milliseconds for it
 * @throws BackendFailed, and the fault that `signal` was raised with
 */
export async function dialWithin(
  { route, attempt, target }: Omit<Way, 'route' | 'buffers'> & { readonly route: StreamRoute },
  signal: EndSignal,
  timeLeft: number,
): Promise<DialledLeg> {
  const options = attempt.tls ? backendTlsOptions(target, route.certifiedHost) : null;
  const stream = await opened(route, signal, timeLeft);
  if (options === null) return { leg: new StreamLeg(stream, route), early: NOTHING };
  return { leg: SocketLeg.tlsOver(stream, options), early: NOTHING };
}

/** The stream of a route in time; one that comes later is closed. */
function opened(route: StreamRoute, signal: EndSignal, timeLeft: number): Promise<LegStream> {
  const ended = new AbortController();
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      clearTimeout(deadline);
      signal.removeEventListener('abort', onAbort);
      act();
    };
    const giveUp = (fault: Error): void => {
      settle(() => reject(fault));
      ended.abort();
    };
    const onAbort = (): void => giveUp(signal.reason ?? new BackendFailed('reset', 'the connection ended'));
    const deadline = setTimeout(
      () => giveUp(new BackendFailed('timed_out', 'no way to the hypervisor in time')),
      inTenths(timeLeft),
    );
    signal.addEventListener('abort', onAbort);
    route.open(ended.signal).then(
      (stream) => {
        // Until its leg is there: an error without a listener would end the process.
        stream.on('error', () => undefined);
        if (ended.signal.aborted) stream.destroy();
        else settle(() => resolve(stream));
      },
      (error: unknown) => settle(() => reject(error instanceof Error ? error : new Error(String(error)))),
    );
  });
}
