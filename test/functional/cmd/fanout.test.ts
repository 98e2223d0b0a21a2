// SPDX-License-Identifier: Apache-2.0
// Two proxies, two REST services and a conductor as programs of their own on one MariaDB and one RabbitMQ: what ends on
// one node ends on all, with the broker and without; those who listen for notifications hear of it; and a node that was
// frozen until it was taken for dead puts its records right.
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { connect } from 'amqplib';
import type { ChannelModel } from 'amqplib';
import { openDatabase, type OpenDatabase } from '../../fixtures/open-database.js';
import { decodeNotification } from '../../../src/messaging/envelope.js';
import { ConsoleTokens } from '../../../src/objects/console-token.js';
import { Consoles } from '../../../src/objects/console.js';
import { Sources } from '../../../src/objects/source.js';
import { startMariaDb } from '../../fixtures/mariadb.js';
import type { MariaDb } from '../../fixtures/mariadb.js';
import { waitFor, waitForOutput } from '../../fixtures/program.js';
import type { Program } from '../../fixtures/program.js';
import { startRabbitMq, TEST_WITH_START_MS } from '../../fixtures/rabbitmq.js';
import type { RabbitMq, VirtualHost } from '../../fixtures/rabbitmq.js';
import { SpiceClient, type ClientChannel } from '../../fixtures/spice-client.js';
import { SpiceServer } from '../../fixtures/spice-server.js';
import { apiPort, Site } from './site.js';

jest.setTimeout(TEST_WITH_START_MS);

const [UUID, OTHER] = ['11111111-2222-3333-4444-555555555555', '66666666-7777-8888-9999-000000000000'];
const PROJECT = 'a1b2c3';
const DOWN_TIME = 2.4;
/** Seconds between polls of a proxy: hardly one comes before a test gives up, or the next one comes soon. */
const [RARELY, SOON] = [60, 1];
const GIVE_UP_MS = 20_000;

interface Heard {
  readonly type: string;
  readonly publisher: string;
  readonly data: Readonly<Record<string, unknown>>;
}

interface Session {
  readonly id: string;
  readonly client: SpiceClient;
  readonly main: ClientChannel;
  /** Those of the other proxy last. */
  readonly channels: readonly ClientChannel[];
}

const site = new Site();
let mariadb: MariaDb;
let rabbitmq: RabbitMq;
let vhost: VirtualHost;
let db: OpenDatabase;
let hypervisors: SpiceServer[];
let proxies: Program[] = [];
let apis: Program[];
let bearer: string;
let env: Record<string, string>;
let consumer: ChannelModel;
const heard: Heard[] = [];
const clients: SpiceClient[] = [];

beforeAll(async () => {
  [mariadb, rabbitmq] = await Promise.all([startMariaDb(), startRabbitMq()]);
  hypervisors = [await SpiceServer.start({}), await SpiceServer.start({})];
  vhost = await rabbitmq.createVirtualHost();
  const connection = mariadb.url(await mariadb.createSchema());
  const encryptionKeyFile = join(site.folder, 'encryption.key');
  db = await openDatabase({ connection, encryptionKeyFile, maxPoolSize: 4 }, { sync: true });
  env = {
    OS_DATABASE__CONNECTION: connection,
    OS_DATABASE__ENCRYPTION_KEY_FILE: encryptionKeyFile,
    OS_DEFAULT__TRANSPORT_URL: vhost.url(),
    OS_DEFAULT__REPORT_INTERVAL: String(DOWN_TIME / 3),
    OS_DEFAULT__SERVICE_DOWN_TIME: String(DOWN_TIME),
    OS_OSLO_MESSAGING_NOTIFICATIONS__DRIVER: 'messagingv2',
    OS_SPICE__WORKERS: '1',
    OS_CONSOLE__CONCURRENT_SESSIONS: 'share',
    // A late channel waits for a database that is started again, which takes its time on a busy machine.
    OS_PROXY__CONTROL_TIMEOUT: '30',
    // A conductor whose lease ended meanwhile reads its sources file anew, and removes what does not stand in it.
    OS_CONDUCTOR__LEASE_TIME: '300',
    OS_METRICS__CONDUCTOR_PORT: '0',
  };
  apis = await Promise.all([start('api', 'one'), start('api', 'two')]);
  await start('conductor', 'one');
  // Now that the conductor has read its sources file, which has none.
  await addConsoles();
  bearer = (await site.run('manage', ['token', 'create', '--subject', 'ann', '--admin'])).stdout.trim();
  await consume();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});
afterAll(async () => {
  await consumer.close().catch(() => undefined);
  await site.close();
  await Promise.all(hypervisors.map((server) => server.close()));
  await db.close();
  await Promise.all([mariadb.stop(), rabbitmq.stop()]);
});

