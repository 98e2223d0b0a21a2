// SPDX-License-Identifier: Apache-2.0
// Consumes the notifications of other services from a queue that all processes of a site share: each message is delivered to
// one of them, and stays at the broker until its handler is done. A message whose handler fails is delivered once more, here
// or elsewhere; after that, and at once when it cannot be decoded, it goes to the dead letters. While the database is
// unavailable the message is kept and tried again: it is not at fault.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConfirmChannel, ConsumeMessage } from 'amqplib';
import type { GroupValues } from '../conf/types.js';
import type { NOTIFICATIONS_GROUP } from '../conf/notifications.js';
import { loggerFor } from '../log.js';
import { DatabaseError, InvalidInput, Unavailable } from '../exception.js';
import { doneWithin, withDeadline } from '../net/deadline.js';
import { BindingWatch } from './binding-watch.js';
import { BrokerFault } from './broker-fault.js';
import { BrokerLink } from './broker-link.js';
import type { BrokerUse } from './broker-link.js';
import type { Connection } from './connect.js';
import { DeadLetters } from './dead-letters.js';
import { decodeNotification, encodeNotification } from './envelope.js';
import type { Notification } from './envelope.js';
import { DedupCache } from './dedup-cache.js';
import { durableBy, ensureExchange, ensureQueue, queueArguments } from './topology.js';
import type { QueueSpec } from './topology.js';
import type { BrokerTarget } from './transport-url.js';

/** The state of the consumption of notifications. */
export interface ListenerStatus {
  /** `off`: no broker is configured, or notifications are disabled. */
  readonly state: 'off' | 'connected' | 'disconnected';
  /** Why nothing is consumed, without secrets; null: no fault. */
  readonly fault: string | null;
  /** Messages since the start, those that were refused included. */
  readonly received: number;
  /** Messages that went to the dead-letter queue. */
  readonly deadLettered: number;
  /** Messages that were requeued once because their handling failed. */
  readonly requeued: number;
  /** When the last message was received, in epoch seconds; null before the first. */
  readonly lastMessage: number | null;
}

/** Consumes notifications until it is closed. */
export interface NotificationListener {
  status(): ListenerStatus;
  /** Accepts no further message, and waits a moment for those that are being handled. */
  close(): Promise<void>;
}

/** Handles notifications. */
export interface NotificationHandler {
  /** Names the listener in the log. */
  readonly name: string;
  /**
   * Handles a message. Several are handled at the same time, in no order. When it resolves, the message is acknowledged.
   * When it rejects, the message is delivered once more, here or to another process, and then goes to the dead-letter queue
   * with the reason; at once after InvalidInput, since another delivery cannot change that. After DatabaseError it is tried
   * here for two minutes before it counts as failed.
   */
  onMessage(message: Notification): Promise<'done' | 'ignored'>;
  /** Whether what every message needs is unavailable: then those that failed are requeued until it is there again. */
  isAway?(): Promise<boolean>;
}

/** What a listener needs to know. */
export interface ListenerOptions {
  readonly target: BrokerTarget;
  /** [notifications]. */
  readonly notifications: GroupValues<typeof NOTIFICATIONS_GROUP>;
  /** `kerbside-conductor:host`. */
  readonly clientName: string;
  readonly node: string;
}

/** The priorities that Nova gives to events of instances. */
const PRIORITIES = ['info', 'error'];
const DEFAULT_PREFETCH = 16;
const REMEMBERED = 1024;
/** How long a failed message is held before it is requeued, so that the cause may pass. */
const REQUEUE_MS = 1_000;
/** While the database is unavailable: how long a message is held, and the pause between two tries. */
const HELD_MS = 120_000;
const HELD_PAUSE_MS = 2_000;
const FINISH_MS = 3_000;
const DEAD_LETTER_BYTES = 64 * 1024 * 1024;

const NOTHING = Buffer.alloc(0);

const log = loggerFor('kerbside.messaging.listener');

interface Failure {
  readonly reason: string;
  readonly messageId: string | null;
  readonly eventType: string | null;
  readonly body: Buffer | null;
}

/** Keeps no program running: an unsettled message stays with the broker. */
function pause(milliseconds: number): Promise<void> {
  return sleep(milliseconds, undefined, { ref: false });
}

