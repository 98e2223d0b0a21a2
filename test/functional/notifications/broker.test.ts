// SPDX-License-Identifier: Apache-2.0
// The whole way: Nova publishes to a real RabbitMQ, Kerbside hears, and the client of a live session feels it within a
// second; and a broker that is away, refuses, or comes later.
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { SERVER_MESSAGE } from '../../../src/console/spice/message-types.js';
import { Cloud, SERVICE_PASSWORD } from '../../fixtures/cloud.js';
import { Site } from '../../fixtures/kerbside.js';
import type { FakeServer } from '../../fixtures/nova.js';
import { NovaPublisher } from '../../fixtures/nova-publisher.js';
import { delay, waitFor } from '../../fixtures/program.js';
import { startRabbitMq, TEST_WITH_START_MS } from '../../fixtures/rabbitmq.js';
import type { RabbitMq, VirtualHost } from '../../fixtures/rabbitmq.js';
import { encodeMessage } from '../../fixtures/spice-messages.js';
import { parseVvFile, type VvFile } from '../../fixtures/vv-file.js';

jest.setTimeout(TEST_WITH_START_MS);

const CLOUD = 'cloud';
/** No poll of the proxy may do what the news has to do. */
const SLOW_POLL = { OS_PROXY__POLL_INTERVAL: '60', OS_CONSOLE__RECONNECT_GRACE: '30' };
const QUICK = {
  OS_OSLO_MESSAGING_RABBIT__KOMBU_RECONNECT_DELAY: '0.2',
  OS_OSLO_MESSAGING_RABBIT__RABBIT_RETRY_BACKOFF: '0',
};

let broker: RabbitMq;
let cloud: Cloud;

beforeAll(async () => {
  [broker, cloud] = await Promise.all([startRabbitMq(), Cloud.start()]);
});
afterAll(async () => {
  await cloud.close();
  await broker.stop();
});

async function aSite(transportUrl: string): Promise<Site> {
  const site = await Site.start({ ...SLOW_POLL, ...QUICK, OS_DEFAULT__TRANSPORT_URL: transportUrl });
  await site.source({
    ...{ source: CLOUD, type: 'openstack', url: cloud.keystone.url, username: 'kerbside' },
    ...{ password: SERVICE_PASSWORD, project_name: 'service' },
  });
  return site;
}

async function health(site: Site): Promise<Record<string, string>> {
  const answer = await site.kerbside.api('GET', '/healthcheck');
  return JSON.parse(answer.body) as Record<string, string>;
}

const healthy = (site: Site, change: Readonly<Record<string, string>>): Promise<unknown> =>
  waitFor(`/healthcheck with ${JSON.stringify(change)}`, async () => {
    const said = await health(site);
    return Object.entries(change).every(([key, value]) => said[key] === value) ? said : null;
  });

