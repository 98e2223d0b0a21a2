// SPDX-License-Identifier: Apache-2.0
// What a desktop costs the database: its ten channels, from the token to the end of the last, as the server counts it. And
// that what is spared is no right: who may open a channel is decided by the database as before.
import { describe, expect, it } from '@jest/globals';
import { AuditQueue } from '../../../src/console/control/audit-queue.js';
import { ControlPlane } from '../../../src/console/control/control-plane.js';
import { NotificationPublisher } from '../../../src/console/control/notification-publisher.js';
import { ProxyMetrics } from '../../../src/console/control/metrics.js';
import type { Denial, Grant } from '../../../src/console/ipc.js';
import type { Database } from '../../../src/db/database.js';
import { AuditEvents } from '../../../src/objects/audit-event.js';
import { sessionNouns, type SessionNouns } from '../../fixtures/session-nouns.js';
import { ConsoleTokens } from '../../../src/objects/console-token.js';
import { Consoles } from '../../../src/objects/console.js';
import { Sources } from '../../../src/objects/source.js';
import { Locator } from '../../../src/sources/locator.js';
import { SourceDrivers } from '../../../src/sources/source-drivers.js';
import { databasesOf, ENGINES, overheard } from '../../fixtures/database.js';
import { ManualTimers } from '../../fixtures/manual-timers.js';
import { aConsole } from '../../fixtures/rows.js';
import { sessionSettings } from '../../fixtures/session-settings.js';

const WORKERS = [
  { id: 1, pid: 101 },
  { id: 2, pid: 102 },
] as const;
/** display, inputs, cursor, playback, record, two of usbredir, port, webdav. */
const OTHERS = [2, 3, 4, 5, 6, 9, 9, 10, 11] as const;
const MOST_STATEMENTS = 15;
const NOVA = { requestTimeout: 1, exchangeTimeout: 1 };

/** A node at work on a database of which every statement is known. */
class Node {
  readonly statements: string[] = [];
  readonly refused: string[] = [];
  readonly nouns: SessionNouns;
  readonly tokens: ConsoleTokens;
  private readonly audit: AuditQueue;
  private readonly plane: ControlPlane;

  constructor(readonly db: Database) {
    const heard = overheard(db, (sql) => this.statements.push(sql));
    this.nouns = sessionNouns(heard);
    this.tokens = new ConsoleTokens(heard, { tokenTtl: 60 });
    // However busy the machine is, the desktop comes and goes within one instant of the audit trail.
    const consoles = new Consoles(heard);
    const conf = {
      nova: NOVA,
      sources: { requestTimeout: 1, discoveryTimeout: 1 },
      keystoneAuthtoken: { authUrl: '', wwwAuthenticateUri: '' },
    };
    const services = { consoles, conf };
    this.audit = new AuditQueue(new AuditEvents(heard, { service: 'kerbside-proxy' }), {
      timers: new ManualTimers(),
    });
    this.plane = new ControlPlane(
      {
        ...{ nouns: this.nouns, audit: this.audit, metrics: new ProxyMetrics() },
        publisher: new NotificationPublisher(
          { started: () => undefined, refused: ({ reason }) => this.refused.push(reason) },
          { add: () => undefined },
          'node1',
        ),
        locator: new Locator(new SourceDrivers(new Sources(heard), services)),
        liveness: { isConfirmed: () => true },
        send: () => undefined,
        cast: () => undefined,
      },
      {
        ...{ node: 'node1', maxConnectionsPerAddress: 100, lookupTimeout: 1, messageScreen: false },
        place: { host: 'spice.example.com', tlsPort: 5900, subject: null },
        session: sessionSettings(),
      },
    );
  }

  static async on(db: Database): Promise<Node> {
    await new Sources(db).upsert({ name: 'lab', type: 'static' });
    await new Consoles(db).reconcile('lab', [aConsole({ uuid: 'one' })]);
    return new Node(db);
  }

  async ask(ticket: string, channelType: number, connectionId: number): Promise<Grant | Denial> {
    const worker = WORKERS[channelType % 2] ?? WORKERS[0];
    const asking = { ticket, connectionId, channelType, channelId: 0, clientIp: '192.0.2.1', clientPort: 1 };
    const answer = await this.plane.request(worker, { op: 'authorize', ...asking, linkTime: 0.1 });
    if (answer.to !== 'authorize' || answer.body.kind === 'screen' || answer.body.kind === 'kept')
      throw new Error('another request was answered');
    return answer.body;
  }

  async open(ticket: string, channelType: number, connectionId: number): Promise<Grant> {
    const reply = await this.ask(ticket, channelType, connectionId);
    if (reply.kind === 'denied') throw new Error(reply.reason);
    this.plane.note({ op: 'linked', connectionRef: reply.connectionRef, tls: true, backendTime: 0.1 }, 1);
    return reply;
  }

