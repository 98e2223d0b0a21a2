// SPDX-License-Identifier: Apache-2.0
// Notifications of another service come to a handler, whatever the broker holds and whatever is sent.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { DatabaseError, InvalidInput } from '../../../src/exception.js';
import { encodeNotification } from '../../../src/messaging/envelope.js';
import type { Notification } from '../../../src/messaging/envelope.js';
import { openMessaging } from '../../../src/messaging/messaging.js';
import type { Messaging, NotificationListener } from '../../../src/messaging/messaging.js';
import { AmqpPeer } from '../../fixtures/amqp-peer.js';
import { messagingConf } from '../../fixtures/messaging-conf.js';
import { recordedNotifications } from '../../fixtures/notification-captures.js';
import { startRabbitMq, TEST_WITH_START_MS } from '../../fixtures/rabbitmq.js';
import type { RabbitMq, VirtualHost } from '../../fixtures/rabbitmq.js';
import { waitFor } from '../../fixtures/program.js';

jest.setTimeout(TEST_WITH_START_MS);

const POOL = 'kerbside-notifications';
const DEAD = 'kerbside-notifications.dead';
const KEY = 'versioned_notifications.info';

let broker: RabbitMq;
let vhost: VirtualHost;
let nova: AmqpPeer;
let open: Messaging[] = [];

beforeAll(async () => {
  broker = await startRabbitMq();
});
afterAll(() => broker.stop());

beforeEach(async () => {
  vhost = await broker.createVirtualHost();
  nova = await AmqpPeer.connect(vhost, broker.port);
});
afterEach(async () => {
  await Promise.all(open.map((messaging) => messaging.close()));
  open = [];
  await nova.close();
});

interface Heard {
  readonly listener: NotificationListener;
  readonly messages: Notification[];
}

/** Listens, and keeps what comes; a handler may fail. */
async function listen(
  env: Readonly<Record<string, string>> = {},
  handle: (message: Notification) => Promise<void> = () => Promise.resolve(),
  isAway: () => Promise<boolean> = () => Promise.resolve(false),
): Promise<Heard> {
  const conf = messagingConf({ OS_NOTIFICATIONS__TRANSPORT_URL: vhost.url(), ...env });
  const messaging = openMessaging(conf, 'kerbside-conductor');
  open.push(messaging);
  const messages: Notification[] = [];
  const listener = messaging.listen({
    name: 'nova',
    async onMessage(message) {
      messages.push(message);
      await handle(message);
      return 'done';
    },
    isAway,
  });
  await waitFor('the listener is connected', () => listener.status().state === 'connected');
  return { listener, messages };
}

function aNotification(fields: Partial<Notification> = {}): Notification {
  return {
    messageId: randomUUID(),
    uniqueId: randomUUID().replaceAll('-', ''),
    publisherId: 'nova-compute:host',
    eventType: 'instance.power_off.end',
    priority: 'info',
    timestamp: 1790000000.5,
    payload: { a: 1 },
    ...fields,
  };
}

async function send(notification: Notification, key = KEY): Promise<void> {
  await nova.publish('nova', key, encodeNotification(notification, 2));
}

