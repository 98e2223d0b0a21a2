// SPDX-License-Identifier: Apache-2.0
// Exchanges and queues. An existing one is used as it is, whatever its arguments: to declare it differently would close the
// channel (406), and it may belong to others, so it is not deleted. A missing one is declared as configured.
// Each attempt that may be refused has a channel of its own, because a refusal closes it.
import type { Channel } from 'amqplib';
import { loggerFor } from '../log.js';
import { inequivalent, replyCode } from './broker-fault.js';
import type { Connection } from './connect.js';
import type { RabbitOptions } from './transport-url.js';

/** The types of exchanges that are used. */
export type ExchangeType = 'topic' | 'fanout';

/** An exchange as it is at the broker. */
export interface Exchange {
  readonly name: string;
  /** Whether it survives a restart of the broker; null: unknown. */
  readonly durable: boolean | null;
}

/** How a missing queue is declared. */
export interface QueueSpec {
  readonly name: string;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly arguments: Readonly<Record<string, string | number>>;
}

const NOT_FOUND = 404;
const ACCESS_REFUSED = 403;
const PRECONDITION_FAILED = 406;

const log = loggerFor('kerbside.messaging');

/** Durability of what is declared here: quorum queues are durable, and so are their exchanges. */
export function durableBy(options: RabbitOptions): boolean {
  return options.amqpDurableQueues || options.rabbitQuorumQueue;
}

/** The arguments that oslo.messaging gives to its queues, so that ours and theirs are the same. */
export function queueArguments(options: RabbitOptions): Record<string, string | number> {
  if (options.rabbitQuorumQueue) return quorumArguments(options);
  return options.rabbitHaQueues ? { 'x-ha-policy': 'all' } : {};
}

/** The arguments of a quorum queue. */
export function quorumArguments(options: RabbitOptions): Record<string, string | number> {
  const { rabbitQuorumDeliveryLimit, rabbitQuorumMaxMemoryLength, rabbitQuorumMaxMemoryBytes } = options;
  const limits: [string, number][] = [
    ['x-delivery-limit', rabbitQuorumDeliveryLimit],
    ['x-max-in-memory-length', rabbitQuorumMaxMemoryLength],
    ['x-max-in-memory-bytes', rabbitQuorumMaxMemoryBytes],
  ];
  return { 'x-queue-type': 'quorum', ...Object.fromEntries(limits.filter(([, limit]) => limit > 0)) };
}

/** Runs an operation on a channel of its own. @returns undefined when it is done, else the refusal */
async function attempt(
  connection: Connection,
  operation: (channel: Channel) => Promise<unknown>,
): Promise<Error | undefined> {
  const channel = await connection.createChannel();
  channel.on('error', () => undefined);
  try {
    await operation(channel);
    await channel.close();
    return undefined;
  } catch (error) {
    channel.close().catch(() => undefined);
    // Without a code of AMQP it is no refusal: the connection is gone.
    if (replyCode(error) === undefined || !(error instanceof Error)) throw error;
    return error;
  }
}

/** Warnings that were logged, so that a reconnection does not repeat them. */
const warned = new Set<string>();
const MAX_WARNED = 256;

function warnOnce(sentence: string, fields: Readonly<Record<string, string>>): void {
  const key = `${sentence} ${JSON.stringify(fields)}`;
  if (warned.has(key) || warned.size >= MAX_WARNED) return;
  warned.add(key);
  log.warning(sentence, fields);
}

/**
 * Declares an exchange unless it exists, and finds out whether it is durable.
 *
 * @throws Error of the broker when it is missing and cannot be declared
 */
export async function ensureExchange(
  connection: Connection,
  name: string,
  type: ExchangeType,
  options: RabbitOptions,
): Promise<Exchange> {
  const configured = durableBy(options);
  const autoDelete = options.amqpAutoDelete;
  const declare = (durable: boolean): Promise<Error | undefined> =>
    attempt(connection, (channel) => channel.assertExchange(name, type, { durable, autoDelete }));
  const missing = await attempt(connection, (channel) => channel.checkExchange(name));
  if (missing !== undefined && replyCode(missing) !== NOT_FOUND) throw missing;
  for (const durable of [configured, !configured]) {
    const refusal = await declare(durable);
    if (refusal === undefined) return { name, durable };
    // May not make exchanges: fine as long as this one is there.
    if (replyCode(refusal) === ACCESS_REFUSED && missing === undefined) return { name, durable: null };
    if (replyCode(refusal) !== PRECONDITION_FAILED) throw refusal;
    const property = inequivalent(refusal);
    if (property === 'durable') continue;
    warnOnce('an exchange is not as expected and is used as it is', {
      exchange: name,
      differs: property ?? 'unknown',
      expected: type,
    });
    return { name, durable: null };
  }
  return { name, durable: null };
}

/**
 * Declares a queue unless it exists.
 *
 * @throws Error of the broker when it is missing and cannot be declared, or belongs to one connection alone
 */
export async function ensureQueue(connection: Connection, queue: QueueSpec): Promise<void> {
  const { name, durable, autoDelete } = queue;
  const refusal = await attempt(connection, (channel) =>
    channel.assertQueue(name, { durable, autoDelete, arguments: queue.arguments }),
  );
  if (refusal === undefined) return;
  const code = replyCode(refusal);
  if (code !== PRECONDITION_FAILED && code !== ACCESS_REFUSED) throw refusal;
  const missing = await attempt(connection, (channel) => channel.checkQueue(name));
  if (missing !== undefined) throw refusal;
  if (code === PRECONDITION_FAILED)
    warnOnce('a queue is not as configured and is used as it is', {
      queue: name,
      differs: inequivalent(refusal) ?? 'unknown',
    });
}
