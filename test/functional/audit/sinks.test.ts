// SPDX-License-Identifier: Apache-2.0
// Audit events leave the house: into a file, to a real rsyslogd over TLS, to a real RabbitMQ. What the other side does wrong
// makes them wait in the database, and come again; none is left out.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { CadfSink } from '../../../src/audit/cadf-sink.js';
import { AuditExport } from '../../../src/audit/export.js';
import { JsonLinesSink } from '../../../src/audit/json-lines.js';
import { AuditMetrics } from '../../../src/audit/metrics.js';
import type { AuditSink } from '../../../src/audit/sink.js';
import { SyslogSink, type SyslogServer } from '../../../src/audit/syslog-sink.js';
import type { Database } from '../../../src/db/database.js';
import { decodeNotification } from '../../../src/messaging/envelope.js';
import { auditSender } from '../../../src/messaging/messaging.js';
import type { ConfirmedSender } from '../../../src/messaging/confirmed-sender.js';
import { AuditCursors } from '../../../src/objects/audit-cursor.js';
import { reapAuditEvents } from '../../../src/objects/audit-retention.js';
import { AmqpPeer } from '../../fixtures/amqp-peer.js';
import { sealAll, writeEvents } from '../../fixtures/audit-trail.js';
import { makeCertificates, type Certificates } from '../../fixtures/certificates.js';
import { databasesOf, ENGINES } from '../../fixtures/database.js';
import { messagingConf } from '../../fixtures/messaging-conf.js';
import { waitFor } from '../../fixtures/program.js';
import { startRabbitMq, TEST_WITH_START_MS, type RabbitMq } from '../../fixtures/rabbitmq.js';
import { startRsyslogd, type Rsyslogd } from '../../fixtures/rsyslogd.js';
import { scratchFolder } from '../../fixtures/scratch.js';

jest.setTimeout(TEST_WITH_START_MS);

const NEVER = new AbortController().signal;
/** Milliseconds that a sink has in these tests where it is to run out of them. */
const SHORT_MS = 300;