describe('hearing notifications', () => {
  test('every recorded message comes once, in both formats and priorities', async () => {
    const { listener, messages } = await listen();
    const recorded = recordedNotifications();
    await Promise.all(recorded.map(({ routingKey, body }) => nova.publish('nova', routingKey, body)));
    await waitFor('all have come', () => messages.length >= recorded.length);
    expect(new Set(messages.map(({ messageId }) => messageId)).size).toBe(recorded.length);
    expect(listener.status()).toMatchObject({ received: recorded.length, deadLettered: 0, fault: null });
    expect(Math.abs((listener.status().lastMessage ?? 0) - Date.now() / 1000)).toBeLessThan(5);
  });

  test('two processes share the messages', async () => {
    const [one, two] = [await listen(), await listen()];
    const sent = Array.from({ length: 40 }, () => aNotification());
    await Promise.all(sent.map((notification) => send(notification)));
    const both = (): string[] => [...one.messages, ...two.messages].map(({ messageId }) => messageId);
    await waitFor('all have come', () => both().length >= sent.length);
    expect(both().sort()).toEqual(sent.map(({ messageId }) => messageId).sort());
    expect(one.messages.length).toBeGreaterThan(0);
    expect(two.messages.length).toBeGreaterThan(0);
  });

  test('a message that is sent twice by the transport is handled once', async () => {
    const { listener, messages } = await listen();
    const notification = aNotification();
    await send(notification);
    await waitFor('it has come', () => messages.length === 1);
    await send(notification);
    await waitFor('both have come', () => listener.status().received === 2);
    expect(messages).toHaveLength(1);
  });

  test('needs no more rights than the guide says', async () => {
    const guide = readFileSync('doc/source/admin/messaging.rst', 'utf8');
    const [configure = '', write = '', read = ''] = /set_permissions -p \/ kerbside \\\n +(.*)/
      .exec(guide)![1]!
      .split(' ')
      .map((quoted) => quoted.slice(1, -1));
    await nova.channel.assertExchange('nova', 'topic', { durable: true });
    const others = await broker.createVirtualHost();
    await broker.setPermissions(vhost, configure, write, read);
    const { listener, messages } = await listen({
      OS_DEFAULT__TRANSPORT_URL: vhost.url(),
      OS_OSLO_MESSAGING_NOTIFICATIONS__DRIVER: 'messagingv2',
    });
    const [messaging] = open;
    await waitFor('all is connected', () => messaging?.status().state === 'connected');
    messaging?.notifier.emit({ eventType: 'kerbside.session.start', priority: 'info', payload: {} });
    await waitFor('it is sent', () => messaging?.status().notifier.sent === 1);
    await broker.setPermissions({ ...others, name: vhost.name }, '', '^nova$', '');
    const sender = await AmqpPeer.connect({ ...others, name: vhost.name }, broker.port);
    await sender.publish('nova', KEY, encodeNotification(aNotification(), 2));
    await sender.publish('nova', KEY, '[]');
    await waitFor('both have come', () => messages.length === 1 && listener.status().deadLettered === 1);
    await sender.close();
  });

  test('is off without a broker and when it is not wanted', async () => {
    const handler = { name: 'nova', onMessage: () => Promise.resolve('done' as const) };
    const none = openMessaging(messagingConf({}), 'kerbside-conductor');
    expect(none.listen(handler).status().state).toBe('off');
    const off = { OS_NOTIFICATIONS__TRANSPORT_URL: vhost.url(), OS_NOTIFICATIONS__ENABLED: 'false' };
    const unwanted = openMessaging(messagingConf(off), 'kerbside-conductor');
    expect(unwanted.listen(handler).status().state).toBe('off');
    await Promise.all([none.close(), unwanted.close()]);
  });
});

