// SPDX-License-Identifier: Apache-2.0
// A node that is taken for dead and comes back, on real databases: what runs goes on, what went on without it does not,
// and no row is wrong afterwards.
import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Database } from '../../../src/db/database.js';
import type { ChannelDenial, ChannelGrant, LiveRecord } from '../../../src/objects/channel-types.js';
import { sessionNouns, type SessionNouns } from '../../fixtures/session-nouns.js';
import { ConsoleTokens } from '../../../src/objects/console-token.js';
import { Consoles } from '../../../src/objects/console.js';
import { reapExpired } from '../../../src/objects/reaper.js';
import { Services } from '../../../src/objects/service.js';
import type { ServiceRun } from '../../../src/objects/service.js';
import { sessionUsage } from '../../../src/objects/session-usage.js';
import { Sources } from '../../../src/objects/source.js';
import { databasesOf, ENGINES, overheard, withClock } from '../../fixtures/database.js';
import { aConsole } from '../../fixtures/rows.js';

const GRACE = 60;
const DOWN_TIME = 15;
const BACKEND = 0xfeed;
const END = { reason: 'client closed', bytesUp: 1, bytesDown: 2, duration: 3 } as const;

const aProxy = (host: string): ServiceRun => ({
  ...{ host, binary: 'kerbside-proxy', runId: randomUUID(), pid: 100 },
  ...{ version: '1.0.0', reportInterval: 5 },
});

class Site {
  /** The time of every process and of the database. */
  readonly clock = { now: 1_900_000_000 };
  readonly db: Database;
  readonly nouns: SessionNouns;
  readonly services: Services;
  private readonly nodes = new Map<string, ServiceRun>();
  private readonly isUp = new Set<string>();

  constructor(db: Database) {
    const now = (): number => this.clock.now;
    this.db = withClock(db, this.clock);
    this.nouns = sessionNouns(this.db, { reconnectGrace: GRACE, now });
    this.services = new Services(this.db);
  }

  async prepare(): Promise<this> {
    await new Sources(this.db).upsert({ name: 'lab', type: 'static' });
    await new Consoles(this.db).reconcile('lab', [aConsole({ uuid: 'one' })]);
    for (const host of ['a', 'b']) await this.up(host);
    return this;
  }

  async up(host: string): Promise<void> {
    const run = this.nodes.get(host) ?? aProxy(host);
    this.nodes.set(host, run);
    await this.services.register(run, {});
    this.isUp.add(host);
  }

  /** As a conductor does with a node that is silent. */
  async declareDead(host: string): Promise<number> {
    await this.silence(host);
    return this.closeDown();
  }

  async silence(host: string): Promise<void> {
    this.clock.now += DOWN_TIME;
    for (const [other, run] of this.nodes) if (other !== host && this.isUp.has(other)) await this.beat(run);
    this.isUp.delete(host);
    await this.services.findDown({ downTime: DOWN_TIME, slack: 1 });
  }

  async closeDown(): Promise<number> {
    let closed = 0;
    for (const node of await this.services.nodesToClose())
      closed += (await this.nouns.channels.closeNode(node)).length;
    return closed;
  }

  async back(host: string): Promise<string> {
    this.isUp.add(host);
    return this.beat(this.nodes.get(host) ?? aProxy(host));
  }

  private async beat(run: ServiceRun): Promise<string> {
    return (await this.services.beat(run, { draining: false, report: {}, downTime: DOWN_TIME })).kind;
  }

  async mint(): Promise<string> {
    const tokens = new ConsoleTokens(this.db, { tokenTtl: 600, now: () => this.clock.now });
    return (await tokens.mint({ source: 'lab', uuid: 'one', issuedTo: 'alice' })).token;
  }