/** Whether the broker has handed out this message before: a flag of all queues, a counter of quorum queues. */
function deliveredBefore(message: ConsumeMessage): boolean {
  const count: unknown = message.properties.headers?.['x-delivery-count'];
  return message.fields.redelivered || (typeof count === 'number' && count > 0);
}

/** Whether a body that could not be decoded may hold the sender's context, which cannot be removed from it then. */
function mayHoldContext(body: Buffer): boolean {
  return body.includes('_context_');
}

/** A body without the sender's context, which must not be stored. */
function withoutContext(notification: Notification): Buffer {
  try {
    return encodeNotification(notification, 2);
  } catch {
    // Nested too deeply to be encoded.
    return encodeNotification({ ...notification, payload: null }, 2);
  }
}

function poolQueueOf({ notifications, target }: ListenerOptions): QueueSpec {
  const { rabbitQuorumQueue, amqpAutoDelete } = target.options;
  return {
    name: notifications.pool,
    durable: durableBy(target.options),
    autoDelete: amqpAutoDelete && !rabbitQuorumQueue,
    arguments: {
      ...queueArguments(target.options),
      'x-max-length': notifications.queueMaxLength,
      ...(notifications.messageTtl === 0 ? {} : { 'x-message-ttl': notifications.messageTtl * 1000 }),
    },
  };
}

function deadQueueOf({ notifications, target }: ListenerOptions): QueueSpec {
  return {
    name: `${notifications.pool}.dead`,
    durable: durableBy(target.options),
    autoDelete: false,
    arguments: {
      ...queueArguments(target.options),
      'x-max-length': notifications.deadLetterMaxLength,
      'x-max-length-bytes': DEAD_LETTER_BYTES,
    },
  };
}

/** A listener at the broker. */
export class BrokerListener implements NotificationListener, BrokerUse {
  readonly name: string;
  private readonly link: BrokerLink;
  private readonly deadQueue: QueueSpec;
  private readonly deadLetters: DeadLetters;
  private readonly seen = new DedupCache(REMEMBERED);
  private readonly busy = new Set<Promise<void>>();
  private consumer: { readonly channel: ConfirmChannel; readonly tag: string } | undefined;
  private readonly bindings: BindingWatch;
  private received = 0;
  private deadLettered = 0;
  private requeued = 0;
  private lastMessage: number | null = null;
  private closing = false;

  constructor(
    private readonly options: ListenerOptions,
    private readonly handler: NotificationHandler,
  ) {
    const { target, clientName, notifications } = options;
    this.name = handler.name;
    this.link = new BrokerLink(target, `${clientName}:${handler.name}`, this);
    this.bindings = new BindingWatch(notifications.exchange);
    const deadName = `${clientName}:${handler.name}:dead-letters`;
    this.deadQueue = deadQueueOf(options);
    this.deadLetters = new DeadLetters(target, deadName, this.deadQueue, notifications.maxMessageSize);
  }

  /** Starts to consume; never waits. */
  start(): void {
    this.link.start();
  }

  status(): ListenerStatus {
    const { connected, fault } = this.link.status();
    const { received, deadLettered, requeued, lastMessage } = this;
    const state = connected ? 'connected' : 'disconnected';
    return { state, fault, received, deadLettered, requeued, lastMessage };
  }

  async close(): Promise<void> {
    this.closing = true;
    const { consumer } = this;
    if (consumer !== undefined) await doneWithin(this.cancel(consumer), FINISH_MS);
    await doneWithin(Promise.allSettled(this.busy), FINISH_MS);
    await Promise.all([this.link.close(), this.deadLetters.close()]);
  }

  async open(
    channel: ConfirmChannel,
    connection: Connection,
    lose: (fault: BrokerFault) => void,
  ): Promise<void> {
    const { notifications, target } = this.options;
    const { exchange, pool, topics } = notifications;
    await ensureExchange(connection, exchange, 'topic', target.options);
    await ensureQueue(connection, poolQueueOf(this.options));
    await ensureQueue(connection, this.deadQueue);
    const bind = async (): Promise<void> => {
      for (const topic of topics) {
        for (const priority of PRIORITIES) await channel.bindQueue(pool, exchange, `${topic}.${priority}`);
      }
    };
    await this.bindings.start(bind, lose);
    await channel.prefetch(target.options.rabbitQosPrefetchCount || DEFAULT_PREFETCH);
    const { consumerTag } = await channel.consume(pool, (message) => {
      if (message === null) lose(new BrokerFault(`queue ${pool} was deleted`));
      else this.receive(channel, message);
    });
    this.consumer = { channel, tag: consumerTag };
  }

