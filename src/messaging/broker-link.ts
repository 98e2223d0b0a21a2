// SPDX-License-Identifier: Apache-2.0
// Keeps one use of the broker alive: a connection, a channel on it, and what the use declares there. After a failure it
// makes a new channel, or a new connection to the next host when that is lost, with a pause before each. It logs once that
// messaging is interrupted, once for each further reason, and once that it is restored.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConfirmChannel } from 'amqplib';
import { loggerFor } from '../log.js';
import { doneWithin, withDeadline } from '../net/deadline.js';
import { Backoff } from './backoff.js';
import { BrokerFault, describeFault } from './broker-fault.js';
import { connectTo, destroyConnection } from './connect.js';
import type { Connection } from './connect.js';
import { HostOrder } from './host-order.js';
import type { BrokerHost, BrokerTarget } from './transport-url.js';

/** What the broker is used for. */
export interface BrokerUse {
  /** Names the use in the log: `fanout`. */
  readonly name: string;
  /**
   * Declares, binds, consumes. A rejection is logged and tried again later.
   *
   * @param channel with publisher confirms; new each time
   * @param connection for further channels, which declarations that may fail need
   * @param lose to be called when the channel cannot be used any more
   */
  open(channel: ConfirmChannel, connection: Connection, lose: (fault: BrokerFault) => void): Promise<void>;
  /** The channel is gone: nothing may be sent until the next open. */
  lost(): void;
  /** An attempt to connect or to open has failed. */
  failed?(): void;
  /** The broker accepts no messages (true), or accepts them again. */
  blocked?(blocked: boolean): void;
}

/** The state of a link. */
export interface LinkStatus {
  readonly connected: boolean;
  /** Why it is not connected, or why nothing can be sent; null: no fault. */
  readonly fault: string | null;
}

const OPEN_MS = 15_000;
const CLOSE_MS = 1_000;
/** A channel that lasted for less counts as a failure: the next pause grows, and nothing is logged as restored. */
const STABLE_MS = 5_000;
/** Different reasons of one outage that are logged. */
const MAX_REASONS = 16;

const log = loggerFor('kerbside.messaging');

/** The broker does not answer: the connection must be replaced. */
class NoAnswer extends BrokerFault {}

/** One use of the broker, from start() to close(). */
export class BrokerLink {
  private readonly hosts: HostOrder<BrokerHost>;
  private readonly backoff: Backoff;
  private readonly stop = new AbortController();
  private connection: Connection | undefined;
  private running: Promise<void> | undefined;
  private connected = false;
  private fault: string | null = 'not connected yet';
  private blockedBy: string | null = null;
  private reasons = new Set<string>();
  private restoring: NodeJS.Timeout | undefined;
  private place = '';

  /**
   * @param target which broker
   * @param clientName the name of the connection at the broker
   * @param use what it is used for
   */
  constructor(
    private readonly target: BrokerTarget,
    private readonly clientName: string,
    private readonly use: BrokerUse,
  ) {
    this.hosts = new HostOrder(target.hosts, target.options.kombuFailoverStrategy);
    this.backoff = new Backoff(target.options);
  }

  /** Starts to connect; never waits, never throws. Further calls do nothing. */
  start(): void {
    this.running ??= this.run();
  }

  status(): LinkStatus {
    const blocked = this.blockedBy === null ? null : `the broker takes no messages: ${this.blockedBy}`;
    return { connected: this.connected, fault: this.connected ? blocked : this.fault };
  }

  /** Disconnects and ends; takes two seconds at most. */
  async close(): Promise<void> {
    this.stop.abort();
    await this.disconnect();
    // An attempt to connect that hangs ends by itself.
    await doneWithin(Promise.resolve(this.running), CLOSE_MS);
  }

  private isClosed(): boolean {
    return this.stop.signal.aborted;
  }

  private async run(): Promise<void> {
    while (!this.isClosed()) {
      const connection = await this.connectToAny();
      if (connection === undefined) return;
      this.connection = connection;
      await this.serve(connection);
      await this.disconnect();
    }
  }

  /** Tries the hosts in turn until one answers. @returns undefined when closed meanwhile */
  private async connectToAny(): Promise<Connection | undefined> {
    for (let attempt = 1; !this.isClosed(); attempt += 1) {
      const host = this.hosts.take();
      this.place = `${host.host}:${host.port}`;
      try {
        const connection = await connectTo(host, this.target, this.clientName);
        if (!this.isClosed()) return connection;
        destroyConnection(connection);
        return undefined;
      } catch (error) {
        this.reportFault(error);
      }
      if (attempt % this.hosts.size === 0) {
        this.use.failed?.();
        await this.pause(this.backoff.afterFailure());
      }
    }
    return undefined;
  }

