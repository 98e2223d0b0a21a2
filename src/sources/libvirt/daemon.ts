// SPDX-License-Identifier: Apache-2.0
// One libvirt daemon: a connection that is made when something is asked, kept while it is used or watched, and made again after a fault.
// Logs in, opens the QEMU driver, and has the daemon tell of its guests where somebody watches.
import { Unavailable } from '../../exception.js';
import { signalWithin, unlessAborted } from '../../net/deadline.js';
import { systemTimers, type Timers } from '../../net/timers.js';
import {
  allDomains,
  AUTH,
  authTypes,
  connectOpenArgs,
  domainGetXmlDescArgs,
  domainLookupByUuidArgs,
  ERROR,
  EVENT,
  eventDomain,
  FEATURE_KEEPALIVE,
  LIST_ACTIVE,
  listAllDomainsArgs,
  oneDomain,
  PROCEDURE,
  registerAnyArgs,
  supportsFeatureArgs,
  xmlDesc,
  XML_SECURE,
  type Domain,
} from './remote.js';
import { LibvirtRefused, RpcConnection } from './rpc-connection.js';
import { LoginRefused, type Transport } from './transport.js';
import { XdrFault } from './xdr.js';

/** Who is told of changes. */
export interface Watcher {
  /** A guest has started, stopped, moved, or been renamed. */
  changed(uuid: string): void;
  /** The daemon tells from now on: what happened before is not known. */
  begun(): void;
  /** It tells no more. */
  ended(): void;
}

/** What is asked of a daemon, and how. */
export interface DaemonOptions {
  readonly transport: Pick<Transport, 'open'>;
  /** The URI of the driver that it opens. */
  readonly driver: string;
  readonly readOnly: boolean;
  /** What an operator does where the daemon wants a login by SASL, for faults. */
  readonly withoutSasl: string;
  /** Who is asked, for faults. */
  readonly place: string;
  /** For the waits between connections; default: the machine's own. */
  readonly timers?: Timers;
}

/** Milliseconds for a connection, with login. */
const CONNECT_MS = 10_000;
/** Milliseconds after the last question after which an unwatched connection is closed. */
const IDLE_MS = 20_000;
/** Milliseconds for which a refused login is not tried again. */
const REFUSAL_MS = 10_000;
/** Milliseconds before a watched connection is made again: at first, and at most; one that lasted so long was a good one. */
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
const STEADY_MS = 10_000;
const NOTHING = Buffer.alloc(0);

/** One daemon. */
export class LibvirtDaemon {
  private connecting: Promise<RpcConnection> | null = null;
  private idle: NodeJS.Timeout | undefined;
  private refusal: { readonly fault: LoginRefused; readonly until: number } | null = null;
  private watcher: Watcher | null = null;

  constructor(private readonly options: DaemonOptions) {}

  /** The guests that run. @throws Unavailable */
  async running(signal: AbortSignal): Promise<Domain[]> {
    const payload = await this.call(PROCEDURE.connectListAllDomains, listAllDomainsArgs(LIST_ACTIVE), signal);
    return this.read(() => allDomains(payload));
  }

  /** A guest; null: there is none. @throws Unavailable */
  async find(uuid: string, signal: AbortSignal): Promise<Domain | null> {
    try {
      const payload = await this.call(PROCEDURE.domainLookupByUuid, domainLookupByUuidArgs(uuid), signal);
      return this.read(() => oneDomain(payload));
    } catch (error) {
      if (error instanceof LibvirtRefused && error.code === ERROR.noDomain) return null;
      throw error;
    }
  }

  /** The description of a guest; null: it is gone. @param secure with passwords @throws Unavailable */
  async describe(domain: Domain, secure: boolean, signal: AbortSignal): Promise<string | null> {
    const args = domainGetXmlDescArgs(domain, secure ? XML_SECURE : 0);
    try {
      const payload = await this.call(PROCEDURE.domainGetXmlDesc, args, signal);
      return this.read(() => xmlDesc(payload));
    } catch (error) {
      if (error instanceof LibvirtRefused && error.code === ERROR.noDomain) return null;
      throw error;
    }
  }

  /**
   * Tells `watcher` of changes until the signal fires; connects again, ever more seldom, as often as it takes. What is asked meanwhile
   * goes by the same connection. Never rejects.
   */
  async watch(watcher: Watcher, signal: AbortSignal): Promise<void> {
    const { timers = systemTimers } = this.options;
    this.watcher = watcher;
    this.drop();
    let wait = FIRST_WAIT_MS;
    let fault = '';
    while (!signal.aborted) {
      const began = timers.now();
      try {
        const connection = await this.inTime(this.connection(), signal);
        fault = '';
        await unlessAborted(connection.closed, signal);
      } catch (error) {
        const { message } = error as Error;
        // Whoever asks is told the same; a new fault is a reason to ask.
        if (message !== fault) watcher.ended();
        fault = message;
      }
      if (timers.now() - began > STEADY_MS) wait = FIRST_WAIT_MS;
      await passed(wait, timers, signal);
      wait = Math.min(2 * wait, LONGEST_WAIT_MS);
    }
    this.watcher = null;
    this.drop();
  }