  lost(): void {
    this.consumer = undefined;
    this.bindings.stop();
  }

  private async cancel(consumer: { channel: ConfirmChannel; tag: string }): Promise<void> {
    try {
      await consumer.channel.cancel(consumer.tag);
    } catch {
      // The channel is gone, and the consumer with it.
    }
  }

  private receive(channel: ConfirmChannel, message: ConsumeMessage): void {
    // Unacknowledged: another process gets it.
    if (this.closing) return;
    this.received += 1;
    this.lastMessage = Date.now() / 1000;
    const work = this.process(channel, message).catch(async (error: unknown) => {
      log.error('a notification was not dealt with', { error: error as Error });
      await pause(REQUEUE_MS);
      this.settle(() => channel.nack(message, false, true));
    });
    this.busy.add(work);
    void work.finally(() => this.busy.delete(work));
  }

  private async process(channel: ConfirmChannel, message: ConsumeMessage): Promise<void> {
    const decoded = decodeNotification(message.content, this.options.notifications.maxMessageSize);
    if (!decoded.ok) {
      const { fault, messageId } = decoded;
      const body = mayHoldContext(message.content) ? NOTHING : null;
      return this.deadLetter(channel, message, { reason: fault, messageId, eventType: null, body });
    }
    const notification = decoded.value;
    if (this.seen.has(notification.uniqueId)) {
      this.settle(() => channel.ack(message));
      return;
    }
    try {
      await this.handleWithRetries(notification);
    } catch (error) {
      // Unacknowledged: another process gets it, or this one when it is back.
      if (this.closing && error instanceof DatabaseError) return;
      return this.requeue(channel, message, notification, error);
    }
    this.seen.add(notification.uniqueId);
    this.settle(() => channel.ack(message));
  }

  private async handleWithRetries(notification: Notification): Promise<void> {
    const end = performance.now() + HELD_MS;
    for (;;) {
      try {
        await this.handle(notification);
        return;
      } catch (error) {
        if (!(error instanceof DatabaseError) || this.closing || performance.now() > end) throw error;
      }
      await pause(HELD_PAUSE_MS);
    }
  }

  private async handle(notification: Notification): Promise<void> {
    const { handlerTimeout } = this.options.notifications;
    await withDeadline(
      this.handler.onMessage(notification),
      handlerTimeout * 1000,
      () => new Unavailable(`not handled within ${handlerTimeout} seconds`),
    );
  }

  private async requeue(
    channel: ConfirmChannel,
    message: ConsumeMessage,
    notification: Notification,
    error: unknown,
  ): Promise<void> {
    const { messageId, eventType } = notification;
    const reason = error instanceof Error ? error.message : 'the handler failed';
    if (error instanceof InvalidInput || (await this.isExhausted(message))) {
      const body = withoutContext(notification);
      return this.deadLetter(channel, message, { reason, messageId, eventType, body });
    }
    log.debug('a notification is tried once more', { message_id: messageId, event_type: eventType, reason });
    this.requeued += 1;
    await pause(REQUEUE_MS);
    this.settle(() => channel.nack(message, false, true));
  }

  private async isExhausted(message: ConsumeMessage): Promise<boolean> {
    if (this.options.notifications.requeue && !deliveredBefore(message)) return false;
    return (await this.handler.isAway?.()) !== true;
  }

  private async deadLetter(
    channel: ConfirmChannel,
    message: ConsumeMessage,
    failure: Failure,
  ): Promise<void> {
    const { reason, messageId, eventType } = failure;
    const fields = { message_id: messageId, event_type: eventType, queue: this.deadQueue.name, reason };
    try {
      await this.deadLetters.send(message, { ...failure, node: this.options.node });
    } catch (error) {
      log.debug('a dead letter is not taken for now', { ...fields, error: error as Error });
      await pause(REQUEUE_MS);
      this.settle(() => channel.nack(message, false, true));
      return;
    }
    this.deadLettered += 1;
    log.warning('a notification goes to the dead letters', fields);
    this.settle(() => channel.ack(message));
  }

  private settle(answer: () => void): void {
    try {
      answer();
    } catch {
      // The channel is gone: the broker hands the message out again.
    }
  }
}
