// SPDX-License-Identifier: Apache-2.0
// Kerbside's own notifications, through the drivers of [oslo_messaging_notifications]. Emitting one never waits: messages are
// queued for the broker in bounded memory, and the oldest is dropped when there are too many.
import { randomUUID } from 'node:crypto';
import type { ConfirmChannel } from 'amqplib';
import { loggerFor } from '../log.js';
import { BrokerLink } from './broker-link.js';
import type { BrokerUse, LinkStatus } from './broker-link.js';
import type { Connection } from './connect.js';
import { encodeNotification } from './envelope.js';
import type { EnvelopeVersion, Notification } from './envelope.js';
import { declareQueues } from './notification-queues.js';
import type { BrokerTarget } from './transport-url.js';

/** A notification of Kerbside's own. */
export interface OwnNotification {
  /** `kerbside.session.start` and the like. */
  readonly eventType: string;
  readonly priority: 'info' | 'error';
  /** A versioned object; no secrets. */
  readonly payload: Readonly<Record<string, unknown>>;
}

/** Sends Kerbside's notifications. */
export interface Notifier {
  /** Queues a notification and returns at once; what cannot be sent in time is dropped and counted. Never throws. */
  emit(notification: OwnNotification): void;
}

/** What was sent and dropped since the start, and what waits now. */
export interface NotifierCounters {
  /** Confirmed by the broker. */
  readonly sent: number;
  /** Because too many waited, or after too many failures. */
  readonly dropped: number;
  /** Waiting or not confirmed yet. */
  readonly waiting: number;
}

/** What a notifier at the broker needs to know. */
export interface BrokerNotifierOptions {
  readonly target: BrokerTarget;
  /** [DEFAULT] control_exchange. */
  readonly controlExchange: string;
  readonly topics: readonly string[];
  /** Driver messagingv2 is 2, driver messaging is 1; with both, each message is sent in both forms. */
  readonly versions: readonly EnvelopeVersion[];
  /** -1: try until it succeeds. */
  readonly retry: number;
  /** `kerbside-proxy:host`. */
  readonly publisherId: string;
}

const PRIORITIES = ['info', 'error'];
const MAX_WAITING = 1000;
const MAX_BYTES = 8 * 1024 * 1024;
const MAX_UNCONFIRMED = 64;
const FLUSH_MS = 1_000;
const FLUSH_POLL_MS = 20;
const REFUSED_MS = 1_000;

const log = loggerFor('kerbside.messaging.notifier');

interface QueuedMessage {
  readonly topic: string;
  readonly routingKey: string;
  readonly body: Buffer;
  failures: number;
}

/** The whole message of a notification. @param publisherId `kerbside-proxy:host` */
export function completeNotification(own: OwnNotification, publisherId: string): Notification {
  return {
    messageId: randomUUID(),
    uniqueId: randomUUID().replaceAll('-', ''),
    publisherId,
    eventType: own.eventType,
    priority: own.priority,
    timestamp: Date.now() / 1000,
    payload: own.payload,
  };
}

/** Sends notifications to the broker. */
export class BrokerNotifier implements BrokerUse {
  readonly name = 'notifier';
  private readonly link: BrokerLink;
  private readonly waiting: QueuedMessage[] = [];
  private readonly unconfirmed = new Set<QueuedMessage>();
  private bytes = 0;
  private channel: ConfirmChannel | undefined;
  private isPaused = false;
  private isBlocked = false;
  private sent = 0;
  private dropped = 0;
  private warnedOfDrop = false;

  constructor(private readonly options: BrokerNotifierOptions) {
    this.link = new BrokerLink(options.target, `${options.publisherId}:notifier`, this);
  }

  /** Starts to connect; never waits. */
  start(): void {
    this.link.start();
  }

  /** The state of the link to the broker. */
  status(): LinkStatus {
    return this.link.status();
  }

  counters(): NotifierCounters {
    const { sent, dropped } = this;
    return { sent, dropped, waiting: this.waiting.length + this.unconfirmed.size };
  }

