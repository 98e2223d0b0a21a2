// SPDX-License-Identifier: Apache-2.0
// The exchange and the queues of notifications, as oslo.messaging declares them: a queue for each topic and priority.
import type { ConfirmChannel } from 'amqplib';
import type { Connection } from './connect.js';
import { durableBy, ensureExchange, ensureQueue, queueArguments } from './topology.js';
import type { BrokerTarget } from './transport-url.js';

/** What is declared. */
export interface NotificationQueues {
  readonly target: BrokerTarget;
  /** [DEFAULT] control_exchange. */
  readonly controlExchange: string;
  readonly topics: readonly string[];
  readonly priorities: readonly string[];
}

/** Declares the exchange, the queues and their bindings. */
export async function declareQueues(
  { target, controlExchange, topics, priorities }: NotificationQueues,
  channel: ConfirmChannel,
  connection: Connection,
): Promise<void> {
  const { options } = target;
  await ensureExchange(connection, controlExchange, 'topic', options);
  for (const topic of topics) {
    for (const priority of priorities) {
      const name = `${topic}.${priority}`;
      const durable = durableBy(options);
      const autoDelete = options.amqpAutoDelete && !options.rabbitQuorumQueue;
      await ensureQueue(connection, { name, durable, autoDelete, arguments: queueArguments(options) });
      await channel.bindQueue(name, controlExchange, name);
    }
  }
}