describe('messages that cannot be handled', () => {
  test.each([
    ['not JSON', '{"oslo.version": "2.0", "oslo.mess', null],
    ['not UTF-8', Buffer.from([0x7b, 0xff, 0xfe]), null],
    ['a list', '[1, 2]', null],
    ['an inner message that is not JSON', wrapped('{"message_id": "m-1", '), 'm-1'],
    ['a version that nobody knows', wrapped('{"message_id": "m-2"}', '9.0'), 'm-2'],
    ['an event type of another type', wrapped(inner({ message_id: 'm-3', event_type: 7 })), 'm-3'],
    ['a time that is none', wrapped(inner({ message_id: 'm-4', timestamp: 'yesterday' })), 'm-4'],
    ['no payload', wrapped(inner({ message_id: 'm-5', payload: undefined })), 'm-5'],
    ['a megabyte', wrapped(inner({ message_id: 'm-6', payload: 'x'.repeat(1_048_576) })), 'm-6'],
  ])('%s goes to the dead letters at once, and the next message is handled', async (_title, body, id) => {
    const { listener, messages } = await listen();
    await nova.publish('nova', KEY, body);
    const { properties, content } = await nova.take(DEAD);
    const headers = properties.headers as Record<string, unknown>;
    expect(headers['x-kerbside-reason']).toEqual(expect.stringMatching(/./));
    expect(headers['x-kerbside-routing-key']).toBe(KEY);
    expect(headers['x-kerbside-message-id'] ?? null).toBe(id);
    expect(content.length).toBeLessThan(70_000);
    // Nothing of the sender's context is kept; what nobody can take it out of is left out.
    expect(content.toString('latin1')).not.toContain('_context_');
    const length = Buffer.byteLength(body);
    expect(headers['x-kerbside-left-out-bytes'] ?? length - content.length).toBe(length - content.length);
    await send(aNotification());
    await waitFor('the next has come', () => messages.length === 1);
    await waitFor('it is counted', () => listener.status().deadLettered === 1);
  });

  test('a handler that fails once gets the message again', async () => {
    let failures = 1;
    const { listener, messages } = await listen({}, () =>
      failures-- > 0 ? Promise.reject(new Error('the cloud is away')) : Promise.resolve(),
    );
    await send(aNotification());
    await waitFor('it has come twice', () => messages.length === 2);
    await waitFor('all is done', async () => (await nova.count(POOL)) === 0);
    expect(listener.status()).toMatchObject({ requeued: 1, deadLettered: 0 });
    expect(await nova.count(DEAD)).toBe(0);
  });

  test('a message is held while the database is away', async () => {
    let failures = 2;
    const { listener, messages } = await listen({}, () =>
      failures-- > 0 ? Promise.reject(new DatabaseError('connection refused')) : Promise.resolve(),
    );
    await send(aNotification());
    await waitFor('it was tried until the database was back', () => messages.length === 3);
    await listener.close();
    expect(listener.status()).toMatchObject({ received: 1, requeued: 0, deadLettered: 0 });
    expect(await nova.count(POOL)).toBe(0);
  });

  test('nothing is given up while the database is away, however often it fails', async () => {
    let away = true;
    const { listener, messages } = await listen(
      {},
      () => (away ? Promise.reject(new Error('not handled within 30 seconds')) : Promise.resolve()),
      () => Promise.resolve(away),
    );
    await send(aNotification());
    await waitFor('it has come for the fourth time', () => messages.length === 4);
    expect(listener.status()).toMatchObject({ deadLettered: 0 });
    away = false;
    await waitFor('it is handled', () => messages.length === 5);
    await waitFor('all is done', async () => (await nova.count(POOL)) === 0);
    expect(await nova.count(DEAD)).toBe(0);
  });

  test('a message that is held goes back when the process ends', async () => {
    const { listener, messages } = await listen({}, () => Promise.reject(new DatabaseError('gone')));
    await send(aNotification());
    await waitFor('it has come', () => messages.length === 1);
    await listener.close();
    await waitFor('it waits for another one', async () => (await nova.count(POOL)) === 1);
    expect(await nova.count(DEAD)).toBe(0);
  });

  test.each([
    ['classic', {}],
    ['quorum', { OS_OSLO_MESSAGING_RABBIT__RABBIT_QUORUM_QUEUE: 'true' }],
  ])(
    'a handler that always fails sees it twice, then it is a dead letter with the reason (%s)',
    async (_type, env) => {
      const { messages } = await listen(env, () => Promise.reject(new Error('no such console')));
      const notification = aNotification();
      await send(notification);
      const { properties, content } = await nova.take(DEAD);
      expect(messages).toHaveLength(2);
      expect(properties.headers).toMatchObject({
        'x-kerbside-reason': 'no such console',
        'x-kerbside-message-id': notification.messageId,
        'x-kerbside-event-type': 'instance.power_off.end',
        'x-kerbside-node': 'node-a',
      });
      expect(content.toString()).not.toContain('_context_');
    },
  );

  test('a payload that is nested too deeply to be written again is a dead letter without it', async () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    await listen({}, () => Promise.reject(new InvalidInput('no such event')));
    await nova.publish('nova', KEY, wrapped(inner({ payload: 'deep' }).replace('"deep"', deep)));
    const { properties, content } = await nova.take(DEAD);
    expect(properties.headers).toMatchObject({ 'x-kerbside-reason': 'no such event' });
    expect(content.toString()).toContain('\\"payload\\":null');
    expect(content.toString()).not.toContain('_context_');
  });

  test('a handler that hangs is given up', async () => {
    const env = { OS_NOTIFICATIONS__HANDLER_TIMEOUT: '1', OS_NOTIFICATIONS__REQUEUE: 'false' };
    await listen(env, () => new Promise(() => undefined));
    await send(aNotification());
    const { properties } = await nova.take(DEAD);
    expect(properties.headers?.['x-kerbside-reason']).toBe('not handled within 1 seconds');
  });
});