function start(
  name: 'proxy' | 'api' | 'conductor',
  node: string,
  options: Readonly<Record<string, string>> = {},
): Promise<Program> {
  return site.start(name, { env: { ...env, ...options, OS_DEFAULT__NODE_NAME: node } });
}

/** Two proxies for the tests of a block. */
function withProxies(pollInterval: number): void {
  beforeAll(async () => {
    const options = { OS_PROXY__POLL_INTERVAL: String(pollInterval) };
    proxies = await Promise.all([start('proxy', 'one', options), start('proxy', 'two', options)]);
  });
  afterAll(async () => {
    for (const proxy of proxies) proxy.child.kill('SIGCONT');
    await Promise.all(proxies.map((proxy) => proxy.stop(0)));
  });
}

/** Listens to notifications. */
async function consume(): Promise<void> {
  consumer = await connect(vhost.url().replace('rabbit:', 'amqp:'));
  consumer.on('error', () => undefined);
  const channel = await consumer.createChannel();
  // As a consumer that was there first would make it.
  await channel.assertQueue('notifications.info', { durable: false, autoDelete: false });
  await channel.consume('notifications.info', (message) => take(message?.content), { noAck: true });
}

async function addConsoles(): Promise<void> {
  await new Sources(db).upsert({ name: 'lab', type: 'static' });
  const consoles = hypervisors.map(({ host, plainPort }, at) => ({
    ...{ uuid: at === 0 ? UUID : OTHER, name: 'desk', hypervisor: 'localhost', hypervisorIp: host },
    ...{ insecurePort: plainPort, securePort: null, hostSubject: null, ticket: 's3cret' },
    ...{ projectId: PROJECT, userId: 'u-17' },
  }));
  await new Consoles(db, { node: 'test', pid: 1 }).reconcile('lab', consoles);
}

function take(body: Buffer | undefined): void {
  if (body === undefined) return;
  const decoded = decodeNotification(body, 65_536);
  if (!decoded.ok) throw new Error(decoded.fault);
  const { eventType: type, publisherId: publisher, payload } = decoded.value;
  heard.push({
    type,
    publisher,
    data: (payload as Record<string, Heard['data']>)['kerbside_object.data'] ?? {},
  });
}

/** Waits for a notification about a session. */
function told(type: string, sessionId: string): Promise<Heard> {
  return waitFor(`${type} of ${sessionId}`, () =>
    heard.find((one) => one.type === type && one.data['session_id'] === sessionId),
  );
}

function endsOf({ id }: Session): Heard[] {
  return heard.filter(({ type, data }) => type === 'kerbside.session.end' && data['session_id'] === id);
}

function securePort(proxy: Program): number {
  return Number(/secure SPICE listener bound port=(\d+)/.exec(proxy.output())?.[1]);
}

/** Opens a session: main and inputs on one proxy, display and cursor on the other. */
async function open(mainOn = 0, othersOn = 1 - mainOn, uuid = UUID): Promise<Session> {
  const minted = await new ConsoleTokens(db, { tokenTtl: 60 }).mint({
    ...{ source: 'lab', uuid, issuedTo: 'ann' },
  });
  const port = securePort(proxies[mainOn] as Program);
  const tls = { rejectUnauthorized: false };
  const client = new SpiceClient({ port, tls, password: minted.token });
  clients.push(client);
  const main = await client.openMain();
  const away = { port: securePort(proxies[othersOn] as Program) };
  const channels = [
    main,
    await client.open('inputs'),
    await client.open('display', 0, away),
    await client.open('cursor', 0, away),
  ];
  return { id: minted.sessionId, client, main, channels };
}

/** Waits until all channels are closed. */
async function ends(channels: readonly ClientChannel[]): Promise<void> {
  await waitFor('the end of all channels', () => channels.every(({ closeReason }) => closeReason !== null), {
    giveUpMs: GIVE_UP_MS,
    everyMs: 5,
  });
}

/** Ends a session and waits until all its channels are closed; says in the output of the tests how long that took. */
async function endsBy({ channels }: Session, how: string, end: () => Promise<unknown>): Promise<void> {
  const since = performance.now();
  await end();
  await ends(channels);
  const seconds = ((performance.now() - since) / 1000).toFixed(3);
  process.stdout.write(`${how}: all channels closed after ${seconds} s\n`);
}

async function post(api: number, path: string): Promise<number> {
  const url = `http://127.0.0.1:${apiPort(apis[api] as Program)}${path}`;
  const headers = { authorization: `Bearer ${bearer}`, accept: 'application/json' };
  return (await fetch(url, { method: 'POST', headers })).status;
}

const terminate = (api: number, session: Session): Promise<number> =>
  post(api, `/session/${session.id}/terminate`);

