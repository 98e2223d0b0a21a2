// SPDX-License-Identifier: Apache-2.0
// The fanout to all processes of the site through the broker: one exchange, and one queue for each process. Messages are
// hints, so nothing waits for them: what cannot be sent within seconds is dropped and counted.
import { randomUUID } from 'node:crypto';
import type { ConfirmChannel, ConsumeMessage } from 'amqplib';
import { loggerFor } from '../log.js';
import { doneWithin } from '../net/deadline.js';
import { BindingWatch } from './binding-watch.js';
import { BrokerFault } from './broker-fault.js';
import { BrokerLink } from './broker-link.js';
import type { BrokerUse, LinkStatus } from './broker-link.js';
import type { Connection } from './connect.js';
import { decodeCast, encodeCast } from './envelope.js';
import { LocalFanout } from './fanout.js';
import type { FanoutMessage } from './fanout.js';
import { readFanoutMessage } from './fanout-message.js';
import { ensureExchange, ensureQueue, quorumArguments } from './topology.js';
import type { QueueSpec } from './topology.js';
import type { BrokerTarget } from './transport-url.js';

/** What a fanout at the broker needs to know. */
export interface BrokerFanoutOptions {
  readonly target: BrokerTarget;
  /** [DEFAULT] control_exchange. */
  readonly controlExchange: string;
  /** `kerbside-proxy:host`. */
  readonly clientName: string;
  readonly node: string;
  /** Milliseconds between two checks of the exchange; tests replace it. */
  readonly rebindEvery?: number;
}

/** What was received and sent since the start. */
export interface FanoutCounters {
  /** Handed to the broker. */
  readonly sent: number;
  /** From other processes, and valid. */
  readonly received: number;
  /** Could not be sent in time. */
  readonly dropped: number;
  /** From other processes, and invalid or unknown. */
  readonly ignored: number;
}

/** No message of ours is longer than a few hundred bytes. */
const MAX_BYTES = 16_384;
const MAX_WAITING = 64;
/** After this time every process has read the fact from the database. */
const MAX_AGE_MS = 10_000;
const MAX_UNCONFIRMED = 256;
const QUEUE_LENGTH = 1000;
const REMOVE_MS = 500;

const log = loggerFor('kerbside.messaging.fanout');

interface Waiting {
  readonly body: Buffer;
  readonly since: number;
}

/** A node's name as part of the name of a queue, which has 255 bytes. */
function queueLabel(node: string): string {
  return node.replace(/[^A-Za-z0-9_.-]/g, '_').slice(0, 100);
}

/** Reaches every process of the site, and this one even without a broker. */
export class BrokerFanout extends LocalFanout implements BrokerUse {
  readonly name = 'fanout';
  private readonly origin = randomUUID();
  private readonly exchange: string;
  private readonly queue: QueueSpec;
  private readonly link: BrokerLink;
  private waiting: Waiting[] = [];
  private channel: ConfirmChannel | undefined;
  private readonly bindings: BindingWatch;
  private isBlocked = false;
  private closing = false;
  private unconfirmed = 0;
  private readonly counts = { sent: 0, received: 0, dropped: 0, ignored: 0 };

  constructor(private readonly options: BrokerFanoutOptions) {
    super();
    const { target, controlExchange, clientName, node } = options;
    this.exchange = `${controlExchange}_fanout`;
    this.bindings = new BindingWatch(this.exchange, options.rebindEvery);
    const { rabbitTransientQuorumQueue, rabbitTransientQueuesTtl } = target.options;
    this.queue = {
      name: `${this.exchange}_${queueLabel(node)}_${this.origin}`,
      durable: rabbitTransientQuorumQueue,
      autoDelete: false,
      arguments: {
        ...(rabbitTransientQuorumQueue ? quorumArguments(target.options) : {}),
        'x-max-length': QUEUE_LENGTH,
        ...(rabbitTransientQueuesTtl === 0 ? {} : { 'x-expires': rabbitTransientQueuesTtl * 1000 }),
      },
    };
    this.link = new BrokerLink(target, `${clientName}:fanout`, this);
  }

  /** Starts to connect; never waits. */
  start(): void {
    this.link.start();
  }

  /** The state of the link to the broker. */
  status(): LinkStatus {
    return this.link.status();
  }

  counters(): FanoutCounters {
    return { ...this.counts };
  }

  override cast(message: FanoutMessage): void {
    super.cast(message);
    const { method, args } = message;
    const body = encodeCast({
      method,
      args,
      origin: this.origin,
      uniqueId: randomUUID().replaceAll('-', ''),
    });
    this.waiting.push({ body, since: performance.now() });
    this.flush();
    while (this.waiting.length > MAX_WAITING) {
      this.waiting.shift();
      this.counts.dropped += 1;
    }
  }

  /** Sends what waits, if it can be sent at once, removes the queue of this process, and disconnects. */
  async close(): Promise<void> {
    this.flush();
    this.closing = true;
    const { channel } = this;
    if (channel !== undefined) await doneWithin(this.removeQueue(channel), REMOVE_MS);
    await this.link.close();
  }

  async open(
    channel: ConfirmChannel,
    connection: Connection,
    lose: (fault: BrokerFault) => void,
  ): Promise<void> {
    await ensureExchange(connection, this.exchange, 'fanout', this.options.target.options);
    await ensureQueue(connection, this.queue);
    await this.bindings.start(() => channel.bindQueue(this.queue.name, this.exchange, ''), lose);
    await channel.consume(
      this.queue.name,
      (message) => {
        if (message !== null) this.receive(message);
        else if (!this.closing) lose(new BrokerFault(`queue ${this.queue.name} was deleted`));
      },
      { noAck: true },
    );
    this.unconfirmed = 0;
    this.channel = channel;
    this.flush();
  }

  lost(): void {
    this.channel = undefined;
    this.bindings.stop();
    this.isBlocked = false;
  }

  blocked(blocked: boolean): void {
    this.isBlocked = blocked;
    this.flush();
  }

  private async removeQueue(channel: ConfirmChannel): Promise<void> {
    try {
      await channel.deleteQueue(this.queue.name);
    } catch {
      // The broker removes it when it expires.
    }
  }

  private flush(): void {
    const { channel } = this;
    if (channel === undefined || this.isBlocked) return;
    const oldest = performance.now() - MAX_AGE_MS;
    while (this.unconfirmed < MAX_UNCONFIRMED) {
      const next = this.waiting.shift();
      if (next === undefined) return;
      if (next.since < oldest || !this.publish(channel, next.body)) this.counts.dropped += 1;
    }
  }

  private publish(channel: ConfirmChannel, body: Buffer): boolean {
    const options = { persistent: false, contentType: 'application/json', contentEncoding: 'utf-8' };
    try {
      channel.publish(this.exchange, '', body, options, () => {
        if (this.channel !== channel) return;
        this.unconfirmed -= 1;
        this.flush();
      });
    } catch {
      return false;
    }
    this.unconfirmed += 1;
    this.counts.sent += 1;
    return true;
  }

  private receive(message: ConsumeMessage): void {
    const decoded = decodeCast(message.content, MAX_BYTES);
    if (!decoded.ok) {
      this.ignore(decoded.fault);
      return;
    }
    const { method, args, origin } = decoded.value;
    if (origin === this.origin) return;
    const known = readFanoutMessage(method, args);
    if (known === undefined) {
      this.ignore('unknown method or arguments');
      return;
    }
    this.counts.received += 1;
    this.deliver(known);
  }

  private ignore(fault: string): void {
    this.counts.ignored += 1;
    log.debug('a fanout message is not understood', { fault });
  }
}
