// SPDX-License-Identifier: Apache-2.0
// Where notifications go that cannot be handled: a bounded queue beside that of the pool, with the reason in the headers.
// It has a connection of its own, opened for the first of them: a broker that accepts no messages (a full disk) stops reading
// from connections that have published, and acknowledgements would no longer reach it from a connection that does both.
import type { ConfirmChannel, Message } from 'amqplib';
import { BrokerFault } from './broker-fault.js';
import { BrokerLink } from './broker-link.js';
import type { BrokerUse } from './broker-link.js';
import type { Connection } from './connect.js';
import { ensureQueue } from './topology.js';
import type { QueueSpec } from './topology.js';
import type { BrokerTarget } from './transport-url.js';

/** Why a message is a dead letter, and what is known of it. */
export interface DeadLetterReason {
  readonly reason: string;
  readonly messageId: string | null;
  readonly eventType: string | null;
  /** The node that gave it up. */
  readonly node: string;
  /** Replaces the body; null: the body as it was received; empty: it must not be kept. */
  readonly body: Buffer | null;
}

const CONFIRM_MS = 10_000;
const CONNECT_POLL_MS = 50;
/** How much is kept of a body that is too long. */
const KEPT_BYTES = 65_536;
const HEADER_LENGTH = 250;

/** Publishes to the dead-letter queue. */
export class DeadLetters implements BrokerUse {
  readonly name = 'dead letters';
  private readonly link: BrokerLink;
  /** Numbers of the messages that the broker could not route. */
  private readonly returned = new Set<string>();
  private channel: ConfirmChannel | undefined;
  private sent = 0;
  private closed = false;

  /**
   * @param target which broker
   * @param clientName the name of the connection at the broker
   * @param queue the dead-letter queue, declared when it is missing
   * @param maxBody longer bodies are cut
   */
  constructor(
    target: BrokerTarget,
    clientName: string,
    private readonly queue: QueueSpec,
    private readonly maxBody: number,
  ) {
    this.link = new BrokerLink(target, clientName, this);
  }

  async open(
    channel: ConfirmChannel,
    connection: Connection,
    lose: (fault: BrokerFault) => void,
  ): Promise<void> {
    await ensureQueue(connection, this.queue);
    channel.on('return', ({ properties }: Message) => {
      this.returned.add(String(properties.messageId));
      lose(new BrokerFault(`queue ${this.queue.name} was deleted`));
    });
    this.returned.clear();
    this.channel = channel;
  }

  lost(): void {
    this.channel = undefined;
  }

  /**
   * Publishes a message to the dead-letter queue; resolves when the broker has confirmed it.
   *
   * @throws Error when that does not happen within ten seconds
   */
  async send(message: Message, about: DeadLetterReason): Promise<void> {
    this.link.start();
    const deadline = Date.now() + CONFIRM_MS;
    while (this.channel === undefined) {
      if (Date.now() > deadline || this.closed)
        throw new BrokerFault('the dead-letter queue cannot be reached');
      await new Promise((resolve) => setTimeout(resolve, CONNECT_POLL_MS));
    }
    await this.publish(this.channel, message, about);
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.link.close();
  }

  private publish(channel: ConfirmChannel, message: Message, about: DeadLetterReason): Promise<void> {
    const whole = about.body ?? message.content;
    const body = whole.length > this.maxBody ? whole.subarray(0, KEPT_BYTES) : whole;
    const { exchange, routingKey } = message.fields;
    const headers = {
      'x-kerbside-reason': about.reason.slice(0, HEADER_LENGTH),
      'x-kerbside-node': about.node,
      'x-kerbside-time': new Date().toISOString(),
      'x-kerbside-exchange': exchange,
      'x-kerbside-routing-key': routingKey,
      ...(about.messageId === null ? {} : { 'x-kerbside-message-id': about.messageId }),
      ...(about.eventType === null
        ? {}
        : { 'x-kerbside-event-type': about.eventType.slice(0, HEADER_LENGTH) }),
      ...(body.length === 0 ? { 'x-kerbside-left-out-bytes': message.content.length } : {}),
      ...(body.length < whole.length ? { 'x-kerbside-cut-from-bytes': whole.length } : {}),
    };
    this.sent += 1;
    const messageId = String(this.sent);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new BrokerFault('the dead letter was not confirmed')),
        CONFIRM_MS,
      );
      const confirmed = (error: unknown): void => {
        clearTimeout(timer);
        if (error === null && !this.returned.delete(messageId)) resolve();
        else reject(new BrokerFault('the dead letter was not taken'));
      };
      try {
        const options = {
          persistent: true,
          mandatory: true,
          contentType: 'application/json',
          messageId,
          headers,
        };
        channel.publish('', this.queue.name, body, options, confirmed);
      } catch (error) {
        clearTimeout(timer);
        reject(error instanceof Error ? error : new BrokerFault('the dead letter was not taken'));
      }
    });
  }
}