  /** A session with its main channel up. */
  async start(): Promise<{ ticket: string; main: Grant }> {
    const { token } = await this.tokens.mint({ source: 'lab', uuid: 'one', issuedTo: 'ann' });
    const main = await this.open(token, 1, 0);
    const { connectionRef, sessionId, generation } = main;
    await this.plane.request(WORKERS[1], {
      ...{ op: 'establish', connectionRef, sessionId, generation, backendConnectionId: 77 },
    });
    return { ticket: token, main };
  }

  close({ connectionRef }: Grant): void {
    const end = { bytesUp: 10, bytesDown: 5_000_000_000, duration: 12.5, verdicts: [], pacing: null };
    this.plane.note({ op: 'closed', connectionRef, reason: 'client closed', ...end }, 1);
  }

  /** Waits until all is written. */
  async settle(): Promise<void> {
    await this.plane.settle();
    await this.audit.close();
  }

  rows(): Promise<Record<string, unknown>[]> {
    return this.db.query(
      'SELECT channel_type, state, reason, bytes_down, connected, connection_id FROM console_connections ORDER BY id',
    );
  }
}

describe.each(ENGINES)('a desktop on %s', (engine) => {
  const databases = databasesOf(engine, { ownServer: true });
  const node = async (): Promise<Node> => Node.on(await databases.fresh());

  /** What the server has been asked for, by its own count; none on SQLite. */
  async function asked(): Promise<number> {
    if (engine === 'sqlite') return 0;
    const kinds = [
      'select',
      'insert',
      'insert_select',
      'update',
      'update_multi',
      'delete',
      'begin',
      'commit',
    ];
    const names = kinds.map((kind) => `'Com_${kind}'`).join(', ');
    const rows = await databases.ownServer().admin(`SHOW GLOBAL STATUS WHERE Variable_name IN (${names})`);
    return (rows as { Value: string }[]).reduce((sum, { Value }) => sum + Number(Value), 0);
  }

  it(`of ten channels costs ${String(MOST_STATEMENTS)} statements at most, from its token to its end`, async () => {
    const at = await node();
    const before = await asked();
    const { ticket, main } = await at.start();
    const others = await Promise.all(OTHERS.map((type) => at.open(ticket, type, main.proxyConnectionId)));
    expect(others).toMatchObject(OTHERS.map(() => ({ backendConnectionId: 77, generation: 1 })));
    for (const channel of [main, ...others]) at.close(channel);
    await at.settle();
    expect(at.statements.length).toBeLessThanOrEqual(MOST_STATEMENTS);
    if (engine === 'mariadb') expect((await asked()) - before).toBe(at.statements.length);
    const rows = await at.rows();
    expect(rows.map(({ channel_type }) => channel_type).sort()).toEqual([1, ...OTHERS].sort());
    for (const row of rows) {
      expect(row).toMatchObject({ state: 'closed', reason: 'client closed', bytes_down: 5_000_000_000 });
      expect(row['connected']).not.toBeNull();
      expect(row['connection_id']).toBe(row['channel_type'] === 1 ? null : main.proxyConnectionId);
    }
    expect(await at.nouns.sessions.find(main.sessionId)).toMatchObject({ state: 'closing' });
    const { events } = await new AuditEvents(at.db).list('lab', 'one', 100);
    const told = events.filter(({ session_id }) => session_id === main.sessionId);
    expect(told).toHaveLength(3 * (1 + OTHERS.length));
    for (const event of told)
      expect(event).toMatchObject({ issued_to: 'ann', client_ip: '192.0.2.1', service: 'kerbside-proxy' });
  });

  it('that was terminated on another node admits nothing, though this node has not heard of it', async () => {
    const at = await node();
    const { ticket, main } = await at.start();
    await sessionNouns(at.db).sessions.terminateSession(main.sessionId, 'x');
    const replies = await Promise.all([2, 3].map((type) => at.ask(ticket, type, main.proxyConnectionId)));
    expect(replies).toMatchObject([{ reason: 'token_terminated' }, { reason: 'token_terminated' }]);
    expect(await at.rows()).toHaveLength(1);
    await at.settle();
  });

  it('is open to its own ticket and session id only', async () => {
    const at = await node();
    const [mine, other] = [await at.start(), await at.start()];
    const { proxyConnectionId } = mine.main;
    expect(await at.ask(other.ticket, 2, proxyConnectionId)).toMatchObject({ reason: 'bad_connection_id' });
    expect(await at.ask('no such token', 2, proxyConnectionId)).toMatchObject({ reason: 'token_unknown' });
    expect(await at.ask(mine.ticket, 2, 1)).toMatchObject({ reason: 'bad_connection_id' });
    await at.settle();
  });
});
