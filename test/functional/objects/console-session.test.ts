// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import type { Database } from '../../../src/db/database.js';
import { Conflict } from '../../../src/exception.js';
import type { ChannelGrant, ChannelDenial, ChannelRequest } from '../../../src/objects/channel-types.js';
import { sessionNouns, type SessionNouns } from '../../fixtures/session-nouns.js';
import { ConsoleTokens, fingerprint } from '../../../src/objects/console-token.js';
import { Consoles } from '../../../src/objects/console.js';
import { Sources } from '../../../src/objects/source.js';
import { databasesOf, ENGINES } from '../../fixtures/database.js';
import { aConsole } from '../../fixtures/rows.js';

const GRACE = 60;
const TTL = 600;
const END = { reason: 'client closed', bytesUp: 10, bytesDown: 2000, duration: 1.5 } as const;

interface Site {
  db: Database;
  clock: { now: number };
  nouns: SessionNouns;
  tokens: ConsoleTokens;
  sources: Sources;
  consoles: Consoles;
}

async function aSite(db: Database): Promise<Site> {
  const clock = { now: 1_800_000_000 };
  const now = (): number => clock.now;
  const sources = new Sources(db, { now });
  const consoles = new Consoles(db, { now });
  await sources.upsert({ name: 'lab', type: 'static', caCert: 'PEM' });
  await consoles.reconcile('lab', [aConsole({ uuid: 'one' }), aConsole({ uuid: 'two', name: 'second' })]);
  return {
    db,
    clock,
    sources,
    consoles,
    nouns: sessionNouns(db, { reconnectGrace: GRACE, now }),
    tokens: new ConsoleTokens(db, { tokenTtl: TTL, now }),
  };
}

function asking(ticket: string, change: Partial<ChannelRequest> = {}): ChannelRequest {
  return {
    ticket,
    connectionId: 0,
    channelType: 1,
    channelId: 0,
    clientIp: '2001:db8::1',
    clientPort: 40000,
    node: 'node-a',
    pid: 100,
    ...change,
  };
}

function granted(answer: ChannelGrant | ChannelDenial): ChannelGrant {
  if (answer.kind === 'denied') throw new Error(`refused: ${answer.reason}`);
  return answer;
}

function reasonOf(answer: ChannelGrant | ChannelDenial): string {
  return answer.kind === 'denied' ? answer.reason : 'granted';
}

async function aRunningSession(
  site: Site,
  uuid = 'one',
  place: Partial<ChannelRequest> = {},
): Promise<{ token: string; sessionId: string; main: ChannelGrant }> {
  const { token, sessionId } = await site.tokens.mint({ source: 'lab', uuid, issuedTo: 'alice' });
  const main = granted(await site.nouns.admission.authorize(asking(token, place)));
  await site.nouns.channels.linked(main.connectionRef);
  await site.nouns.channels.establish(sessionId, main.generation, 0xfeedface);
  return { token, sessionId, main };
}

