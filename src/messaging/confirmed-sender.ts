// SPDX-License-Identifier: Apache-2.0
// Notifications that must arrive: the sender waits until the broker has confirmed them. Nothing is kept here; who sends
// keeps what was not confirmed, and sends it again.
import type { ConfirmChannel } from 'amqplib';
import { doneWithin, unlessAborted } from '../net/deadline.js';
import { BrokerFault } from './broker-fault.js';
import { BrokerLink } from './broker-link.js';
import type { BrokerUse } from './broker-link.js';
import type { Connection } from './connect.js';
import { encodeNotification } from './envelope.js';
import type { Notification } from './envelope.js';
import { declareQueues } from './notification-queues.js';
import type { NotificationQueues } from './notification-queues.js';

/** A notification without its publisher. */
export type SentNotification = Omit<Notification, 'publisherId'>;

/** Milliseconds that a first message waits for the connection. */
const CONNECT_MS = 5_000;
const PUBLISH = { persistent: true, contentType: 'application/json', contentEncoding: 'utf-8' } as const;

/** Sends notifications and waits for their confirmation. */
export class ConfirmedSender implements BrokerUse {
  readonly name: string;
  private readonly link: BrokerLink;
  private channel: ConfirmChannel | undefined;
  private isBlocked = false;
  /** Fails what is under way. */
  private fail: (fault: Error) => void = () => undefined;
  private tellOpened: () => void = () => undefined;

  /**
   * @param use names it in the log and at the broker
   * @param publisherId `kerbside-conductor:host`
   */
  constructor(
    use: string,
    private readonly queues: Omit<NotificationQueues, 'priorities'>,
    private readonly publisherId: string,
  ) {
    this.name = use;
    this.link = new BrokerLink(queues.target, `${publisherId}:${use}`, this);
  }

  /**
   * Sends notifications of priority info in their order; resolves when the broker has all of them. Connects at the first call.
   * One call at a time.
   *
   * @throws BrokerFault when it is not connected, or did not take them all
   */
  async send(notifications: readonly SentNotification[], signal: AbortSignal): Promise<void> {
    this.link.start();
    if (this.channel === undefined) await doneWithin(unlessAborted(this.opened(), signal), CONNECT_MS);
    const { channel } = this;
    if (channel === undefined)
      throw new BrokerFault(`not sent: ${this.link.status().fault ?? 'not connected'}`);
    if (this.isBlocked) throw new BrokerFault('not sent: the broker takes no messages');
    const failed = new Promise<never>((_resolve, reject) => (this.fail = reject));
    // Without a listener a fault that comes after the end would end the process.
    failed.catch(() => undefined);
    const confirmed = this.publish(channel, notifications).then(() => true);
    if ((await unlessAborted(Promise.race([confirmed, failed]), signal)) === null)
      throw new BrokerFault('the broker did not confirm in time');
  }

  /** Disconnects. */
  close(): Promise<void> {
    return this.link.close();
  }

  async open(channel: ConfirmChannel, connection: Connection): Promise<void> {
    await declareQueues({ ...this.queues, priorities: ['info'] }, channel, connection);
    this.channel = channel;
    this.tellOpened();
  }

  lost(): void {
    this.channel = undefined;
    this.isBlocked = false;
    this.fail(new BrokerFault('the connection was lost before the broker confirmed'));
  }

  blocked(blocked: boolean): void {
    this.isBlocked = blocked;
  }

  private opened(): Promise<void> {
    return new Promise((resolve) => (this.tellOpened = resolve));
  }

  private async publish(channel: ConfirmChannel, notifications: readonly SentNotification[]): Promise<void> {
    const { controlExchange, topics } = this.queues;
    const sent = notifications.flatMap((notification) => {
      const body = encodeNotification({ ...notification, publisherId: this.publisherId }, 2);
      return topics.map(
        (topic) =>
          new Promise<void>((resolve, reject) => {
            channel.publish(controlExchange, `${topic}.info`, body, PUBLISH, (error: unknown) =>
              error === null ? resolve() : reject(new BrokerFault('the broker refused a message')),
            );
          }),
      );
    });
    await Promise.all(sent);
  }
}