/** The rows of a session that are open, and its state. */
async function rows({ id }: Session): Promise<{ state: string; mainRef: boolean; open: number }> {
  const [session] = await db.query<{ state: string; main_ref: string | null }>(
    'SELECT state, main_ref FROM console_sessions WHERE session_id = ?',
    [id],
  );
  const open = await db.query('SELECT id FROM console_connections WHERE session_id = ? AND closed IS NULL', [
    id,
  ]);
  return { state: session?.state ?? '', mainRef: session?.main_ref !== null, open: open.length };
}

describe('a session whose channels are on two proxies', () => {
  withProxies(RARELY);

  it.each([0, 1])('ends everywhere without a poll when API %d is told to', async (api) => {
    const session = await open();
    await endsBy(session, `terminate with the broker, API ${api}`, () => terminate(api, session));
    expect((await told('kerbside.session.terminate', session.id)).data).toMatchObject({
      ...{ source: 'lab', uuid: UUID, requested_by: 'user', request_user: 'ann' },
      reason: 'session terminated by request',
    });
  });

  it('ends everywhere at once when its console is terminated', async () => {
    const session = await open(1);
    await endsBy(session, 'terminate of the console', () => post(0, `/console/lab/${UUID}/terminate`));
  });

  it('ends everywhere at once with its main channel, and those who listen hear what it came to', async () => {
    const session = await open();
    const started = await told('kerbside.session.start', session.id);
    expect(started).toMatchObject({
      publisher: 'kerbside-proxy:one',
      data: {
        ...{ generation: 1, source: 'lab', uuid: UUID, project_id: PROJECT, user_id: 'u-17' },
        ...{ issued_to: 'ann', client_address: '127.0.0.1', node: 'one' },
      },
    });
    await endsBy(session, 'end of the main channel', () => session.main.close());
    const { data } = await told('kerbside.session.end', session.id);
    expect(data).toMatchObject({
      ...{ generation: 1, source: 'lab', issued_to: 'ann', node: 'one', channels: 4 },
    });
    expect(data['reason']).toMatch(/^client (closed|connection lost)$/);
    expect(data['bytes_down']).toBeGreaterThan(0);
    const sums = await db.query<{ down: string }>(
      'SELECT SUM(bytes_down) AS down FROM console_connections WHERE session_id = ?',
      [session.id],
    );
    expect(data['bytes_down']).toBe(Number(sums[0]?.down));
  });

  it('ends everywhere at once by kerbside-manage', async () => {
    const session = await open();
    const result = await site.run('manage', ['session', 'terminate', session.id], env);
    expect(result).toMatchObject({ status: 0, stdout: `session ${session.id} terminated\n` });
    await ends(session.channels);
    expect((await told('kerbside.session.terminate', session.id)).data).toMatchObject({
      requested_by: 'operator',
    });
  });

  it('is refused to strangers without a flood of notifications', async () => {
    const before = heard.length;
    const strangers = Array.from({ length: 20 }, async () => {
      const port = securePort(proxies[0] as Program);
      const client = new SpiceClient({ port, tls: { rejectUnauthorized: false }, password: 'x'.repeat(48) });
      clients.push(client);
      return client.link('main', 0, { connectionId: 0 });
    });
    for (const { outcome } of await Promise.all(strangers))
      expect(outcome).toEqual({ type: 'result', code: 7 });
    const refused = (): Heard[] =>
      heard.slice(before).filter(({ type }) => type === 'kerbside.console.refused');
    await waitFor('a refusal', () => refused().length > 0);
    expect(refused()).toMatchObject([
      { data: { reason: 'token_unknown', source: null, uuid: null, client_address: '127.0.0.1' } },
    ]);
    expect(JSON.stringify(heard)).not.toContain('xxxx');
  });

  it('is refused to a ticket that cannot be a token, without a look at the database, and that is told too', async () => {
    const port = securePort(proxies[0] as Program);
    const client = new SpiceClient({ port, tls: { rejectUnauthorized: false }, password: '' });
    clients.push(client);
    const { outcome } = await client.link('main', 0, { connectionId: 0 });
    expect(outcome).toEqual({ type: 'result', code: 7 });
    const malformed = ({ type, data }: Heard): boolean =>
      type === 'kerbside.console.refused' && data['reason'] === 'token_malformed';
    const { data } = await waitFor('the refusal', () => heard.find(malformed));
    expect(data).toMatchObject({ source: null, uuid: null, session_id: null, client_address: '127.0.0.1' });
  });
});