describe.each(ENGINES)('console sessions on %s', (engine) => {
  const databases = databasesOf(engine);
  const site = async (): Promise<Site> => aSite(await databases.fresh());

  it('mints a token of 48 alphanumerics with a session of 12 and keeps only the hash', async () => {
    const { tokens, db } = await site();
    const minted = await tokens.mint({ source: 'lab', uuid: 'one', issuedTo: 'alice' });
    expect(minted.token).toMatch(/^[A-Za-z0-9]{48}$/);
    expect(minted.sessionId).toMatch(/^[A-Za-z0-9]{12}$/);
    expect(minted.expires).toBe(1_800_000_000 + TTL);
    const rows = await db.query('SELECT * FROM console_tokens');
    expect(JSON.stringify(rows)).not.toContain(minted.token);
    expect(JSON.stringify(rows)).toContain(fingerprint(minted.token));
  });

  it('mints nothing for a console that does not exist', async () => {
    const { tokens } = await site();
    await expect(tokens.mint({ source: 'lab', uuid: 'three', issuedTo: 'a' })).rejects.toThrow(
      'console not found',
    );
  });

  it('grants the main channel with all that dialling the backend takes', async () => {
    const { nouns, tokens } = await site();
    const { token, sessionId } = await tokens.mint({ source: 'lab', uuid: 'one', issuedTo: 'alice' });
    const main = granted(await nouns.admission.authorize(asking(token)));
    expect(main).toMatchObject({
      sessionId,
      generation: 1,
      backendConnectionId: 0,
      source: 'lab',
      uuid: 'one',
      name: 'first',
      tokenFingerprint: fingerprint(token),
      connectInfo: {
        hypervisorIp: '192.0.2.1',
        insecurePort: 5900,
        securePort: 5901,
        ticket: 'sesame',
        caCert: 'PEM',
      },
    });
    expect(main.connectionRef).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
    expect(main.proxyConnectionId).toBeGreaterThan(0);
    expect(main.proxyConnectionId).toBeLessThan(2 ** 32);
  });

  it('admits other channels once the main channel is up, for as long as it is', async () => {
    const { nouns, clock, ...rest } = await site();
    const { token, main } = await aRunningSession({ nouns, clock, ...rest });
    clock.now += TTL + 3600;
    const late = granted(
      await nouns.admission.authorize(
        asking(token, { connectionId: main.proxyConnectionId, channelType: 9, channelId: 3 }),
      ),
    );
    expect(late).toMatchObject({
      sessionId: main.sessionId,
      generation: 1,
      backendConnectionId: 0xfeedface,
      proxyConnectionId: main.proxyConnectionId,
    });
  });

  it('refuses with the reason', async () => {
    const at = await site();
    const { nouns, tokens, clock } = at;
    expect(await nouns.admission.authorize(asking('nonsense'))).toEqual({
      kind: 'denied',
      reason: 'token_unknown',
    });
    const pending = await tokens.mint({ source: 'lab', uuid: 'one', issuedTo: 'alice' });
    const other = { connectionId: 5, channelType: 2 };
    expect(await nouns.admission.authorize(asking(pending.token, other))).toEqual({
      kind: 'denied',
      reason: 'main_required',
      source: 'lab',
      name: 'first',
      uuid: 'one',
      sessionId: pending.sessionId,
      issuedTo: 'alice',
      settings: {},
    });
    expect(reasonOf(await nouns.admission.authorize(asking(pending.token, { connectionId: 5 })))).toBe(
      'bad_connection_id',
    );
    const running = await aRunningSession(at);
    expect(reasonOf(await nouns.admission.authorize(asking(running.token)))).toBe('token_in_use');
    const wrong = { connectionId: running.main.proxyConnectionId ^ 1, channelType: 2 };
    expect(reasonOf(await nouns.admission.authorize(asking(running.token, wrong)))).toBe('bad_connection_id');
    const stolen = { connectionId: running.main.proxyConnectionId, channelType: 2 };
    expect(reasonOf(await nouns.admission.authorize(asking(pending.token, stolen)))).toBe('main_required');
    clock.now += TTL + 1;
    expect(reasonOf(await nouns.admission.authorize(asking(pending.token)))).toBe('token_expired');
  });

  it('refuses when the console or its source has gone', async () => {
    const { nouns, tokens, consoles, sources } = await site();
    const { token } = await tokens.mint({ source: 'lab', uuid: 'one', issuedTo: 'alice' });
    const two = await tokens.mint({ source: 'lab', uuid: 'two', issuedTo: 'alice' });
    await consoles.reconcile('lab', [aConsole({ uuid: 'two' })]);
    expect(reasonOf(await nouns.admission.authorize(asking(token)))).toBe('console_gone');
    await sources.markDeleted('lab');
    expect(reasonOf(await nouns.admission.authorize(asking(two.token)))).toBe('source_gone');
  });

  it('lets exactly one of many racing main channels win', async () => {
    const { nouns, tokens, db } = await site();
    const { token } = await tokens.mint({ source: 'lab', uuid: 'one', issuedTo: 'alice' });
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => nouns.admission.authorize(asking(token))),
    );
    const reasons = answers.map(reasonOf).sort();
    expect(reasons).toEqual(['granted', ...Array.from({ length: 11 }, () => 'token_in_use')]);
    const rows = await db.query('SELECT id FROM console_connections WHERE closed IS NULL');
    expect(rows).toHaveLength(1);
  });

  it('lets exactly one reconnect win when two nodes ask, each with its own connection', async () => {
    const conf = await databases.empty();
    const at = await aSite(await databases.open(conf));
    const { token, main } = await aRunningSession(at);
    await at.nouns.channels.closed(main.connectionRef, END);
    const other = await databases.open(conf, { sync: false });
    const elsewhere = sessionNouns(other, { reconnectGrace: GRACE, now: () => at.clock.now });
    const nodes = [at.nouns, elsewhere, at.nouns, elsewhere, at.nouns, elsewhere];
    const answers = await Promise.all(nodes.map(({ admission }) => admission.authorize(asking(token))));
    expect(answers.map(reasonOf).filter((reason) => reason === 'granted')).toHaveLength(1);
    const rows = await at.db.query('SELECT id FROM console_connections WHERE closed IS NULL');
    expect(rows).toHaveLength(1);
  });

  it('gives the slot back when a main channel fails before it is up', async () => {
    const { nouns, tokens } = await site();
    const { token, sessionId } = await tokens.mint({ source: 'lab', uuid: 'one', issuedTo: 'alice' });
    const first = granted(await nouns.admission.authorize(asking(token)));
    await nouns.channels.closed(first.connectionRef, END);
    const second = granted(await nouns.admission.authorize(asking(token)));
    expect(second.generation).toBe(2);
    await expect(nouns.channels.establish(sessionId, first.generation, 1)).rejects.toThrow(Conflict);
    await nouns.channels.establish(sessionId, second.generation, 1);
    // A repeated call after a lost answer is no fault.
    await nouns.channels.establish(sessionId, second.generation, 1);
  });

  it('closes the session with its main channel and admits a new main within the grace only', async () => {
    const at = await site();
    const { nouns, clock } = at;
    const { token, sessionId, main } = await aRunningSession(at);
    const usb = { connectionId: main.proxyConnectionId, channelType: 9 };
    granted(await nouns.admission.authorize(asking(token, usb)));
    clock.now += TTL + 10;
    await nouns.channels.closed(main.connectionRef, END);
    await nouns.channels.closed(main.connectionRef, END);
    expect(await nouns.sessions.sessionsToClose(60)).toEqual([
      { sessionId, generation: 1, terminated: false },
    ]);
    expect(reasonOf(await nouns.admission.authorize(asking(token, usb)))).toBe('main_required');
    clock.now += GRACE;
    const again = granted(await nouns.admission.authorize(asking(token)));
    expect(again.generation).toBe(2);
    expect(again.proxyConnectionId).not.toBe(main.proxyConnectionId);
    // The claim must not take the old channels' end back, nor demand the new main's.
    expect(await nouns.sessions.sessionsToClose(60)).toMatchObject([{ sessionId, generation: 1 }]);
    await nouns.channels.establish(sessionId, 2, 77);
    expect(await nouns.sessions.sessionsToClose(60)).toMatchObject([{ sessionId, generation: 1 }]);
    // The old main's second close, late, must not touch the new main.
    await nouns.channels.closed(main.connectionRef, END);
    expect((await nouns.sessions.find(sessionId))?.state).toBe('active');
    expect(reasonOf(await nouns.admission.authorize(asking(token, usb)))).toBe('bad_connection_id');
    const screen = { connectionId: again.proxyConnectionId, channelType: 2 };
    expect(granted(await nouns.admission.authorize(asking(token, screen)))).toMatchObject({
      generation: 2,
      backendConnectionId: 77,
    });
  });

  it('does not lengthen the grace when a reconnect fails, and refuses after it', async () => {
    const at = await site();
    const { nouns, clock } = at;
    const { token, main } = await aRunningSession(at);
    clock.now += TTL + 10;
    await nouns.channels.closed(main.connectionRef, END);
    clock.now += GRACE - 1;
    const again = granted(await nouns.admission.authorize(asking(token)));
    await nouns.channels.closed(again.connectionRef, END);
    clock.now += 2;
    expect(reasonOf(await nouns.admission.authorize(asking(token)))).toBe('token_expired');
  });

  it('terminates a session for good: no main, no other channel, no establish', async () => {
    const at = await site();
    const { nouns, clock } = at;
    const { token, sessionId, main } = await aRunningSession(at);
    clock.now += 1;
    expect(await nouns.sessions.terminateSession(sessionId, 'by admin')).toBe('ended');
    expect(await nouns.sessions.sessionsToClose(60)).toEqual([
      { sessionId, generation: 1, terminated: true },
    ]);
    expect(await nouns.sessions.connectionsToClose('node-a')).toEqual([
      { connectionRef: main.connectionRef, sessionId, terminated: true },
    ]);
    expect(await nouns.sessions.connectionsToClose('node-b')).toEqual([]);
    const usb = { connectionId: main.proxyConnectionId, channelType: 9 };
    expect(reasonOf(await nouns.admission.authorize(asking(token, usb)))).toBe('token_terminated');
    await nouns.channels.closed(main.connectionRef, END);
    expect(reasonOf(await nouns.admission.authorize(asking(token)))).toBe('token_terminated');
    await expect(nouns.channels.establish(sessionId, 1, 5)).rejects.toThrow(Conflict);
    expect(await nouns.sessions.terminateSession(sessionId, 'again')).toBe('ending');
    expect(await nouns.sessions.terminateSession('nobodysession', 'x')).toBe('absent');
  });

  it.each([-3600, 3600])(
    'shows to every poll what a node ended whose clock is off by %d s',
    async (seconds) => {
      const at = await site();
      const skewed = sessionNouns(at.db, {
        reconnectGrace: GRACE,
        now: () => Date.now() / 1000 + seconds,
      });
      const [terminated, ended] = [await aRunningSession(at), await aRunningSession(at)];
      const since = performance.now();
      await skewed.sessions.terminateSession(terminated.sessionId, 'by admin');
      await skewed.channels.closed(ended.main.connectionRef, END);
      const found = await at.nouns.sessions.sessionsToClose((performance.now() - since) / 1000 + 1);
      expect(found.map(({ sessionId }) => sessionId)).toEqual([terminated.sessionId, ended.sessionId]);
      await at.db.execute('UPDATE console_sessions SET updated_at = updated_at - 60');
      expect(await at.nouns.sessions.sessionsToClose(50)).toEqual([]);
      expect(await at.nouns.sessions.sessionsToClose(3600)).toHaveLength(2);
    },
  );

  it('refuses to establish a main channel that was terminated while it came up', async () => {
    const { nouns, tokens } = await site();
    const { token, sessionId } = await tokens.mint({ source: 'lab', uuid: 'one', issuedTo: 'alice' });
    const main = granted(await nouns.admission.authorize(asking(token)));
    await nouns.sessions.terminateSession(sessionId, 'by admin');
    await expect(nouns.channels.establish(sessionId, main.generation, 5)).rejects.toThrow(Conflict);
    expect(await nouns.sessions.sessionsToClose(60)).toMatchObject([
      { sessionId, generation: 1, terminated: true },
    ]);
  });

  it('never leaves a channel open that neither terminate nor authorize saw', async () => {
    const at = await site();
    const { token, sessionId, main } = await aRunningSession(at);
    const usb = { connectionId: main.proxyConnectionId, channelType: 9 };
    const asked = Array.from({ length: 10 }, () => at.nouns.admission.authorize(asking(token, usb)));
    const [answers] = await Promise.all([
      Promise.all(asked),
      at.nouns.sessions.terminateSession(sessionId, 'race'),
    ]);
    const open = answers.flatMap((answer) => (answer.kind === 'granted' ? [answer.connectionRef] : []));
    const toClose = (await at.nouns.sessions.connectionsToClose('node-a')).map(
      ({ connectionRef }) => connectionRef,
    );
    expect(toClose.sort()).toEqual([...open, main.connectionRef].sort());
  });

  it('terminates every session of a console, unused tokens included, and names them by fingerprint', async () => {
    const at = await site();
    const running = await aRunningSession(at);
    at.clock.now += 1;
    const unused = await at.tokens.mint({ source: 'lab', uuid: 'one', issuedTo: 'bob' });
    const other = await at.tokens.mint({ source: 'lab', uuid: 'two', issuedTo: 'bob' });
    expect(await at.nouns.sessions.terminateConsole('lab', 'one', 'by admin')).toEqual({
      fingerprints: [fingerprint(running.token), fingerprint(unused.token)],
      sessionIds: [running.sessionId, unused.sessionId],
    });
    const nothing = { fingerprints: [], sessionIds: [] };
    expect(await at.nouns.sessions.terminateConsole('lab', 'one', 'by admin')).toEqual(nothing);
    expect(reasonOf(await at.nouns.admission.authorize(asking(unused.token)))).toBe('token_terminated');
    expect(reasonOf(await at.nouns.admission.authorize(asking(other.token)))).toBe('granted');
    const rows = await at.db.query('SELECT session_id FROM session_terminations');
    expect(rows).toHaveLength(2);
  });

  it('lists sessions with their open channels in pages, and closed channels no longer', async () => {
    const at = await site();
    const first = await aRunningSession(at, 'one');
    const second = await aRunningSession(at, 'two');
    const usb = { connectionId: first.main.proxyConnectionId, channelType: 9, channelId: 2 };
    const late = granted(await at.nouns.admission.authorize(asking(first.token, usb)));
    const page = await at.nouns.sessions.listOpen({ limit: 1 });
    const rest = await at.nouns.sessions.listOpen({ limit: 1, marker: page.next ?? '' });
    expect(rest.next).toBeNull();
    const all = [...page.items, ...rest.items];
    expect(all.map(({ sessionId }) => sessionId)).toEqual([first.sessionId, second.sessionId].sort());
    const shown = all.find(({ sessionId }) => sessionId === first.sessionId);
    expect(shown).toMatchObject({ source: 'lab', uuid: 'one', name: 'first' });
    expect(shown?.channels).toHaveLength(2);
    expect(shown?.channels[1]).toEqual({
      id: expect.any(Number),
      node: 'node-a',
      pid: 100,
      created: at.clock.now,
      clientIp: '2001:db8::1',
      clientPort: 40000,
      connectionId: first.main.proxyConnectionId,
      channelType: 9,
      channelId: 2,
      sessionId: first.sessionId,
      connectionRef: late.connectionRef,
    });
    expect(shown?.channels[0]?.connectionId).toBeNull();
    await at.nouns.channels.closed(late.connectionRef, END);
    const after = await at.nouns.sessions.listOpen({ limit: 10 });
    expect(after.items.flatMap(({ channels }) => channels)).toHaveLength(2);
    const [row] = await at.db.query('SELECT * FROM console_connections WHERE connection_ref = ?', [
      late.connectionRef,
    ]);
    expect(row).toMatchObject({
      state: 'closed',
      reason: 'client closed',
      bytes_up: 10,
      bytes_down: 2000,
      duration: 1.5,
    });
  });

  it('closes what a dead worker left, and lets its sessions reconnect', async () => {
    const at = await site();
    const dead = await aRunningSession(at, 'one', { pid: 1 });
    const alive = await aRunningSession(at, 'two', { pid: 2 });
    const coming = await at.tokens.mint({ source: 'lab', uuid: 'one', issuedTo: 'bob' });
    granted(await at.nouns.admission.authorize(asking(coming.token, { pid: 1 })));
    const lost = await at.nouns.channels.closeWorker('node-a', 1);
    expect(lost.map(({ sessionId }) => sessionId)).toEqual([dead.sessionId, coming.sessionId]);
    expect(lost[0]).toMatchObject({
      connectionRef: dead.main.connectionRef,
      channelType: 1,
      source: 'lab',
      uuid: 'one',
    });
    expect(await at.nouns.channels.closeWorker('node-a', 1)).toEqual([]);
    expect((await at.nouns.sessions.find(dead.sessionId))?.state).toBe('closing');
    expect((await at.nouns.sessions.find(alive.sessionId))?.state).toBe('active');
    expect((await at.nouns.sessions.find(coming.sessionId))?.state).toBe('pending');
    expect(granted(await at.nouns.admission.authorize(asking(dead.token))).generation).toBe(2);
    expect(granted(await at.nouns.admission.authorize(asking(coming.token))).generation).toBe(2);
  });

  it("closes a restarted node's rows and leaves those of others", async () => {
    const at = await site();
    const here = await aRunningSession(at, 'one', { node: 'node-a' });
    const there = await aRunningSession(at, 'two', { node: 'node-b' });
    const usb = { connectionId: here.main.proxyConnectionId, channelType: 9, node: 'node-b' };
    granted(await at.nouns.admission.authorize(asking(here.token, usb)));
    expect(await at.nouns.channels.clearNode('node-a')).toHaveLength(1);
    expect(await at.nouns.channels.clearNode('node-a')).toEqual([]);
    expect((await at.nouns.sessions.find(there.sessionId))?.state).toBe('active');
    const elsewhere = await at.nouns.sessions.connectionsToClose('node-b');
    expect(elsewhere).toHaveLength(1);
    expect(elsewhere[0]).toMatchObject({ sessionId: here.sessionId, terminated: false });
  });

  it('gives two sessions that live at once different connection ids', async () => {
    const at = await site();
    const { main } = await aRunningSession(at);
    const second = await at.tokens.mint({ source: 'lab', uuid: 'one', issuedTo: 'bob' });
    const taken = 'UPDATE console_sessions SET connection_id = ? WHERE session_id = ?';
    await expect(at.db.execute(taken, [main.proxyConnectionId, second.sessionId])).rejects.toThrow(
      'exists already',
    );
  });

  it('closes a channel that is no main one without touching its session', async () => {
    const at = await site();
    const { token, main } = await aRunningSession(at);
    const display = granted(
      await at.nouns.admission.authorize(
        asking(token, { connectionId: main.proxyConnectionId, channelType: 2 }),
      ),
    );
    await at.nouns.channels.closeChannels([{ connectionRef: display.connectionRef, end: END, main: null }]);
    const { items } = await at.nouns.sessions.listOpen({ limit: 10 });
    expect(items[0]?.channels.map((channel) => channel.connectionRef)).toEqual([main.connectionRef]);
    expect(await at.nouns.sessions.find(main.sessionId)).toMatchObject({ state: 'active' });
  });

  it('knows nothing of a connection that was never granted', async () => {
    const { nouns } = await site();
    await nouns.channels.closed('no-such-ref', END);
    await nouns.channels.linked('no-such-ref');
  });
});
