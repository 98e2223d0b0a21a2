// SPDX-License-Identifier: Apache-2.0
// The backend step: reaches the hypervisor by the transport policy, runs the client's side of the link stage with the
// client's own capabilities, and gives the linked leg. One deadline covers all attempts.
import { loggerFor } from '../../log.js';
import { missingCaps } from '../connection/advertised-caps.js';
import { firstAttempt, nextAttempt, type Attempt, type BackendTransport } from './attempt.js';
import { dial, dialThrough, dialWithin, routeTo, type DialledLeg } from './dial.js';
import { linkRfb } from '../rfb/backend-handshake.js';
import type { BackendLeg } from './leg.js';
import { linkBackend, type BackendLink } from './link.js';
import type { ClientConnection } from '../connection/client-connection.js';
import { BackendFailed, ConnectionEnded } from '../connection/ends.js';
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
  const reaching = new Reaching(connection, worker, link, grant);
  for (;;) {
    try {
      return await reaching.tryOnce();
    } catch (error) {
      if (!(error instanceof BackendFailed) || !(await reaching.goOn(error))) throw error;
    }
  }
}

/** Whether another ticket may mend a failure, where tickets are made for channels. */
function isOfItsTicket({ reason, closeReason }: BackendFailed): boolean {
  return reason === 'wrong_ticket' || closeReason === 'connect proxy refused (401)';
}

/** How often another ticket is asked for: more than one node may carry channels of a console, each with its own. */
const MAX_MINTS = 3;

/** The tries to reach one backend. */
class Reaching {
  private readonly startedAt = performance.now();
  private grant: Grant;
  private attempt: Attempt;
  private tried: Attempt[] = [];
  private mints = 0;

  constructor(
    private readonly connection: ClientConnection,
    private readonly worker: WorkerContext,
    private readonly link: ClientLink,
    grant: Grant,
  ) {
    this.grant = grant;
    this.attempt = firstAttempt(grant.target, this.policy);
  }

  /** @throws BackendFailed, ConnectionEnded */
  async tryOnce(): Promise<Backend> {
    const { connection, grant, attempt } = this;
    const { signal } = connection;
    this.tried.push(attempt);
    signal.throwIfAborted();
    const route = routeTo(grant.target, attempt);
    try {
      // Nothing is awaited where nothing has to be: an error of a socket without a listener ends the process.
      const dialling = this.dial(route);
      const dialled = dialling instanceof Promise ? await dialling : dialling;
      const backend =
        grant.target.protocol === 'vnc'
          ? await this.linkVnc(dialled, route.certifiedHost)
          : await this.linkSpice(dialled);
      connection.backend = backend.leg;
      this.report(backend.leg);
      return backend;
    } catch (error) {
      if (error instanceof BackendFailed) error.triedAt = route.shown;
      throw error;
    }
  }

  private async linkSpice(dialled: DialledLeg): Promise<Backend> {
    const { connection, link, grant } = this;
    const reply = await linkBackend(dialled, link, grant, connection.signal, this.timeLeft);
    warnOfMissingCaps(link, grant, reply);
    return { leg: dialled.leg, early: reply.rest, channelCaps: reply.channelCaps };
  }

  private async linkVnc(dialled: DialledLeg, certifiedHost: string): Promise<Backend> {
    const { connection, worker, grant } = this;
    const { target } = grant;
    const { settings } = worker;
    const timeLeft = (): number => this.timeLeft;
    const linked = await linkRfb(dialled, {
      target,
      certifiedHost,
      settings,
      signal: connection.signal,
      timeLeft,
    });
    return { ...linked, channelCaps: [] };
  }

  private dial(route: ReturnType<typeof routeTo>): DialledLeg | Promise<DialledLeg> {
    const { connection, worker, grant, attempt } = this;
    const { signal } = connection;
    const to = { attempt, target: grant.target };
    if ('open' in route) return dialWithin({ ...to, route }, signal, this.timeLeft);
    const way = { ...to, route, buffers: worker.buffer };
    const { prelude } = route;
    return prelude === undefined ? dial(way) : dialThrough(prelude, way, signal, this.timeLeft);
  }

  /** Prepares another try; false: there is none. @throws ConnectionEnded when there is no ticket for it */
  async goOn(failure: BackendFailed): Promise<boolean> {
    const next = nextAttempt(this.grant.target, this.policy, this.tried, failure);
    if (next !== null) {
      this.attempt = next;
      return true;
    }
    return this.remint(failure);
  }

  private async remint(failure: BackendFailed): Promise<boolean> {
    const { connectionRef, mint } = this.grant;
    if (mint === null || !isOfItsTicket(failure) || this.mints === MAX_MINTS) return false;
    this.mints += 1;
    const reply = await this.worker.control.request({ op: 'mint', connectionRef, refused: mint });
    if (reply.kind === 'not_minted') throw ConnectionEnded.of(reply.reason, reply.why);
    this.grant = { ...this.grant, target: reply.target, mint: reply.mint };
    this.attempt = firstAttempt(reply.target, this.policy);
    this.tried = [];
    return this.timeLeft > 0;
  }

  private get policy(): BackendTransport {
    return this.worker.settings.proxy.backendTransport;
  }

  private get timeLeft(): number {
    return this.worker.settings.proxy.backendTimeout * 1000 - (performance.now() - this.startedAt);
  }

  private report(leg: BackendLeg): void {
    const { connectionRef, sessionId } = this.grant;
    const backendTime = (performance.now() - this.startedAt) / 1000;
    this.worker.control.note({ op: 'linked', connectionRef, tls: leg.secure, backendTime });
    log.info('hypervisor connection successful; handing off to relay', {
      session: sessionId,
      connection: connectionRef,
      channel: this.link.message.channelType,
      tls: leg.secure,
    });
  }
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
