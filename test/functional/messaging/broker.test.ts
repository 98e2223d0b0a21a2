// SPDX-License-Identifier: Apache-2.0
// Processes tell each other at once what has happened, notifications go out, and a broker that is away, full, of the
// wrong certificate or no longer willing costs nothing but that.
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Secret } from '../../../src/conf/secret.js';
import { BrokerFanout } from '../../../src/messaging/broker-fanout.js';
import type { BrokerFanoutOptions } from '../../../src/messaging/broker-fanout.js';
import { configureLogging } from '../../../src/log.js';
import type { FanoutMessage } from '../../../src/messaging/fanout.js';
import { decodeNotification, encodeNotification } from '../../../src/messaging/envelope.js';
import { openMessaging } from '../../../src/messaging/messaging.js';
import type { Messaging } from '../../../src/messaging/messaging.js';
import { parseTransportUrl } from '../../../src/messaging/transport-url.js';
import { AmqpPeer } from '../../fixtures/amqp-peer.js';
import { makeCertificates } from '../../fixtures/certificates.js';
import type { Certificates } from '../../fixtures/certificates.js';
import { messagingConf } from '../../fixtures/messaging-conf.js';
import { startRabbitMq, TEST_WITH_START_MS } from '../../fixtures/rabbitmq.js';
import type { RabbitMq, VirtualHost } from '../../fixtures/rabbitmq.js';
import { waitFor } from '../../fixtures/program.js';

jest.setTimeout(TEST_WITH_START_MS);

const ENDED: FanoutMessage = {
  method: 'session_ended',
  args: { session_id: 's-1', generation: 3, terminated: true },
};
const EVENT = { eventType: 'kerbside.session.start', priority: 'info', payload: { session: 's-1' } } as const;
const NOTIFY = { OS_OSLO_MESSAGING_NOTIFICATIONS__DRIVER: 'messagingv2' };

let certificates: Certificates;
let broker: RabbitMq;
let vhost: VirtualHost;
let open: Messaging[] = [];
let peers: AmqpPeer[] = [];

beforeAll(async () => {
  certificates = makeCertificates();
  const { certPath, keyPath } = certificates.ecdsa;
  broker = await startRabbitMq({ tls: { certPath, keyPath, caPath: certificates.authority.caPath } });
});
afterAll(async () => {
  await broker.stop();
  certificates.remove();
});

beforeEach(async () => {
  vhost = await broker.createVirtualHost();
});
afterEach(async () => {
  await Promise.all(open.map((messaging) => messaging.close()));
  await Promise.all(peers.map((peer) => peer.close()));
  [open, peers] = [[], []];
});

/** Opens the messaging of a process. */
function start(binary: string, env: Readonly<Record<string, string>> = {}): Messaging {
  const messaging = openMessaging(messagingConf({ OS_DEFAULT__TRANSPORT_URL: vhost.url(), ...env }), binary);
  open.push(messaging);
  return messaging;
}

async function started(binary: string, env: Readonly<Record<string, string>> = {}): Promise<Messaging> {
  const messaging = start(binary, env);
  await connected(messaging);
  return messaging;
}

async function connected(messaging: Messaging): Promise<void> {
  await waitFor('it is connected', () => messaging.status().state === 'connected');
}

async function faulty(messaging: Messaging, words: string): Promise<void> {
  await waitFor(`it says: ${words}`, () => messaging.status().fault?.includes(words) === true);
  expect(messaging.status().state).toBe('disconnected');
}

function heard(messaging: Messaging): FanoutMessage[] {
  const messages: FanoutMessage[] = [];
  messaging.fanout.subscribe((message) => messages.push(message));
  return messages;
}

function isAbout(words: string): (line: string) => boolean {
  return (line) => line.includes(words);
}

async function peer(): Promise<AmqpPeer> {
  const connection = await AmqpPeer.connect(vhost, broker.port);
  peers.push(connection);
  return connection;
}