describe('what is at the broker already', () => {
  test.each([
    ['durable', { durable: true }],
    ['not durable', { durable: false }],
    ['not durable, deleted when unused', { durable: false, autoDelete: true }],
  ])('an exchange that is %s is used as it is', async (_title, options) => {
    await nova.channel.assertExchange('nova', 'topic', options);
    for (const quorum of ['true', 'false']) {
      const env = {
        OS_OSLO_MESSAGING_RABBIT__RABBIT_QUORUM_QUEUE: quorum,
        OS_NOTIFICATIONS__POOL: `pool-${quorum}`,
      };
      const { messages } = await listen(env);
      await send(aNotification());
      await waitFor('it has come', () => messages.length === 1);
    }
    await nova.attempt((channel) => channel.assertExchange('nova', 'topic', options));
  });

  test.each(['direct', 'fanout'])('an exchange of type %s is used as it is', async (type) => {
    await nova.channel.assertExchange('nova', type, { durable: false });
    const { messages } = await listen();
    await send(aNotification());
    await waitFor('it has come', () => messages.length === 1);
  });

  test.each([
    ['a durable queue', { durable: true }],
    ['a queue that is not durable', { durable: false }],
    ['a quorum queue', { durable: true, arguments: { 'x-queue-type': 'quorum' } }],
  ])('%s of the same name is used as it is', async (_title, options) => {
    await nova.channel.assertQueue(POOL, options);
    const { messages } = await listen();
    await send(aNotification());
    await waitFor('it has come', () => messages.length === 1);
  });

  test('a missing exchange is made as the configuration says', async () => {
    await listen({ OS_OSLO_MESSAGING_RABBIT__AMQP_DURABLE_QUEUES: 'true' });
    await nova.attempt((channel) => channel.assertExchange('nova', 'topic', { durable: true }));
  });

  test('a queue that is deleted is made again', async () => {
    const { listener, messages } = await listen();
    await nova.channel.deleteQueue(POOL);
    await waitFor('the loss is seen', () => listener.status().state === 'disconnected');
    expect(listener.status().fault).toContain(`queue ${POOL} was deleted`);
    await waitFor('the listener is back', () => listener.status().state === 'connected');
    await send(aNotification());
    await waitFor('it has come', () => messages.length === 1);
  });

  test('a dead-letter queue that is deleted is made again', async () => {
    await listen();
    await nova.publish('nova', KEY, '[]');
    await nova.take(DEAD);
    await nova.channel.deleteQueue(DEAD);
    await nova.publish('nova', KEY, '[]');
    await waitFor('it is there again', async () => {
      try {
        return (await nova.count(DEAD)) === 1;
      } catch {
        return false;
      }
    });
  });
});

function wrapped(message: string, version = '2.0'): string {
  return JSON.stringify({ 'oslo.version': version, 'oslo.message': message });
}

function inner(fields: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({
    message_id: 'm-0',
    publisher_id: 'nova-compute:host',
    event_type: 'instance.update',
    priority: 'INFO',
    payload: {},
    timestamp: '2026-08-21 09:59:07.123456',
    _context_auth_token: 'secret',
    ...fields,
  });
}
