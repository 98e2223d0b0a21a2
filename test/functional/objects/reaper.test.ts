// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import type { Database } from '../../../src/db/database.js';
import { AuditEvents } from '../../../src/objects/audit-event.js';
import type { ChannelGrant } from '../../../src/objects/channel-types.js';
import { sessionNouns } from '../../fixtures/session-nouns.js';
import { ConsoleTokens } from '../../../src/objects/console-token.js';
import { Consoles } from '../../../src/objects/console.js';
import { AccessLists, ListRecords } from '../../../src/objects/access.js';
import { reapAccessLists, reapExpired } from '../../../src/objects/reaper.js';
import { Sources } from '../../../src/objects/source.js';
import { databasesOf, ENGINES } from '../../fixtures/database.js';
import { aConsole } from '../../fixtures/rows.js';

const DAY = 86_400;
const OPTIONS = { reconnectGrace: 60 };
const END = { reason: 'client closed', bytesUp: 1, bytesDown: 2, duration: 3 } as const;

async function aSite(db: Database) {
  // The database's own clock has a part in it: time passes from now on.
  const clock = { now: Date.now() / 1000 };
  const now = (): number => clock.now;
  await new Sources(db).upsert({ name: 'lab', type: 'static' });
  await new Consoles(db, { now }).reconcile('lab', [aConsole()]);
  const nouns = sessionNouns(db, { ...OPTIONS, now });
  const tokens = new ConsoleTokens(db, { tokenTtl: 600, now });
  const mint = () => tokens.mint({ source: 'lab', uuid: 'one', issuedTo: 'alice' });
  const ask = async (ticket: string, connectionId = 0, channelType = 1): Promise<ChannelGrant> => {
    const place = { clientIp: '::1', clientPort: 1, node: 'n', pid: 1 };
    const answer = await nouns.admission.authorize({
      ticket,
      connectionId,
      channelType,
      channelId: 0,
      ...place,
    });
    if (answer.kind === 'denied') throw new Error(answer.reason);
    return answer;
  };
  const count = async (table: string): Promise<number> =>
    Number((await db.query<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`))[0]?.n);
  return { db, clock, nouns, mint, ask, count };
}

describe.each(ENGINES)('the reaper on %s', (engine) => {
  const databases = databasesOf(engine);

  it('takes tokens that expired unused, once, and says so in the audit trail', async () => {
    const { db, clock, mint, count } = await aSite(await databases.fresh());
    const { sessionId } = await mint();
    expect(await reapExpired(db, OPTIONS, clock.now + 600)).toMatchObject({ tokens: 0 });
    clock.now += 601;
    const options = { ...OPTIONS, node: 'n1', service: 'kerbside-conductor' };
    const both = await Promise.all([
      reapExpired(db, options, clock.now),
      reapExpired(db, options, clock.now),
    ]);
    expect(both.map(({ tokens }) => tokens).sort()).toEqual([0, 1]);
    expect(await count('console_tokens')).toBe(0);
    const { events } = await new AuditEvents(db).list('lab', 'one', 1);
    expect(events[0]).toMatchObject({
      ...{ message: 'Reaped expired and unused token', session_id: sessionId, issued_to: 'alice' },
      ...{ node: 'n1', pid: process.pid, service: 'kerbside-conductor', requested_by: 'service' },
    });
  });

  it('takes nothing before its time when the clock was set forward', async () => {
    const { db, clock, nouns, mint, ask, count } = await aSite(await databases.fresh());
    await mint();
    const [coming, gone] = [await mint(), await mint()];
    await ask(coming.token);
    const main = await ask(gone.token);
    await nouns.channels.establish(gone.sessionId, main.generation, 9);
    await nouns.channels.closed(main.connectionRef, END);
    const [due, later] = [clock.now + 50, clock.now + DAY];
    expect(await reapExpired(db, OPTIONS, later, due)).toEqual({ tokens: 0, sessions: 0, purged: 0 });
    expect(await count('console_tokens')).toBe(3);
    await nouns.channels.establish(coming.sessionId, 1, 10);
    expect(await reapExpired(db, OPTIONS, later, clock.now + 700)).toMatchObject({ tokens: 1, sessions: 1 });
  });

  it('leaves the token of a session that lives, however old it is', async () => {
    const { db, clock, nouns, mint, ask } = await aSite(await databases.fresh());
    const { token, sessionId } = await mint();
    const main = await ask(token);
    await nouns.channels.establish(sessionId, main.generation, 9);
    clock.now += 30 * DAY;
    expect(await reapExpired(db, OPTIONS, clock.now)).toEqual({ tokens: 0, sessions: 0, purged: 0 });
    await expect(ask(token, main.proxyConnectionId, 2)).resolves.toMatchObject({ kind: 'granted' });
  });

  it('leaves the token of a main channel that is coming up, and frees a claim whose node is gone', async () => {
    const { db, clock, mint, ask } = await aSite(await databases.fresh());
    const { token } = await mint();
    await ask(token);
    await db.execute('UPDATE console_tokens SET expires = ?', [clock.now + 60]);
    clock.now += 590;
    expect(await reapExpired(db, OPTIONS, clock.now)).toMatchObject({ tokens: 0 });
    clock.now += 60;
    expect(await reapExpired(db, OPTIONS, clock.now)).toMatchObject({ tokens: 1 });
    const rows = await db.query('SELECT reason FROM console_connections');
    expect(rows).toEqual([{ reason: 'node lost' }]);
  });

  it('closes sessions past their grace, spends their tokens, and removes all of it after a day', async () => {
    const { db, clock, nouns, mint, ask, count } = await aSite(await databases.fresh());
    const { token, sessionId } = await mint();
    const main = await ask(token);
    await nouns.channels.establish(sessionId, main.generation, 9);
    await ask(token, main.proxyConnectionId, 9);
    await nouns.channels.closed(main.connectionRef, END);
    clock.now += 60;
    expect(await reapExpired(db, OPTIONS, clock.now)).toMatchObject({ sessions: 0 });
    clock.now += 1;
    expect(await reapExpired(db, OPTIONS, clock.now)).toMatchObject({ sessions: 1 });
    expect(await nouns.sessions.find(sessionId)).toMatchObject({ state: 'closed' });
    expect((await nouns.sessions.listOpen({ limit: 5 })).items).toEqual([]);
    await expect(ask(token)).rejects.toThrow('token_expired');
    expect(await nouns.sessions.terminateSession(sessionId, 'too late')).toBe('absent');
    clock.now += DAY + 1;
    expect((await reapExpired(db, OPTIONS, clock.now)).purged).toBe(3);
    for (const table of ['console_tokens', 'console_sessions', 'console_connections'])
      expect(await count(table)).toBe(0);
  });

  it('closes a terminated session whose node never answered', async () => {
    const { db, clock, nouns, mint, ask, count } = await aSite(await databases.fresh());
    const { token, sessionId } = await mint();
    const main = await ask(token);
    await nouns.channels.establish(sessionId, main.generation, 9);
    await nouns.sessions.terminateSession(sessionId, 'by admin');
    clock.now += 61;
    expect(await reapExpired(db, OPTIONS, clock.now)).toMatchObject({ sessions: 1 });
    await expect(ask(token)).rejects.toThrow('token_terminated');
    expect((await nouns.sessions.listOpen({ limit: 5 })).items).toEqual([]);
    clock.now += DAY + 1;
    await reapExpired(db, OPTIONS, clock.now);
    expect(await count('session_terminations')).toBe(0);
  });

  it('does not spend the token of a session that reconnected at the last moment', async () => {
    const { db, clock, nouns, mint, ask } = await aSite(await databases.fresh());
    const { token, sessionId } = await mint();
    const main = await ask(token);
    await nouns.channels.establish(sessionId, main.generation, 9);
    await nouns.channels.closed(main.connectionRef, END);
    clock.now += 60;
    const again = await ask(token);
    clock.now += 5;
    expect(await reapExpired(db, OPTIONS, clock.now)).toMatchObject({ sessions: 0 });
    await nouns.channels.establish(sessionId, again.generation, 10);
    await expect(ask(token, again.proxyConnectionId, 2)).resolves.toMatchObject({ generation: 2 });
  });

  it('takes lists of access that held for no console the time before either', async () => {
    const { db, count } = await aSite(await databases.fresh());
    const consoles = new Consoles(db);
    const lists = new AccessLists(db);
    const ann = [{ role: 'open', users: ['ann'] }] as const;
    const bob = [{ role: 'view', groups: ['helpdesk'], users: ['bob'] }] as const;
    const pass = async (before: ReadonlySet<string> = new Set()): ReturnType<typeof reapAccessLists> =>
      reapAccessLists(db, before);
    await consoles.applyAccess('lab', ann);
    expect(await pass()).toMatchObject({ removed: 0, unused: new Set() });
    // The console is given to others: nobody asks for the list of ann any more.
    await consoles.applyAccess('lab', bob);
    expect(await count('access_grants')).toBe(3);
    const { unused } = await pass();
    expect(unused.size).toBe(1);
    // It comes back to her before the next pass.
    await consoles.applyAccess('lab', ann);
    expect((await pass(unused)).removed).toBe(0);
    expect([...(await lists.grantsTo(['user:ann'])).values()]).toEqual(['open']);
    const others = (await pass()).unused;
    expect((await pass(others)).removed).toBe(1);
    expect(await count('access_grants')).toBe(1);
    // With the source its lists go, too.
    await consoles.removeOfSource('lab');
    expect((await pass((await pass()).unused)).removed).toBe(1);
    expect(await count('access_grants')).toBe(0);
  });

  it('leaves a list that a console gets while it is taken', async () => {
    const { db, count } = await aSite(await databases.fresh());
    const records = new ListRecords(db, [{ role: 'open', users: ['ann'] }]);
    await records.idFor(undefined, []);
    await reapAccessLists(db, (await reapAccessLists(db, new Set())).unused);
    expect(await count('access_grants')).toBe(0);
    // As all who write consoles do when they have written them.
    await records.confirm();
    expect(await count('access_grants')).toBe(1);
  });
});