let folder: string;
beforeEach(() => {
  folder = scratchFolder('audit-');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function exportTo(db: Database, sink: AuditSink, deliveryTime?: number): () => Promise<void> {
  const served = new AuditExport(sink, new AuditMetrics(db, [sink.name]), deliveryTime);
  return () => served.run(db, NEVER);
}

/** Makes the cursor of a sink, as the first turn does, and writes events that come after it. */
async function written(db: Database, sink: AuditSink, count: number): Promise<void> {
  await new AuditCursors(db).open(sink.name);
  await writeEvents(db, count);
  await sealAll(db);
}

const backlogOf = async (db: Database): Promise<number | undefined> =>
  (await new AuditCursors(db).states())[0]?.backlog;
const linesOf = (path: string): Record<string, unknown>[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const messagesIn = (path: string): unknown[] => linesOf(path).map(({ message }) => message);
const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_none, at) => `event ${from + at}`);

describe.each(ENGINES)('a file of JSON lines, from %s', (engine) => {
  const databases = databasesOf(engine);

  it('has every event from the beginning of the sink on, in order, with all that is known of it', async () => {
    const db = await databases.fresh();
    await writeEvents(db, 3);
    await sealAll(db);
    const path = join(folder, 'audit.jsonl');
    const sink = new JsonLinesSink(path, { maxBytes: 0, keep: 0 });
    await written(db, sink, 450);
    await exportTo(db, sink)();
    expect(messagesIn(path)).toEqual(numbered(1, 450));
    expect(linesOf(path)[0]).toEqual({
      ...{ position: 4, previous: expect.stringMatching(/^[0-9a-f]{64}$/), digest: expect.any(String) },
      ...{ id: 4, source: 'lab', uuid: 'a', timestamp: 1000, session_id: null, channel: null, node: null },
      ...{ pid: null, message: 'event 1', issued_to: null, client_ip: null, service: 'kerbside-proxy' },
      ...{
        requested_by: null,
        request_user: null,
        request_user_id: null,
        request_id: null,
        request_ip: null,
      },
    });
    expect(await backlogOf(db)).toBe(0);
  });

  it('is followed when logrotate moves it, and makes room by itself when it is to', async () => {
    const db = await databases.fresh();
    const path = join(folder, 'audit.jsonl');
    const sink = new JsonLinesSink(path, { maxBytes: 0, keep: 0 });
    await written(db, sink, 2);
    await exportTo(db, sink)();
    renameSync(path, `${path}-20270101`);
    await writeEvents(db, 1, { message: 'after it was moved' });
    await sealAll(db);
    await exportTo(db, sink)();
    expect(messagesIn(`${path}-20270101`)).toEqual(['event 1', 'event 2']);
    expect(messagesIn(path)).toEqual(['after it was moved']);
    await sink.close();

    const small = new JsonLinesSink(path, { maxBytes: 500, keep: 2 });
    for (const message of ['one', 'two', 'three', 'four']) {
      await writeEvents(db, 1, { message });
      await sealAll(db);
      await exportTo(db, small)();
    }
    expect([path, `${path}.1`, `${path}.2`].map(messagesIn)).toEqual([['four'], ['three'], ['two']]);
    expect(() => readFileSync(`${path}.3`)).toThrow('ENOENT');
    await small.close();
  });

  it('has no part of a line that was never finished', async () => {
    const db = await databases.fresh();
    const path = join(folder, 'audit.jsonl');
    writeFileSync(path, '{"message":"before"}\n{"message":"to');
    const sink = new JsonLinesSink(path, { maxBytes: 0, keep: 0 });
    await written(db, sink, 1);
    await exportTo(db, sink)();
    expect(messagesIn(path)).toEqual(['before', 'event 1']);
  });

  it('that cannot be written lets events wait, and has them all later', async () => {
    const db = await databases.fresh();
    const path = join(folder, 'gone', 'audit.jsonl');
    const sink = new JsonLinesSink(path, { maxBytes: 0, keep: 0 });
    await written(db, sink, 2);
    const run = exportTo(db, sink);
    await expect(run()).rejects.toThrow(/audit\.jsonl cannot be written \(ENOENT\); see to its disk/);
    expect(await backlogOf(db)).toBe(2);
    mkdirSync(join(folder, 'gone'));
    await run();
    expect(messagesIn(path)).toEqual(['event 1', 'event 2']);
  });

  it('tells in the metrics what waits, what went and what was lost', async () => {
    const db = await databases.fresh();
    const sink = new JsonLinesSink(join(folder, 'audit.jsonl'), { maxBytes: 0, keep: 0 });
    const metrics = new AuditMetrics(db, ['jsonl']);
    await written(db, sink, 5);
    await writeEvents(db, 3);
    expect(await metrics.text()).toMatch(/kerbside_audit_backlog_events\{sink="jsonl"\} 5\n/);
    expect(await metrics.text()).toMatch(/kerbside_audit_unsealed_events 3\n/);
    await reapAuditEvents(db, { maxAge: 0 }, 1002);
    await new AuditExport(sink, metrics).run(db, NEVER);
    const text = await metrics.text();
    expect(text).toMatch(/kerbside_audit_backlog_events\{sink="jsonl"\} 0\n/);
    expect(text).toMatch(/kerbside_audit_backlog_seconds\{sink="jsonl"\} 0\n/);
    expect(text).toMatch(/kerbside_audit_delivered_total\{sink="jsonl"\} 3\n/);
    expect(text).toMatch(/kerbside_audit_lost_total\{sink="jsonl"\} 2\n/);
  });
});

describe('a syslog server', () => {
  const databases = databasesOf('sqlite');
  let certificates: Certificates;
  let rsyslogd: Rsyslogd | undefined;
  let listening: Server | undefined;
  const sockets = new Set<Socket>();
  beforeAll(() => {
    certificates = makeCertificates();
  });
  afterAll(() => certificates.remove());
  afterEach(async () => {
    await rsyslogd?.stop();
    for (const socket of sockets) socket.destroy();
    listening?.close();
    [rsyslogd, listening] = [undefined, undefined];
  });

  function sinkAt(port: number, change: Partial<SyslogServer> = {}): SyslogSink {
    const { cert, key } = certificates.authority.issue({ usage: 'clientAuth' });
    const { ca } = certificates.authority;
    const server = { host: '127.0.0.1', port, facility: 'audit', ca, cert, key, ...change } as const;
    return new SyslogSink(server, 'node-a');
  }

  /** A server that speaks TLS, and does with its clients what it is told. */
  async function serve(act: (socket: TLSSocket) => void): Promise<number> {
    const { cert, key } = certificates.ecdsa;
    const server = createServer({ cert, key }, (socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      act(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    listening = server;
    return (server.address() as AddressInfo).port;
  }

  it('gets each event as a message of RFC 5424, in order, and Kerbside knows that it has it', async () => {
    const db = await databases.fresh();
    rsyslogd = await startRsyslogd(folder, certificates.ecdsa, certificates.authority.caPath);
    const sink = sinkAt(rsyslogd.port);
    await written(db, sink, 450);
    await writeEvents(db, 1, {
      ...{ message: 'Refused: kůň "🐎"\n2', node: 'nœud 1', pid: 42, timestamp: 1_800_000_000.25 },
    });
    await sealAll(db);
    await exportTo(db, sink)();
    expect(await backlogOf(db)).toBe(0);
    const messages = await waitFor('all messages', () => {
      const got = rsyslogd?.messages() ?? [];
      return got.length >= 451 && got;
    });
    const texts = messages.map(({ text }) => (JSON.parse(text) as { message: string }).message);
    expect(texts).toEqual([...numbered(1, 450), 'Refused: kůň "🐎"\n2']);
    expect(messages[0]).toMatchObject({ priority: 110, hostname: 'node-a', procId: '-', msgId: 'unknown' });
    expect(messages[450]).toMatchObject({
      ...{ priority: 108, hostname: 'n_ud_1', appName: 'kerbside-proxy', procId: '42', msgId: 'deny' },
      data: expect.stringMatching(
        /^\[meta sequenceId="451"\]\[origin software="kerbside" swVersion="[\d.]+"\]$/,
      ),
    });
    expect(Date.parse(messages[450]?.time ?? '')).toBe(1_800_000_000_250);
  });

  it('that is away, and comes back, has missed nothing', async () => {
    const db = await databases.fresh();
    rsyslogd = await startRsyslogd(folder, certificates.ecdsa, certificates.authority.caPath);
    const sink = sinkAt(rsyslogd.port);
    await written(db, sink, 3);
    await rsyslogd.stop();
    const run = exportTo(db, sink);
    await expect(run()).rejects.toThrow(`syslog server 127.0.0.1:${rsyslogd.port}: connection refused`);
    expect(await backlogOf(db)).toBe(3);
    await rsyslogd.restart();
    await run();
    await waitFor('all messages', () => rsyslogd?.messages().length === 3);
  });

  it.each<[string, (socket: TLSSocket) => void, RegExp]>([
    ['reads nothing', (socket) => socket.pause(), /did not (read|close)/],
    ['cuts the connection at once', (socket) => socket.destroy(), /before it had everything/],
    [
      'never closes',
      (socket) => void Object.assign(socket.resume(), { allowHalfOpen: true }),
      /did not close the connection after the last message/,
    ],
    ['floods', (socket) => flood(socket), /did not|before it had/],
  ])('that %s holds up nothing and gets the events again', async (_what, act, fault) => {
    const db = await databases.fresh();
    const port = await serve(act);
    const sink = sinkAt(port);
    await written(db, sink, 200);
    await expect(exportTo(db, sink, SHORT_MS)()).rejects.toThrow(fault);
    expect(await backlogOf(db)).toBe(200);
  });

  it('is not believed with another name, another authority, or without TLS', async () => {
    const db = await databases.fresh();
    const port = await serve((socket) => socket.resume());
    await written(db, sinkAt(port), 1);
    await expect(exportTo(db, sinkAt(port, { ca: undefined }))()).rejects.toThrow(
      'its certificate is of an unknown authority; see [audit] syslog_ca_file',
    );
    await expect(exportTo(db, sinkAt(port, { host: '127.0.0.2' }), SHORT_MS)()).rejects.toThrow(
      /syslog server/,
    );
    expect(await backlogOf(db)).toBe(1);
    await exportTo(db, sinkAt(port))();
    expect(await backlogOf(db)).toBe(0);
  });
});

function flood(socket: TLSSocket): void {
  const more = (): void => {
    while (socket.write(Buffer.alloc(65_536))) continue;
    socket.once('drain', more);
  };
  more();
}

describe('a broker', () => {
  const databases = databasesOf('sqlite');
  let rabbit: RabbitMq;
  let sender: ConfirmedSender | undefined;
  let peer: AmqpPeer | undefined;
  beforeAll(async () => {
    rabbit = await startRabbitMq();
  }, TEST_WITH_START_MS);
  afterAll(() => rabbit.stop());
  afterEach(async () => {
    await sender?.close();
    await peer?.close();
  });

  async function cadfSink(env: Record<string, string> = {}): Promise<{ sink: CadfSink; peer: AmqpPeer }> {
    const vhost = await rabbit.createVirtualHost();
    const conf = messagingConf({ OS_AUDIT__CADF_TRANSPORT_URL: vhost.url(), ...env });
    sender = auditSender(conf, 'kerbside-conductor');
    peer = await AmqpPeer.connect(vhost, rabbit.port);
    return { sink: new CadfSink(sender, 'node-a'), peer };
  }

  async function takeAll(from: AmqpPeer, count: number): Promise<Record<string, unknown>[]> {
    const payloads: Record<string, unknown>[] = [];
    for (let n = 0; n < count; n += 1) {
      const { content } = await from.take('audit.info');
      const decoded = decodeNotification(content, 1_000_000);
      if (!decoded.ok) throw new Error(decoded.fault);
      expect(decoded.value).toMatchObject({
        ...{ eventType: 'audit.kerbside', priority: 'info', publisherId: 'kerbside-conductor:node-a' },
      });
      payloads.push(decoded.value.payload as Record<string, unknown>);
    }
    return payloads;
  }

  it('confirms each event as a CADF notification, in order', async () => {
    const db = await databases.fresh();
    const { sink, peer: at } = await cadfSink();
    await written(db, sink, 250);
    await writeEvents(db, 1, {
      ...{ message: 'Failed login of eve from ::1', source: '', uuid: '', timestamp: 1_800_000_000.5 },
      by: { kind: 'user', name: 'eve', userId: null, projectId: null, requestId: 'req-1', address: '::1' },
    });
    await sealAll(db);
    await exportTo(db, sink)();
    expect(await backlogOf(db)).toBe(0);
    const payloads = await takeAll(at, 251);
    const messageOf = (payload: Record<string, unknown>): unknown =>
      (payload['attachments'] as { content: { message: string } }[])[0]?.content.message;
    expect(payloads.slice(0, 250).map(messageOf)).toEqual(numbered(1, 250));
    expect(new Set(payloads.map(({ id }) => id)).size).toBe(251);
    expect(payloads[250]).toMatchObject({
      typeURI: 'http://schemas.dmtf.org/cloud/audit/1.0/event',
      ...{ eventType: 'activity', eventTime: '2027-01-15T08:00:00.500000+0000' },
      ...{ action: 'authenticate', outcome: 'failure' },
      reason: { reasonType: 'Kerbside', reasonCode: 'Failed login of eve from ::1' },
      initiator: { id: 'eve', name: 'eve', host: { address: '::1' }, request_id: 'req-1' },
      target: { id: 'unknown', name: 'kerbside' },
      observer: { id: 'node-a', name: 'kerbside-proxy' },
    });
  });

  it('that is killed or full lets events wait, and has them all later', async () => {
    const db = await databases.fresh();
    const { sink, peer: at } = await cadfSink({ OS_OSLO_MESSAGING_RABBIT__AMQP_DURABLE_QUEUES: 'true' });
    await written(db, sink, 2);
    const run = exportTo(db, sink);
    await run();
    await takeAll(at, 2);
    await at.close();
    await rabbit.setDiskAlarm(true);
    await writeEvents(db, 3, { from: 2000 });
    await sealAll(db);
    await expect(exportTo(db, sink, 2000)()).rejects.toThrow(/did not confirm in time|takes no messages/);
    expect(await backlogOf(db)).toBe(3);
    await rabbit.setDiskAlarm(false);
    await rabbit.kill();
    await expect(run()).rejects.toThrow(/not sent|was lost/);
    await rabbit.restart();
    await waitFor('all events at the broker', () =>
      run().then(
        () => true,
        () => false,
      ),
    );
    expect(await backlogOf(db)).toBe(0);
  });

  it('that nobody has named is asked for at the start', () => {
    expect(() => auditSender(messagingConf({}), 'kerbside')).toThrow(
      '[audit] cadf_transport_url: sink cadf has no broker; give its URL here, or set [DEFAULT] transport_url',
    );
  });
});