describe('with a broker', () => {
  let site: Site;
  let vhost: VirtualHost;
  let nova: NovaPublisher;

  beforeAll(async () => {
    vhost = await broker.createVirtualHost();
    nova = await NovaPublisher.connect(broker, vhost);
    site = await aSite(vhost.url());
    await healthy(site, { messaging: 'connected', notifications: 'none yet' });
  });
  afterEach(() => site.tidy());
  afterAll(async () => {
    await nova.close();
    await site.stop();
  });

  async function instance(): Promise<FakeServer> {
    const id = randomUUID();
    const uuid = encodeMessage(SERVER_MESSAGE.main.UUID, Buffer.from(id.replaceAll('-', ''), 'hex'), {
      miniHeader: true,
    });
    const qemu = await site.hypervisor({ password: '', greeting: { main: uuid } });
    return cloud.server({ id, host: qemu.host, port: qemu.plainPort, tlsPort: null });
  }

  async function exchange(server: FakeServer): Promise<VvFile> {
    const answer = await site.kerbside.api('GET', `/nova?token=${cloud.nova.issue(server).token}`);
    if (answer.status !== 200) throw new Error(`no file: ${String(answer.status)} ${answer.body}`);
    return parseVvFile(answer.body);
  }

  /** A live session; milliseconds from now to its end. */
  async function session(server: FakeServer): Promise<{ end: () => Promise<number> }> {
    const client = await site.client(server.id, {}, await exchange(server));
    const main = await client.openMain();
    expect(main.linked).toBe(true);
    const closed = main.closed.then(() => performance.now());
    return {
      end: async () => {
        const now = performance.now();
        return (await closed) - now;
      },
    };
  }

  const row = async ({ id }: FakeServer): Promise<Record<string, unknown> | undefined> => {
    const answer = await site.kerbside.api('GET', `/v1/consoles/${CLOUD}/${id}`);
    return (JSON.parse(answer.body) as { console?: Record<string, unknown> }).console;
  };

  it.each([
    ['deleted', 'instance.delete.start', { taskState: 'deleting' }, false],
    ['powered off', 'instance.power_off.end', { state: 'stopped' }, true],
    ['suspended', 'instance.suspend.end', { state: 'suspended' }, true],
    ['rebooted hard', 'instance.reboot.start', { taskState: 'reboot_pending_hard' }, true],
  ] as const)('the session of an instance that is %s is over by that news', async (...given) => {
    const [, eventType, states, stays] = given;
    const server = await instance();
    const { end } = await session(server);
    await nova.tell(eventType, { uuid: server.id, ...states });
    await end();
    const trail = (await site.kerbside.api('GET', `/v1/audit-events?instance_uuid=${server.id}`)).body;
    expect(trail).toContain(`Session ended: Nova reports ${eventType}`);
    expect((await row(server)) !== undefined).toBe(stays);
  });

  it('the address of an instance that moves is asked for at once, and its session goes on', async () => {
    const server = await instance();
    const { end } = await session(server);
    const ended = end();
    Object.assign(server, { computeHost: 'compute-9', host: '192.0.2.99', port: 5999 });
    await nova.tell('instance.reboot.end', { uuid: server.id, host: 'compute-9' });
    await waitFor('the new address', async () =>
      (await row(server))?.['hypervisor_ip'] === '192.0.2.99' ? true : null,
    );
    expect(await Promise.race([ended, delay(300).then(() => 'alive')])).toBe('alive');
  });

  it('says so in /healthcheck and in the metrics, and holds no uuid in a label', async () => {
    await nova.tell('instance.pause.end', { uuid: randomUUID() });
    await healthy(site, { result: 'ok', messaging: 'connected', notifications: 'receiving' });
    const of = (name: string): Promise<number> => site.metricAtLeast(`kerbside_notifications_${name}`, 1);
    await of('received_total{format="versioned",outcome="event"}');
    await of('handled_total{event="pause",outcome="no_console"}');
    await of('connected');
    expect(await of('last_timestamp_seconds')).toBeGreaterThan(Date.now() / 1000 - 60);
    expect(await site.metric('kerbside_messaging_connected')).toBe(1);
    expect(await site.kerbside.metrics()).not.toMatch(/kerbside_notifications_.*[0-9a-f]{8}-[0-9a-f]{4}/);
  });

  it('gives what is no event to the dead letters, and goes on', async () => {
    const before = await site.metric('kerbside_notifications_dead_lettered');
    await nova.raw(Buffer.from('{"oslo.version": "2.0"'));
    await nova.tell('instance.pause.end', { uuid: 'no uuid' });
    await site.metricAtLeast('kerbside_notifications_dead_lettered', before + 2);
    await site.metricAtLeast(
      'kerbside_notifications_received_total{format="versioned",outcome="malformed"}',
      1,
    );
    const server = await instance();
    const { end } = await session(server);
    await nova.tell('instance.delete.end', { uuid: server.id, state: 'deleted' });
    await end();
  });
});

describe('without one', () => {
  it('it starts, says so, and takes up the broker that comes to its senses later', async () => {
    const vhost = await broker.createVirtualHost();
    await broker.setPassword(vhost.user, 'another one');
    const site = await aSite(vhost.url());
    try {
      await healthy(site, { result: 'ok', messaging: 'disconnected', notifications: 'disconnected' });
      expect(await site.metric('kerbside_messaging_connected')).toBe(0);
      expect(await site.metric('kerbside_notifications_connected')).toBe(0);
      await broker.setPassword(vhost.user, vhost.password);
      await healthy(site, { messaging: 'connected', notifications: 'none yet' });
      const nova = await NovaPublisher.connect(broker, vhost);
      await nova.tell('instance.pause.end', { uuid: randomUUID() });
      await healthy(site, { notifications: 'receiving' });
      await nova.close();
    } finally {
      await site.stop();
    }
  });
});