describe('the fanout', () => {
  test('reaches every process once, the sender too', async () => {
    const [api, proxy] = [await started('kerbside-api'), await started('kerbside-proxy')];
    const [atApi, atProxy] = [heard(api), heard(proxy)];
    const times: number[] = [];
    for (let round = 1; round <= 50; round += 1) {
      const begin = performance.now();
      api.fanout.cast(ENDED);
      await waitFor('the proxy has heard', () => atProxy.length === round);
      times.push(performance.now() - begin);
    }
    await waitFor('the sender has heard all', () => atApi.length === 50);
    expect(atProxy[0]).toEqual(ENDED);
    expect(api.status().fanout).toMatchObject({ sent: 50, received: 0, dropped: 0 });
    expect(proxy.status().fanout).toMatchObject({ sent: 0, received: 50, ignored: 0 });
    times.sort((a, b) => a - b);
    // The wait itself looks each 10 ms.
    console.log(`fanout of 50: median ${times[25]?.toFixed(1)} ms, longest ${times[49]?.toFixed(1)} ms`);
  });

  test('leaves no queue behind when it is closed', async () => {
    const proxy = await started('kerbside-proxy');
    await proxy.close();
    const queues = await broker.evaluate(`length(rabbit_amqqueue:list(<<"${vhost.name}">>))`);
    expect(queues).toBe('0');
  });

  test.each([
    ['no JSON', 'x'],
    ['an unknown method', cast('reboot_all', {})],
    ['a missing argument', cast('session_ended', { session_id: 's-1' })],
    [
      'an argument of another type',
      cast('session_ended', { session_id: 's', generation: '1', terminated: true }),
    ],
    ['an unknown change', cast('console_changed', { source: 'a', uuid: 'b', change: 'eaten' })],
    ['more than 16 KiB', cast('policy_changed', { x: 'x'.repeat(20_000) })],
  ])('%s from a stranger is passed over', async (_title, body) => {
    const proxy = await started('kerbside-proxy');
    const messages = heard(proxy);
    const stranger = await peer();
    await stranger.publish('kerbside_fanout', '', body);
    await stranger.publish('kerbside_fanout', '', cast('policy_changed', {}));
    await waitFor('the next is heard', () => messages.length > 0);
    expect(messages).toEqual([{ method: 'policy_changed', args: {} }]);
    expect(proxy.status().fanout).toMatchObject({ received: 1, ignored: 1 });
  });

  test('keeps a few messages while the broker is away, and drops the oldest', async () => {
    const proxy = await started('kerbside-proxy');
    const messages = heard(proxy);
    const api = start('kerbside-api');
    for (let i = 0; i < 200; i += 1) api.fanout.cast(ENDED);
    await connected(api);
    await waitFor('the rest has come', () => messages.length === 64);
    expect(api.status().fanout).toMatchObject({ sent: 64, dropped: 136 });
  });

  test('an exchange that was deleted is missed by those who only listen, too', async () => {
    const options = (): BrokerFanoutOptions => ({
      target: parseTransportUrl(new Secret(vhost.url()), messagingConf({}).osloMessagingRabbit, {
        group: 'DEFAULT',
        option: 'transport_url',
      }),
      ...{ controlExchange: 'kerbside', clientName: 'test', node: 'a', rebindEvery: 100 },
    });
    const [sender, hearer] = [new BrokerFanout(options()), new BrokerFanout(options())];
    const messages: FanoutMessage[] = [];
    hearer.subscribe((message) => messages.push(message));
    for (const fanout of [sender, hearer]) fanout.start();
    const bindings = (): Promise<string> =>
      broker.evaluate(
        `length(rabbit_binding:list_for_source(rabbit_misc:r(<<"${vhost.name}">>, exchange, <<"kerbside_fanout">>)))`,
      );
    await waitFor('both are bound', async () => (await bindings()) === '2');
    await (await peer()).channel.deleteExchange('kerbside_fanout');
    await waitFor('both are bound again', async () => (await bindings()) === '2');
    await waitFor('the sender is ready', () => sender.status().connected);
    sender.cast(ENDED);
    await waitFor('it is heard', () => messages.length === 1);
    await Promise.all([sender.close(), hearer.close()]);
  });

  test('quorum queues are made when asked for', async () => {
    const env = { OS_OSLO_MESSAGING_RABBIT__RABBIT_TRANSIENT_QUORUM_QUEUE: 'true' };
    const [api, proxy] = [await started('kerbside-api', env), await started('kerbside-proxy', env)];
    const messages = heard(proxy);
    api.fanout.cast(ENDED);
    await waitFor('it is heard', () => messages.length === 1);
  });
});