  /** Queues a message and returns at once. */
  send(notification: Notification): void {
    for (const version of this.options.versions) {
      const body = encodeNotification(notification, version);
      for (const topic of this.options.topics) {
        const routingKey = `${topic}.${notification.priority}`;
        this.waiting.push({ topic, routingKey, body, failures: 0 });
        this.bytes += body.length;
      }
    }
    this.flush();
    while (this.waiting.length > MAX_WAITING || this.bytes > MAX_BYTES) {
      const oldest = this.waiting.shift();
      if (oldest === undefined) return;
      this.drop(oldest, 'too many wait for the broker');
    }
  }

  /** Waits a second at most for unsent messages, and disconnects. */
  async close(): Promise<void> {
    const deadline = Date.now() + FLUSH_MS;
    while (this.counters().waiting > 0 && this.channel !== undefined && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, FLUSH_POLL_MS));
    await this.link.close();
  }

  async open(channel: ConfirmChannel, connection: Connection): Promise<void> {
    const { target, controlExchange, topics } = this.options;
    await declareQueues({ target, controlExchange, topics, priorities: PRIORITIES }, channel, connection);
    channel.prependListener('close', () => {
      // Before the library calls back for each unconfirmed message.
      if (this.channel === channel) this.channel = undefined;
    });
    this.channel = channel;
    this.flush();
  }

  lost(): void {
    this.channel = undefined;
    this.isBlocked = false;
    // Sent, perhaps even accepted, but not confirmed: sent again, at the front and in their order.
    const again = [...this.unconfirmed];
    this.unconfirmed.clear();
    this.waiting.unshift(...again);
    this.countFailure(again);
  }

  failed(): void {
    this.countFailure(this.waiting);
  }

  blocked(blocked: boolean): void {
    this.isBlocked = blocked;
    this.flush();
  }

  private countFailure(messages: readonly QueuedMessage[]): void {
    const { retry } = this.options;
    if (retry < 0) return;
    for (const message of [...messages]) {
      message.failures += 1;
      if (message.failures <= retry) continue;
      this.waiting.splice(this.waiting.indexOf(message), 1);
      this.drop(message, 'it failed too often');
    }
  }

  private drop(message: QueuedMessage, reason: string): void {
    this.bytes -= message.body.length;
    this.dropped += 1;
    if (this.warnedOfDrop) return;
    this.warnedOfDrop = true;
    log.warning('a notification is dropped, and so may be others until the broker takes them', {
      routing_key: message.routingKey,
      reason,
    });
  }

  private flush(): void {
    const { channel } = this;
    if (channel === undefined || this.isBlocked || this.isPaused) return;
    while (this.unconfirmed.size < MAX_UNCONFIRMED) {
      const message = this.waiting.shift();
      if (message === undefined) return;
      this.unconfirmed.add(message);
      if (!this.publish(channel, message)) return;
    }
  }

  /** @returns false when the channel is gone; lost() then queues the message again */
  private publish(channel: ConfirmChannel, message: QueuedMessage): boolean {
    const options = { persistent: true, contentType: 'application/json', contentEncoding: 'utf-8' };
    const { controlExchange } = this.options;
    try {
      channel.publish(controlExchange, message.routingKey, message.body, options, (error: unknown) => {
        // After the loss of the channel, lost() queues it again.
        if (this.channel === channel) this.confirmed(message, error === null);
      });
      return true;
    } catch {
      return false;
    }
  }

  private confirmed(message: QueuedMessage, taken: boolean): void {
    if (!this.unconfirmed.delete(message)) return;
    if (taken) {
      this.bytes -= message.body.length;
      this.sent += 1;
      this.warnedOfDrop = false;
    } else {
      this.waiting.unshift(message);
      this.countFailure([message]);
      this.pause();
    }
    this.flush();
  }

  /** A broker that refuses messages (a full queue) is not asked again at once. */
  private pause(): void {
    if (this.isPaused) return;
    this.isPaused = true;
    setTimeout(() => {
      this.isPaused = false;
      this.flush();
    }, REFUSED_MS).unref();
  }
}