  async ask(ticket: string, node: string, main?: ChannelGrant, clientIp = '::1'): Promise<ChannelGrant> {
    const answer = await this.nouns.admission.authorize({
      ...{ ticket, node, pid: 100, clientIp, clientPort: 1, channelId: 0 },
      connectionId: main?.proxyConnectionId ?? 0,
      channelType: main === undefined ? 1 : 2,
    });
    if (answer.kind === 'denied') throw new Error(answer.reason);
    return answer;
  }

  /** A session with its main channel on one node and a display on each of some. */
  async session(
    mainOn: string,
    ...displaysOn: string[]
  ): Promise<{ token: string; main: ChannelGrant; displays: ChannelGrant[] }> {
    const token = await this.mint();
    const main = await this.ask(token, mainOn);
    await this.nouns.channels.linked(main.connectionRef);
    await this.nouns.channels.establish(main.sessionId, main.generation, BACKEND);
    const displays: ChannelGrant[] = [];
    for (const node of displaysOn) {
      const display = await this.ask(token, node, main);
      await this.nouns.channels.linked(display.connectionRef);
      displays.push(display);
    }
    return { token, main, displays };
  }

  rows(): Promise<Record<string, unknown>[]> {
    return this.db.query('SELECT connection_ref, state, closed, reason FROM console_connections ORDER BY id');
  }

  /** The sessions whose audit trail says that their node was lost, once for each time. */
  async lostSessions(): Promise<unknown[]> {
    const rows = await this.db.query<Record<string, unknown>>(
      "SELECT session_id, source, uuid, node FROM audit_events WHERE message = 'Node lost' ORDER BY session_id",
    );
    for (const row of rows) expect(row).toMatchObject({ source: 'lab', uuid: 'one', node: 'a' });
    return rows.map(({ session_id }) => session_id);
  }

  async sessionRow(id: string): Promise<Record<string, unknown> | undefined> {
    const rows = await this.db.query<Record<string, unknown>>(
      'SELECT state, generation, ended_generation, main_ref, closing_since, terminated_at, reason FROM console_sessions ' +
        'WHERE session_id = ?',
      [id],
    );
    return rows[0];
  }
}

function alive(...grants: ChannelGrant[]): LiveRecord[] {
  return grants.map(({ connectionRef, sessionId, generation, backendConnectionId, hold }) => ({
    ...{ connectionRef, sessionId, generation, established: true },
    channelType: backendConnectionId === 0 ? 1 : 2,
    holds: hold === 'holds',
  }));
}

const refs = (...grants: ChannelGrant[]): string[] => grants.map(({ connectionRef }) => connectionRef);
const OPEN = { state: 'connected', closed: null, reason: null };
const TABLES = [
  'audit_events',
  'services',
  'consoles',
  'console_tokens',
  'console_sessions',
  'console_connections',
];
const NOTHING = { reopened: [], waiting: [], lost: [] };