describe('proxies that poll soon', () => {
  withProxies(SOON);

  describe('a proxy that was frozen until it was taken for dead', () => {
    it('goes on with what is its own, and ends what others have given up', async () => {
      const [own, shared] = [await open(1, 1), await open(1, 0, OTHER)];
      const frozen = proxies[1] as Program;
      frozen.child.kill('SIGSTOP');
      await waitFor('the end of its rows', async () => (await rows(own)).open === 0);
      // The other proxy ends its part of a session whose main channel is lost.
      await ends(shared.channels.slice(2));
      await waitFor('their rows', async () => (await rows(shared)).open === 0);
      frozen.child.kill('SIGCONT');
      await ends(shared.channels);
      await waitFor('its rows', async () => (await rows(own)).open === own.channels.length);
      expect(await rows(own)).toEqual({ state: 'active', mainRef: true, open: 4 });
      await waitFor('the end of the others', async () => (await rows(shared)).open === 0);
      expect(own.channels.map(({ closeReason }) => closeReason)).toEqual([null, null, null, null]);
      await waitForOutput(frozen, 'channels that ran on while this node was taken for dead');
      // Audit events are gathered, and come in a moment after what they tell.
      const audited = async (session: Session, like: string): Promise<number> => {
        const sql = 'SELECT message FROM audit_events WHERE session_id = ? AND message LIKE ?';
        return (await db.query(sql, [session.id, like])).length;
      };
      await waitFor('the word of its loss', async () => (await audited(own, 'Node lost')) === 1);
      await waitFor(
        'the word of its return',
        async () => (await audited(own, 'Node back, the session goes on')) === 1,
      );
      await waitFor(
        'the word of the others',
        async () => (await audited(shared, 'Channel closed: node lost%')) === 2,
      );
      await endsBy(own, 'terminate of what goes on', () => terminate(0, own));
      // A conductor tells of what was lost, and its node, being back, does not tell once more.
      const terminated = (): Heard[] =>
        endsOf(own).filter(({ data }) => data['reason'] === 'terminated by request');
      await waitFor('the end of the first', () => terminated().length > 0);
      expect(terminated()).toMatchObject([{ publisher: 'kerbside-proxy:two' }]);
      expect(endsOf(shared)).toMatchObject([
        { publisher: 'kerbside-conductor:one', data: { reason: 'node lost' } },
      ]);
    });
  });

  describe('a broker that takes nothing', () => {
    it('because its disk is full holds up no session; what waited goes out later', async () => {
      await rabbitmq.setDiskAlarm(true);
      const session = await open();
      await endsBy(session, 'terminate while the disk is full', () => terminate(0, session));
      await rabbitmq.setDiskAlarm(false);
      await told('kerbside.session.start', session.id);
      await told('kerbside.session.end', session.id);
    });

    it('because it is dead costs a poll interval', async () => {
      const [session, byHand] = [await open(), await open()];
      await consumer.close();
      await rabbitmq.kill();
      try {
        await endsBy(session, 'terminate without the broker', () => terminate(1, session));
        const result = await site.run('manage', ['session', 'terminate', byHand.id], env);
        expect(result.status).toBe(0);
        await ends(byHand.channels);
      } finally {
        await rabbitmq.restart();
        await consume();
      }
    });
  });

  describe('while the database is away', () => {
    it('a late channel of a session waits for it: on the node of the session, and on another one', async () => {
      const { client } = await open();
      await mariadb.kill();
      const late = [
        client.open('playback'),
        client.open('record', 0, { port: securePort(proxies[1] as Program) }),
      ];
      await mariadb.restart();
      const channels = await Promise.all(late);
      expect(channels.map(({ closeReason }) => closeReason)).toEqual([null, null]);
    });

    it('sessions go on, new ones are refused with a reason, and what ended meanwhile is written later', async () => {
      const session = await open();
      const proxy = proxies[0] as Program;
      const stranger = new SpiceClient({
        ...{ port: securePort(proxy), tls: { rejectUnauthorized: false }, password: 'y'.repeat(48) },
      });
      clients.push(stranger);
      await mariadb.kill();
      for (let attempt = 0; attempt < 3; attempt += 1) {
        const { outcome } = await stranger.link('main', 0, { connectionId: 0 });
        expect(outcome).toMatchObject({ type: 'closed', stage: 'result' });
      }
      await session.channels[3]?.close();
      expect(session.channels.slice(0, 3).map(({ closeReason }) => closeReason)).toEqual([null, null, null]);
      await waitForOutput(proxy, 'reason=database_away', 3);
      expect(proxy.output().match(/reason=database_away|the database is away: running/g)).toHaveLength(4);
      await mariadb.restart();
      await waitFor('the row of the channel', async () => (await rows(session)).open === 3);
      await stranger.link('main', 0, { connectionId: 0 });
      await waitFor('the audit event', async () => {
        const [found] = await db.query(
          "SELECT id FROM audit_events WHERE message LIKE 'Channels refused while%: 3'",
        );
        return found;
      });
      await endsBy(session, 'terminate after it came back', () => terminate(1, session));
    });
  });
});