  private drop(): void {
    const { connecting } = this;
    this.connecting = null;
    void connecting?.then(
      (connection) => connection.close(),
      () => undefined,
    );
  }

  private async call(procedure: number, args: Buffer, signal: AbortSignal): Promise<Buffer> {
    const connection = await this.inTime(this.connection(), signal);
    clearTimeout(this.idle);
    try {
      return await connection.call(procedure, args, signal);
    } finally {
      if (this.watcher === null) {
        this.idle = globalThis.setTimeout(() => connection.close(), IDLE_MS);
        this.idle.unref();
      }
    }
  }

  private connection(): Promise<RpcConnection> {
    if (this.connecting !== null) return this.connecting;
    if (this.refusal !== null && performance.now() < this.refusal.until)
      return Promise.reject(this.refusal.fault);
    const connecting = this.connect();
    this.connecting = connecting;
    void connecting.then(
      (connection) => connection.closed.then(() => this.forget(connecting)),
      () => this.forget(connecting),
    );
    connecting.catch((error: unknown) => {
      if (error instanceof LoginRefused)
        this.refusal = { fault: error, until: performance.now() + REFUSAL_MS };
    });
    return connecting;
  }

  private forget(connecting: Promise<RpcConnection>): void {
    if (this.connecting === connecting) this.connecting = null;
  }

  private async connect(): Promise<RpcConnection> {
    const { transport, driver, readOnly, place } = this.options;
    const { watcher } = this;
    const signal = signalWithin(CONNECT_MS);
    const stream = await transport.open(readOnly, signal);
    const connection = new RpcConnection(stream, place, (payload) =>
      watcher?.changed(eventDomain(payload).uuid),
    );
    try {
      await this.logIn(connection, signal);
      await connection.call(PROCEDURE.connectOpen, connectOpenArgs(driver, readOnly), signal);
      if (watcher !== null)
        for (const event of Object.values(EVENT)) await this.register(connection, event, signal);
      // Asked for last: from then on the daemon expects answers to its pings.
      await connection.call(PROCEDURE.connectSupportsFeature, supportsFeatureArgs(FEATURE_KEEPALIVE), signal);
    } catch (error) {
      connection.close();
      throw error;
    }
    watcher?.begun();
    void connection.closed.then(() => watcher?.ended());
    return connection;
  }

  private async logIn(connection: RpcConnection, signal: AbortSignal): Promise<void> {
    const { place, withoutSasl } = this.options;
    const answer = await connection.call(PROCEDURE.authList, NOTHING, signal);
    const types = this.read(() => authTypes(answer));
    if (types.length === 0 || types.includes(AUTH.none)) return;
    if (!types.includes(AUTH.polkit))
      throw new LoginRefused(`${place} wants a login by SASL, which Kerbside does not have; ${withoutSasl}`);
    try {
      await connection.call(PROCEDURE.authPolkit, NOTHING, signal);
    } catch (error) {
      if (!(error instanceof LibvirtRefused)) throw error;
      throw new LoginRefused(
        `${error.message}; give the account the polkit right org.libvirt.unix.manage, by a rule in /etc/polkit-1/rules.d, or name the read-only socket, for which org.libvirt.unix.monitor is enough`,
      );
    }
  }

  /** An event that an older daemon does not know is done without. */
  private async register(connection: RpcConnection, event: number, signal: AbortSignal): Promise<void> {
    try {
      await connection.call(PROCEDURE.connectDomainEventCallbackRegisterAny, registerAnyArgs(event), signal);
    } catch (error) {
      if (!(error instanceof LibvirtRefused) || event === EVENT.lifecycle) throw error;
    }
  }

  private read<T>(decode: () => T): T {
    try {
      return decode();
    } catch (error) {
      if (!(error instanceof XdrFault)) throw error;
      throw new Unavailable(
        `${this.options.place} sent an answer that cannot be read: ${error.message}; see whether uri leads to a libvirt daemon`,
      );
    }
  }

  private async inTime<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    const outcome = await unlessAborted(
      work.then((value) => ({ value })),
      signal,
    );
    if (outcome === null)
      throw new Unavailable(
        `${this.options.place} did not answer in time; see whether it is overloaded or hangs`,
      );
    return outcome.value;
  }
}

/** Resolves after so many milliseconds, or when the signal fires. */
async function passed(milliseconds: number, timers: Timers, signal: AbortSignal): Promise<void> {
  let callOff: () => void = () => undefined;
  await unlessAborted(
    new Promise<void>((resolve) => (callOff = timers.after(milliseconds, resolve))),
    signal,
  );
  callOff();
}