describe.each(ENGINES)('a node that was away, on %s', (engine) => {
  const databases = databasesOf(engine, { keep: true });
  let db: Database;
  beforeAll(async () => {
    db = await databases.fresh();
  });
  const aSite = async (): Promise<Site> => {
    for (const table of TABLES) await db.execute(`DELETE FROM ${table}`);
    return new Site(db).prepare();
  };

  it('loses its channels in the records when it is silent, and only then', async () => {
    const site = await aSite();
    const { main, displays } = await site.session('a', 'a', 'b');
    expect(await site.nouns.channels.closeNode('a')).toEqual([]);
    expect(await site.declareDead('a')).toBe(2);
    expect(await site.sessionRow(main.sessionId)).toMatchObject({
      ...{ state: 'closing', main_ref: null, ended_generation: 1, reason: 'node lost' },
    });
    const closed = { state: 'closed', reason: 'node lost' };
    expect(await site.rows()).toMatchObject([closed, closed, OPEN]);
    expect(await site.nouns.sessions.connectionsToClose('b')).toEqual([
      { connectionRef: displays[1]?.connectionRef, sessionId: main.sessionId, terminated: false },
    ]);
    expect(await site.declareDead('a')).toBe(0);
  });

  it('takes its consoles again, and only those that nobody else has taken meanwhile', async () => {
    const site = await aSite();
    const { clock } = site;
    const { admission, channels } = sessionNouns(site.db, {
      ...{ reconnectGrace: GRACE, concurrentSessions: 'refuse', now: () => clock.now },
    });
    const begin = async (node: string): Promise<ChannelGrant | ChannelDenial> =>
      admission.authorize({
        ...{ ticket: await site.mint(), connectionId: 0, channelType: 1, channelId: 0 },
        ...{ clientIp: '::1', clientPort: 1, node, pid: 100 },
      });
    const first = await begin('a');
    if (first.kind === 'denied') throw new Error(first.reason);
    await channels.establish(first.sessionId, first.generation, BACKEND);
    await site.declareDead('a');
    await site.back('a');
    expect((await channels.recover('a', alive(first))).reopened).toEqual(refs(first));
    expect(await begin('b')).toMatchObject({ reason: 'console_in_use' });
    await site.declareDead('a');
    expect(await begin('b')).toMatchObject({ kind: 'granted', hold: 'holds' });
    await site.back('a');
    const { reopened, lost } = await channels.recover('a', alive(first));
    expect([reopened, lost.map(({ connectionRef }) => connectionRef)]).toEqual([[], refs(first)]);
  });

  it('goes on with what still runs, and finds nothing more to do the second time', async () => {
    const site = await aSite();
    const { token, main, displays } = await site.session('a', 'a');
    await site.declareDead('a');
    expect(await site.back('a')).toBe('returned');
    const live = alive(main, ...displays);
    expect(await site.nouns.channels.recover('a', live)).toEqual({
      ...NOTHING,
      reopened: refs(main, ...displays),
    });
    expect(await site.rows()).toMatchObject([OPEN, OPEN]);
    expect(await site.sessionRow(main.sessionId)).toEqual({
      ...{ state: 'active', generation: 1, ended_generation: 0, main_ref: main.connectionRef },
      ...{ closing_since: null, terminated_at: null, reason: null },
    });
    expect(await site.nouns.channels.recover('a', live)).toEqual(NOTHING);
    expect(await site.nouns.sessions.connectionsToClose('a')).toEqual([]);
    expect(await site.ask(token, 'b', main)).toMatchObject({ backendConnectionId: BACKEND });
    expect(await site.back('a')).toBe('well');
    expect(await site.declareDead('b')).toBe(1);
    expect(await site.sessionRow(main.sessionId)).toMatchObject({ state: 'active' });
  });

  it('is told of once for each of its sessions and each time that it is lost, whoever dies on the way', async () => {
    for (let lastWrite = 0; lastWrite <= 3; lastWrite += 1) {
      const site = await aSite();
      const sessions = [await site.session('a', 'a'), await site.session('b', 'a'), await site.session('b')];
      const ids = sessions.slice(0, 2).map(({ main }) => main.sessionId);
      await site.silence('a');
      let writes = 0;
      const mortal = overheard(site.db, (_sql, _parameters, isWrite) => {
        if (isWrite && (writes += 1) > lastWrite) throw new Error('this conductor has died');
      });
      const dying = sessionNouns(mortal, { reconnectGrace: GRACE }).channels.closeNode('a');
      await (lastWrite < 3 ? expect(dying).rejects.toThrow('has died') : dying);
      await site.closeDown();
      await site.closeDown();
      expect(await site.lostSessions()).toEqual(ids.sort());
      expect((await site.rows()).map(({ reason }) => reason).sort()).toEqual([
        ...Array.from({ length: 3 }, () => 'node lost'),
        null,
        null,
      ]);
      await site.back('a');
      await site.nouns.channels.recover('a', alive(sessions[0]!.main));
      await site.declareDead('a');
      expect(await site.lostSessions()).toEqual([...ids, sessions[0]!.main.sessionId].sort());
    }
  });

  it('is told with whose it was, where the main channel came from, and which program found it', async () => {
    const site = await aSite();
    const [token, other] = [await site.mint(), await site.mint()];
    const main = await site.ask(token, 'a', undefined, '192.0.2.7');
    await site.nouns.channels.establish(main.sessionId, main.generation, BACKEND);
    await site.ask(token, 'a', main, '192.0.2.9');
    const elsewhere = await site.ask(other, 'b');
    await site.nouns.channels.establish(elsewhere.sessionId, elsewhere.generation, BACKEND + 1);
    await site.ask(other, 'a', elsewhere, '192.0.2.8');
    await site.silence('a');
    const now = (): number => site.clock.now;
    await sessionNouns(site.db, { now, service: 'kerbside-conductor' }).channels.closeNode('a');
    const rows = await site.db.query(
      'SELECT session_id, issued_to, client_ip, service, requested_by FROM audit_events ' +
        "WHERE message = 'Node lost' ORDER BY client_ip",
    );
    const by = { issued_to: 'alice', service: 'kerbside-conductor', requested_by: 'service' };
    expect(rows).toEqual([
      { session_id: main.sessionId, client_ip: '192.0.2.7', ...by },
      { session_id: elsewhere.sessionId, client_ip: '192.0.2.8', ...by },
    ]);
  });

  it.each([
    ['moves only while the node is silent', 0],
    ['was set back an hour in between', -3600],
  ])('is told of each time that it is lost, on a clock that %s', async (_what, moved) => {
    const site = await aSite();
    const { main } = await site.session('a');
    for (let time = 1; time <= 3; time += 1) {
      await site.declareDead('a');
      expect(await site.lostSessions()).toEqual(Array.from({ length: time }, () => main.sessionId));
      site.clock.now += moved;
      await site.back('a');
      await site.nouns.channels.recover('a', alive(main));
    }
  });

  it('cannot lose by a late statement what it has put back', async () => {
    const site = await aSite();
    const { main } = await site.session('a');
    await site.declareDead('a');
    await site.back('a');
    await site.nouns.channels.recover('a', alive(main));
    expect(await site.nouns.channels.closeNode('a')).toEqual([]);
    expect(await site.rows()).toMatchObject([OPEN]);
  });

  it('finds its claim again when only its row had been left', async () => {
    const site = await aSite();
    const { main } = await site.session('a');
    await site.declareDead('a');
    // It came back between the two statements that close a channel.
    await site.db.execute("UPDATE console_connections SET closed = NULL, reason = NULL, state = 'connected'");
    await site.back('a');
    expect(await site.nouns.channels.recover('a', alive(main))).toMatchObject({ reopened: refs(main) });
    expect(await site.sessionRow(main.sessionId)).toMatchObject({ state: 'active', ended_generation: 0 });
  });

  it('has nothing to do when nobody missed it', async () => {
    const site = await aSite();
    const { main, displays } = await site.session('a', 'a');
    expect(await site.nouns.channels.recover('a', alive(main, ...displays))).toEqual(NOTHING);
    expect(await site.rows()).toMatchObject([OPEN, OPEN]);
  });

  it('ends what was terminated meanwhile', async () => {
    const site = await aSite();
    const { main, displays } = await site.session('a', 'a');
    await site.declareDead('a');
    await site.nouns.sessions.terminateSession(main.sessionId, 'enough');
    await site.back('a');
    const ending = { sessionId: main.sessionId, terminated: true };
    expect(await site.nouns.channels.recover('a', alive(main, ...displays))).toEqual({
      ...NOTHING,
      lost: refs(main, ...displays).map((connectionRef) => ({ connectionRef, ...ending })),
    });
    expect(await site.sessionRow(main.sessionId)).toMatchObject({
      ...{ state: 'closing', main_ref: null, reason: 'enough' },
    });
    for (const { closed } of await site.rows()) expect(closed).not.toBeNull();
  });

  it('leaves it to the conductor to tell of what was lost, and tells itself of what it has ended', async () => {
    const site = await aSite();
    const [lost, ended] = [await site.session('a'), await site.session('a')];
    await site.declareDead('a');
    const usage = ({ main }: { main: ChannelGrant }) => sessionUsage(site.db, main.sessionId, 1);
    expect(await usage(lost)).toMatchObject({ reason: 'node lost', lostWithNode: true });
    await site.back('a');
    await site.nouns.channels.closed(lost.main.connectionRef, { ...END, reason: 'node lost' });
    expect(await usage(lost)).toMatchObject({ reason: 'node lost', lostWithNode: true });
    await site.nouns.channels.recover('a', alive(ended.main));
    expect(await usage(ended)).toMatchObject({ ended: null, lostWithNode: false });
    await site.nouns.channels.closed(ended.main.connectionRef, { ...END, reason: 'node lost' });
    expect(await usage(ended)).toMatchObject({ reason: 'node lost', duration: 3, lostWithNode: false });
  });

  it('tells itself of what the reaper has closed in the records before it could', async () => {
    const site = await aSite();
    const { main } = await site.session('a');
    site.clock.now += 5;
    await site.nouns.sessions.interruptConsole('lab', 'one');
    site.clock.now += GRACE + 1;
    await reapExpired(site.db, { reconnectGrace: GRACE }, site.clock.now);
    expect(await sessionUsage(site.db, main.sessionId, 1)).toMatchObject({
      ...{ reason: 'node lost', duration: GRACE + 6, lostWithNode: false },
    });
  });

  it('ends what went on elsewhere with a new main channel', async () => {
    const site = await aSite();
    const { token, main, displays } = await site.session('a', 'a');
    await site.declareDead('a');
    const next = await site.ask(token, 'b');
    await site.nouns.channels.establish(next.sessionId, next.generation, BACKEND);
    await site.back('a');
    const recovered = await site.nouns.channels.recover('a', alive(main, ...displays));
    expect(recovered.reopened).toEqual([]);
    expect(recovered.lost.map(({ connectionRef }) => connectionRef)).toEqual(refs(main, ...displays));
    expect(await site.sessionRow(main.sessionId)).toMatchObject({
      ...{ state: 'active', generation: 2, ended_generation: 1, main_ref: next.connectionRef, reason: null },
    });
    for (const grant of [main, ...displays]) await site.nouns.channels.closed(grant.connectionRef, END);
    expect(await site.sessionRow(main.sessionId)).toMatchObject({ main_ref: next.connectionRef });
  });

  it('ends what was closed or removed after its grace', async () => {
    const site = await aSite();
    const { main } = await site.session('a');
    const other = await site.session('a');
    await site.declareDead('a');
    site.clock.now += GRACE + 1;
    await reapExpired(site.db, { reconnectGrace: GRACE }, site.clock.now);
    await site.db.execute('DELETE FROM console_sessions WHERE session_id = ?', [other.main.sessionId]);
    await site.back('a');
    const recovered = await site.nouns.channels.recover('a', alive(main, other.main));
    expect(recovered).toMatchObject({ reopened: [], waiting: [] });
    expect(recovered.lost).toHaveLength(2);
    expect(await site.sessionRow(main.sessionId)).toMatchObject({ state: 'closed' });
    expect(
      await site.nouns.channels.recover('a', [{ ...alive(main)[0]!, connectionRef: randomUUID() }]),
    ).toMatchObject({
      lost: [{ terminated: false }],
    });
  });

  it('ends a session whose other channels were ended on other nodes', async () => {
    const site = await aSite();
    const { main, displays } = await site.session('a', 'b');
    await site.declareDead('a');
    await site.nouns.channels.closeChannels([
      {
        connectionRef: displays[0]!.connectionRef,
        end: { ...END, reason: 'main channel closed' },
        main: null,
      },
    ]);
    await site.back('a');
    expect(await site.nouns.channels.recover('a', alive(main))).toMatchObject({
      lost: [{ connectionRef: main.connectionRef }],
    });
    expect(await site.sessionRow(main.sessionId)).toMatchObject({ state: 'closing', main_ref: null });
  });

  it('puts a display back whose main channel never went away', async () => {
    const site = await aSite();
    const { main, displays } = await site.session('b', 'a');
    expect(await site.declareDead('a')).toBe(1);
    expect(await site.sessionRow(main.sessionId)).toMatchObject({ state: 'active' });
    await site.back('a');
    expect(await site.nouns.channels.recover('a', alive(...displays))).toEqual({
      ...NOTHING,
      reopened: refs(...displays),
    });
    expect(await site.rows()).toMatchObject([OPEN, OPEN]);
  });

  it('waits with a display for the node of its main channel, which is away too', async () => {
    const site = await aSite();
    const { main, displays } = await site.session('b', 'a');
    await site.declareDead('a');
    await site.declareDead('b');
    await site.back('a');
    const display = alive(...displays);
    expect(await site.nouns.channels.recover('a', display)).toEqual({
      ...NOTHING,
      waiting: refs(...displays),
    });
    await site.back('b');
    expect(await site.nouns.channels.recover('b', alive(main))).toMatchObject({ reopened: refs(main) });
    expect(await site.nouns.channels.recover('a', display)).toMatchObject({ reopened: refs(...displays) });
    expect(await site.rows()).toMatchObject([OPEN, OPEN]);
    expect(await site.sessionRow(main.sessionId)).toMatchObject({ state: 'active', ended_generation: 0 });
  });

  it('does not wait for a main channel of its own that has ended', async () => {
    const site = await aSite();
    const { displays } = await site.session('a', 'a');
    await site.declareDead('a');
    await site.back('a');
    expect(await site.nouns.channels.recover('a', alive(...displays))).toMatchObject({
      ...{ waiting: [], lost: [{ connectionRef: displays[0]?.connectionRef }] },
    });
  });

  it('ends what somebody had interrupted for the sake of its instance', async () => {
    const site = await aSite();
    const { main } = await site.session('a');
    await site.db.execute(
      "UPDATE console_sessions SET main_ref = NULL, state = 'closing', closing_since = ?, ended_generation = generation",
      [site.clock.now],
    );
    await site.declareDead('a');
    await site.back('a');
    expect(await site.nouns.channels.recover('a', alive(main))).toMatchObject({ reopened: [], lost: [{}] });
  });

  it('lets a main channel come up that was about to', async () => {
    const site = await aSite();
    const token = await site.mint();
    const main = await site.ask(token, 'a');
    await site.declareDead('a');
    await site.back('a');
    const record = { ...alive(main)[0]!, established: false };
    expect(await site.nouns.channels.recover('a', [record])).toMatchObject({ reopened: refs(main) });
    expect(await site.sessionRow(main.sessionId)).toMatchObject({
      ...{ state: 'pending', main_ref: main.connectionRef, ended_generation: 0 },
    });
    await site.nouns.channels.establish(main.sessionId, main.generation, BACKEND);
    expect(await site.ask(token, 'b', main)).toMatchObject({ kind: 'granted' });
  });

  it('is not closed while another proxy of the same name is up', async () => {
    const site = await aSite();
    await site.session('a');
    await site.services.register({ ...aProxy('a'), binary: 'kerbside' }, {});
    await site.db.execute("UPDATE services SET heartbeat = 0 WHERE binary_name = 'kerbside-proxy'");
    expect(await site.services.findDown({ downTime: DOWN_TIME, slack: 1 })).toHaveLength(2);
    expect(await site.services.nodesToClose()).toEqual([]);
  });
});