describe('notifications', () => {
  test('go to the exchange and queue of each topic in the envelope of oslo.messaging', async () => {
    const proxy = await started('kerbside-proxy', NOTIFY);
    proxy.notifier.emit(EVENT);
    proxy.notifier.emit({ ...EVENT, eventType: 'kerbside.source.error', priority: 'error' });
    const reader = await peer();
    const message = await reader.take('notifications.info');
    expect(message.fields).toMatchObject({ exchange: 'kerbside', routingKey: 'notifications.info' });
    expect(message.properties).toMatchObject({
      contentType: 'application/json',
      contentEncoding: 'utf-8',
      deliveryMode: 2,
    });
    expect(decodeNotification(message.content, 10_000)).toMatchObject({
      ok: true,
      value: { ...EVENT, publisherId: 'kerbside-proxy:node-a' },
    });
    const error = await reader.take('notifications.error');
    expect(error.content.toString()).toContain('kerbside.source.error');
    await waitFor('both are confirmed', () => proxy.status().notifier.sent === 2);
    expect(proxy.status().notifier).toEqual({ sent: 2, dropped: 0, waiting: 0 });
  });

  test.each(['true', 'false'])('an exchange whose durability is %s is used as it is', async (durable) => {
    const reader = await peer();
    await reader.channel.assertExchange('kerbside', 'topic', { durable: durable === 'true' });
    await reader.channel.assertQueue('notifications.info', { durable: durable !== 'true' });
    const proxy = await started('kerbside-proxy', NOTIFY);
    proxy.notifier.emit(EVENT);
    await reader.take('notifications.info');
  });

  test('wait while the disk of the broker is full, block nobody, and go out afterwards', async () => {
    const proxy = await started('kerbside-proxy', NOTIFY);
    await broker.setDiskAlarm(true);
    try {
      proxy.notifier.emit(EVENT);
      await waitFor('the broker says so', () => proxy.status().fault !== null);
      expect(proxy.status()).toMatchObject({ state: 'connected' });
      expect(proxy.status().fault).toContain('low on disk');
      // All in one turn of the loop: whoever emits cannot have waited for the broker.
      for (let i = 0; i < 1500; i += 1) proxy.notifier.emit(EVENT);
      expect(proxy.status().notifier.waiting).toBeLessThanOrEqual(1001);
      expect(proxy.status().notifier.dropped).toBeGreaterThan(400);
    } finally {
      await broker.setDiskAlarm(false);
    }
    await waitFor('all have gone out', () => proxy.status().notifier.waiting === 0);
    expect(proxy.status().notifier.sent).toBeGreaterThanOrEqual(1000);
    expect(proxy.status().fault).toBeNull();
  });

  test('are given up after as many failures as the configuration says', async () => {
    const env = {
      ...NOTIFY,
      OS_DEFAULT__TRANSPORT_URL: 'rabbit://a:b@127.0.0.1:1/',
      OS_OSLO_MESSAGING_NOTIFICATIONS__RETRY: '0',
    };
    const proxy = start('kerbside-proxy', env);
    proxy.notifier.emit(EVENT);
    await waitFor('it is dropped', () => proxy.status().notifier.dropped === 1);
    expect(proxy.status().notifier.waiting).toBe(0);
  });
});