  /** Uses a connection until it is lost; its channel may be replaced several times. */
  private async serve(connection: Connection): Promise<void> {
    const life = new AbortController();
    const isAlive = (): boolean => !life.signal.aborted;
    const gone = new Promise<BrokerFault>((resolve) => {
      connection.on('close', (error?: Error) => {
        life.abort();
        resolve(new BrokerFault(error === undefined ? 'connection closed' : describeFault(error)));
      });
    });
    connection.on('blocked', (reason: string) => this.setBlocked(reason));
    connection.on('unblocked', () => this.setBlocked(null));
    while (isAlive() && !this.isClosed()) {
      const lasted = await this.useChannel(connection, gone);
      if (this.isClosed()) return;
      if (lasted < STABLE_MS) await this.pause(this.backoff.afterFailure());
      else await this.pause(this.backoff.afterLoss());
    }
  }

  /** Opens a channel and waits until it cannot be used any more. @returns how long it was in use, in milliseconds */
  private async useChannel(connection: Connection, gone: Promise<BrokerFault>): Promise<number> {
    let lose: (fault: BrokerFault) => void = () => undefined;
    const lost = new Promise<BrokerFault>((resolve) => {
      lose = resolve;
    });
    let channel: ConfirmChannel | undefined;
    let since = Infinity;
    try {
      channel = await withDeadline(
        this.openChannel(connection, lose),
        OPEN_MS,
        () => new NoAnswer('no answer'),
      );
      since = performance.now();
      this.reportUp();
      const fault = await Promise.race([gone, lost]);
      // A channel closes with its connection, whose fault says more.
      this.reportFault(await Promise.race([gone, sleep(0, fault)]));
    } catch (error) {
      this.reportFault(await Promise.race([gone, sleep(0, error)]));
      this.use.failed?.();
      if (error instanceof NoAnswer) destroyConnection(connection);
    }
    this.connected = false;
    clearTimeout(this.restoring);
    this.use.lost();
    channel?.close().catch(() => undefined);
    const lasted = performance.now() - since;
    if (lasted >= STABLE_MS) this.backoff.reset();
    return Math.max(0, lasted);
  }

  private async openChannel(
    connection: Connection,
    lose: (fault: BrokerFault) => void,
  ): Promise<ConfirmChannel> {
    const channel = await connection.createConfirmChannel();
    let reason: string | undefined;
    channel.on('error', (error: Error) => {
      reason = describeFault(error);
    });
    channel.on('close', () => lose(new BrokerFault(reason ?? 'channel closed')));
    try {
      await this.use.open(channel, connection, lose);
    } catch (error) {
      channel.close().catch(() => undefined);
      throw error;
    }
    return channel;
  }

  private async disconnect(): Promise<void> {
    const { connection } = this;
    this.connection = undefined;
    if (connection === undefined) return;
    this.blockedBy = null;
    try {
      await doneWithin(connection.close(), CLOSE_MS);
    } catch {
      // It is closed already, or the broker does not answer.
    }
    destroyConnection(connection);
  }

  private setBlocked(reason: string | null): void {
    if ((reason === null) === (this.blockedBy === null)) return;
    this.blockedBy = reason === null ? null : reason.slice(0, 100);
    const { name } = this.use;
    if (reason !== null) log.warning('the message broker takes no messages', { use: name, reason });
    else log.info('the message broker takes messages again', { use: name });
    this.use.blocked?.(reason !== null);
  }

  private reportFault(error: unknown): void {
    if (this.isClosed()) return;
    const fault = `${this.place}: ${describeFault(error)}`;
    this.fault = fault;
    if (this.reasons.has(fault) || this.reasons.size >= MAX_REASONS) return;
    const sentence = this.reasons.size === 0 ? 'messaging is interrupted' : 'messaging is still interrupted';
    this.reasons.add(fault);
    log.warning(sentence, { use: this.use.name, fault });
  }

  private reportUp(): void {
    this.connected = true;
    this.fault = null;
    const fields = { use: this.use.name, host: this.place, vhost: this.target.virtualHost };
    if (this.reasons.size === 0) {
      log.info('connected to the message broker', fields);
      return;
    }
    // A use that fails as soon as it starts (a permission is missing) would be logged as lost and restored without end.
    this.restoring = setTimeout(() => {
      this.reasons.clear();
      log.info('messaging is restored', fields);
    }, STABLE_MS).unref();
  }

  private async pause(milliseconds: number): Promise<void> {
    try {
      await sleep(milliseconds, undefined, { signal: this.stop.signal });
    } catch {
      // Closed: the caller checks for that next.
    }
  }
}