describe('a broker that fails', () => {
  test('credentials that are revoked stop the messaging until they are good again', async () => {
    const proxy = await started('kerbside-proxy');
    await broker.setPassword(vhost.user, 'another');
    await broker.closeConnections();
    await faulty(proxy, 'refused by the broker');
    expect(proxy.status().fault).not.toContain(vhost.password);
    await broker.setPassword(vhost.user, vhost.password);
    await connected(proxy);
  });

  test('a right that is missing is told once, however often it is tried', async () => {
    const file = join(certificates.folder, 'kerbside.log');
    configureLogging({ debug: false, useJson: false, file });
    try {
      // It may make everything, but send nothing to the exchange.
      await broker.setPermissions(vhost, '.*', '^(kerbside_fanout|notifications).*', '.*');
      const retry = { OS_OSLO_MESSAGING_NOTIFICATIONS__RETRY: '2' };
      const proxy = await started('kerbside-proxy', { ...NOTIFY, ...retry });
      proxy.notifier.emit(EVENT);
      await waitFor('it is dropped', () => proxy.status().notifier.dropped === 1);
      const told = (): string[] => readFileSync(file, 'utf8').split('\n').filter(isAbout('use=notifier'));
      expect(told().filter(isAbout('messaging is interrupted'))).toHaveLength(1);
      await waitFor('it lasts', () => told().some(isAbout('messaging is restored')));
      expect(told().filter(isAbout('messaging is interrupted'))).toHaveLength(1);
      expect(told().filter(isAbout('messaging is restored'))).toHaveLength(1);
    } finally {
      configureLogging({ debug: false, useJson: false, file: '' });
    }
  });

  test('an unknown virtual host is a fault in words', async () => {
    const url = `${vhost.url()}-other`;
    await faulty(
      start('kerbside-proxy', { OS_DEFAULT__TRANSPORT_URL: url }),
      'the virtual host does not exist',
    );
  });

  test.each(['PLAIN', 'AMQPLAIN'])('the login method %s gets in', async (method) => {
    await started('kerbside-proxy', { OS_OSLO_MESSAGING_RABBIT__RABBIT_LOGIN_METHOD: method });
  });

  test('of two hosts, the one that lives is found', async () => {
    const url = vhost.url([1, broker.port]);
    for (let i = 0; i < 4; i += 1) await started('kerbside-proxy', { OS_DEFAULT__TRANSPORT_URL: url });
  });

  test('that is silent is noticed by its missing heartbeat', async () => {
    const env = { OS_OSLO_MESSAGING_RABBIT__HEARTBEAT_TIMEOUT_THRESHOLD: '2' };
    const proxy = await started('kerbside-proxy', env);
    broker.freeze();
    const begin = performance.now();
    try {
      await faulty(proxy, 'Heartbeat timeout');
    } finally {
      broker.thaw();
    }
    console.log(`a silent broker is noticed after ${(performance.now() - begin).toFixed(0)} ms`);
    await connected(proxy);
  });

  test('that accepts connections and says nothing holds up no end', async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const proxy = start('kerbside-proxy', { ...NOTIFY, OS_DEFAULT__TRANSPORT_URL: vhost.url([port]) });
    proxy.notifier.emit(EVENT);
    await waitFor('both uses have connected', () => sockets.length === 2);
    await proxy.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  test('that is killed is found again, with what was sent meanwhile and what was in hand', async () => {
    const durable = { ...NOTIFY, OS_OSLO_MESSAGING_RABBIT__AMQP_DURABLE_QUEUES: 'true' };
    const [api, proxy] = [await started('kerbside-api', durable), await started('kerbside-proxy', durable)];
    const messages = heard(proxy);
    let handled = 0;
    const onMessage = (): Promise<'done'> => {
      handled += 1;
      return handled === 1 ? new Promise(() => undefined) : Promise.resolve('done');
    };
    const listener = proxy.listen({ name: 'nova', onMessage });
    await waitFor('it listens', () => listener.status().state === 'connected');
    await (await peer()).publish('nova', 'notifications.info', nova());
    await waitFor('a message is in hand', () => handled === 1);
    await broker.kill();
    await waitFor('the loss is seen', () => proxy.status().state === 'disconnected');
    api.notifier.emit(EVENT);
    const begin = performance.now();
    await broker.restart();
    const up = performance.now();
    await Promise.all([connected(api), connected(proxy)]);
    const back = performance.now() - up;
    console.log(`broker started in ${(up - begin).toFixed(0)} ms, connected ${back.toFixed(0)} ms later`);
    api.fanout.cast(ENDED);
    await waitFor('it is heard', () => messages.length === 1);
    await (await peer()).take('notifications.info');
    await waitFor('the message came again', () => handled === 2);
  });

  test('that is stopped in order is found again', async () => {
    const [api, proxy] = [await started('kerbside-api'), await started('kerbside-proxy')];
    const messages = heard(proxy);
    await broker.shutdown();
    await waitFor('the loss is seen', () => proxy.status().state === 'disconnected');
    await broker.restart();
    await Promise.all([connected(api), connected(proxy)]);
    api.fanout.cast(ENDED);
    await waitFor('it is heard', () => messages.length === 1);
  });
});

describe('TLS', () => {
  const tls = (env: Readonly<Record<string, string>>): Record<string, string> => ({
    OS_DEFAULT__TRANSPORT_URL: `${vhost.url([broker.tlsPort])}?ssl=1`,
    OS_OSLO_MESSAGING_RABBIT__SSL_CA_FILE: certificates.authority.caPath,
    ...env,
  });

  const clientCertificate = (subject?: string): Record<string, string> => {
    const named = subject === undefined ? {} : { subject };
    const { certPath, keyPath } = certificates.authority.issue({ usage: 'clientAuth', ...named });
    return {
      OS_OSLO_MESSAGING_RABBIT__SSL_CERT_FILE: certPath,
      OS_OSLO_MESSAGING_RABBIT__SSL_KEY_FILE: keyPath,
    };
  };

  test('a broker with a certificate of the right authority and name is trusted', async () => {
    const [api, proxy] = [await started('kerbside-api', tls({})), await started('kerbside-proxy', tls({}))];
    const messages = heard(proxy);
    api.fanout.cast(ENDED);
    await waitFor('it is heard', () => messages.length === 1);
  });

  test('a client certificate is shown', async () => {
    await started('kerbside-proxy', tls(clientCertificate()));
  });

  test('with EXTERNAL, the certificate alone says who it is', async () => {
    const user = 'kerbside of the certificate';
    const external = await broker.createVirtualHost(user);
    const env = {
      ...NOTIFY,
      ...clientCertificate(`O=Lab,CN=${user}`),
      OS_DEFAULT__TRANSPORT_URL: `rabbit://127.0.0.1:${broker.tlsPort}/${external.name}?ssl=1`,
      OS_OSLO_MESSAGING_RABBIT__RABBIT_LOGIN_METHOD: 'EXTERNAL',
    };
    const [api, proxy] = [await started('kerbside-api', tls(env)), await started('kerbside-proxy', tls(env))];
    const messages = heard(proxy);
    api.fanout.cast(ENDED);
    await waitFor('it is heard', () => messages.length === 1);
    api.notifier.emit(EVENT);
    await waitFor('it is confirmed', () => api.status().notifier.sent === 1);
  });

  test('with EXTERNAL, a certificate of somebody unknown is refused, in words', async () => {
    const env = {
      ...clientCertificate('O=Lab,CN=nobody'),
      OS_OSLO_MESSAGING_RABBIT__RABBIT_LOGIN_METHOD: 'EXTERNAL',
    };
    await faulty(start('kerbside-proxy', tls(env)), 'refused by the broker');
  });

  test.each([
    ['another authority', (): string => certificates.wrongAuthority.caPath],
    ['the authorities of the system', (): string => ''],
  ])('a broker is not trusted by %s', async (_title, path) => {
    const env = tls({ OS_OSLO_MESSAGING_RABBIT__SSL_CA_FILE: path() });
    await faulty(start('kerbside-proxy', env), 'unknown authority');
  });

  test('a broker whose certificate names another host is trusted only when names do not count', async () => {
    const url = `${vhost.url([broker.tlsPort]).replace('127.0.0.1', '127.0.0.2')}?ssl=1`;
    const forward = await forwarder('127.0.0.2', broker.tlsPort);
    try {
      await faulty(start('kerbside-api', tls({ OS_DEFAULT__TRANSPORT_URL: url })), 'names another host');
      const env = { OS_OSLO_MESSAGING_RABBIT__SSL_ENFORCE_HOSTNAME_VERIFICATION: 'false' };
      await started('kerbside-proxy', tls({ ...env, OS_DEFAULT__TRANSPORT_URL: url }));
    } finally {
      await forward();
    }
  });

  test('a broker without TLS is a fault, not a wait', async () => {
    const url = `${vhost.url()}?ssl=1`;
    const proxy = start('kerbside-proxy', tls({ OS_DEFAULT__TRANSPORT_URL: url }));
    await waitFor('a fault is named', () => proxy.status().fault !== 'not connected yet');
    expect(proxy.status().state).toBe('disconnected');
  });
});

/** Passes the same port on, from another loopback address; gives the function that ends it. */
async function forwarder(address: string, port: number): Promise<() => Promise<void>> {
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    client.on('error', () => upstream.destroy()).pipe(upstream);
    upstream.on('error', () => client.destroy()).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(port, address, resolve));
  return () => {
    server.close();
    return Promise.resolve();
  };
}

/** A notification of Nova. */
function nova(): Buffer {
  const names = { messageId: 'm-1', uniqueId: 'u-1', publisherId: 'compute.host' };
  const what = { eventType: 'compute.instance.update', priority: 'info', timestamp: 1, payload: {} };
  return encodeNotification({ ...names, ...what }, 2);
}

function cast(method: string, args: Readonly<Record<string, unknown>>): string {
  const message = { method, args, origin: 'stranger', _unique_id: 'u' };
  return JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': JSON.stringify(message) });
}
