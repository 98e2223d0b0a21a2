// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import type { Database } from '../../../src/db/database.js';
import { InvalidInput } from '../../../src/exception.js';
import { AuditEvents } from '../../../src/objects/audit-event.js';
import { ConsoleTokens } from '../../../src/objects/console-token.js';
import { sessionNouns } from '../../fixtures/session-nouns.js';
import { Consoles } from '../../../src/objects/console.js';
import { Sources } from '../../../src/objects/source.js';
import { databasesOf, ENGINES, overheard } from '../../fixtures/database.js';
import { aConsole } from '../../fixtures/rows.js';

async function messages(db: Database, uuid: string, source = 'lab'): Promise<string[]> {
  return (await new AuditEvents(db).list(source, uuid, 100)).events.map(({ message }) => message);
}

describe.each(ENGINES)('consoles on %s', (engine) => {
  const databases = databasesOf(engine);

  it('follow their source, and every difference is audited', async () => {
    const db = await databases.fresh();
    const consoles = new Consoles(db, { node: 'node-a', pid: 7 });
    expect(await consoles.reconcile('lab', [aConsole({ uuid: 'a' }), aConsole({ uuid: 'b' })])).toEqual({
      added: ['a', 'b'],
      changed: [],
      removed: [],
    });
    const [discovered] = (await new AuditEvents(db).list('lab', 'a', 5)).events;
    expect(discovered).toMatchObject({
      message: 'Discovered new console',
      node: 'node-a',
      pid: 7,
      session_id: null,
    });
    const unchanged = await consoles.reconcile('lab', [aConsole({ uuid: 'b' }), aConsole({ uuid: 'a' })]);
    expect(unchanged).toEqual({ added: [], changed: [], removed: [] });
    const moved = aConsole({ uuid: 'a', hypervisorIp: '2001:db8::5', securePort: null, ticket: 'other' });
    expect(await consoles.reconcile('lab', [moved, aConsole({ uuid: 'c' })])).toEqual({
      added: ['c'],
      changed: ['a'],
      removed: ['b'],
    });
    expect(await messages(db, 'a')).toEqual([
      'Discovered new console',
      'Console configuration changed: hypervisor_ip, secure_port, ticket',
    ]);
    expect(await messages(db, 'b')).toEqual(['Discovered new console', 'Console no longer available']);
    expect(await consoles.connectInfo('lab', 'a')).toMatchObject({
      hypervisorIp: '2001:db8::5',
      ticket: 'other',
    });
    expect(await consoles.connectInfo('lab', 'b')).toBeNull();
  });

  it('stay as they were written while their platform was asked', async () => {
    const consoles = new Consoles(await databases.fresh());
    await consoles.put('lab', aConsole({ uuid: 'a' }));
    const before = (await consoles.reportedOne('lab', 'a'))!;
    const answer = aConsole({ uuid: 'a', insecurePort: 5999 });
    await consoles.put('lab', aConsole({ uuid: 'a', insecurePort: 5950 }));
    expect(await consoles.put('lab', answer, { before })).toBe(false);
    expect(await consoles.reportedOne('lab', 'a')).toMatchObject({ insecurePort: 5950 });
    const asWritten = (await consoles.reportedOne('lab', 'a'))!;
    expect(await consoles.put('lab', answer, { before: asWritten })).toBe(true);
  });

  it('of one source leave those of another alone', async () => {
    const db = await databases.fresh();
    const consoles = new Consoles(db);
    await consoles.reconcile('lab', [aConsole({ uuid: 'a' })]);
    await consoles.reconcile('other', [aConsole({ uuid: 'a' })]);
    expect(await consoles.removeOfSource('lab')).toEqual(['a']);
    expect(await messages(db, 'a')).toEqual(['Discovered new console', 'Source no longer available']);
    expect((await consoles.list({ limit: 10 })).items.map(({ source }) => source)).toEqual(['other']);
  });

  it('take the last of two with one uuid', async () => {
    const db = await databases.fresh();
    const consoles = new Consoles(db);
    await consoles.reconcile('lab', [aConsole({ uuid: 'a', name: 'x' }), aConsole({ uuid: 'a', name: 'y' })]);
    expect((await consoles.find('lab', 'a'))?.name).toBe('y');
    expect(await messages(db, 'a')).toHaveLength(1);
  });

  it('are discovered once when several nodes reconcile at the same moment', async () => {
    const db = await databases.fresh();
    const found = Array.from({ length: 450 }, (_, n) => aConsole({ uuid: `u${n}` }));
    const nodes = [1, 2, 3].map((n) => new Consoles(db, { now: () => 1000 + n }));
    const done = await Promise.all(nodes.map((consoles) => consoles.reconcile('lab', found)));
    expect(done.flatMap(({ added }) => added)).toHaveLength(450);
    const rows = await db.query<{ n: number }>('SELECT COUNT(*) AS n FROM audit_events');
    expect(Number(rows[0]?.n)).toBe(450);
  });

  it('refuse a value that does not fit before anything is changed', async () => {
    const db = await databases.fresh();
    const consoles = new Consoles(db);
    const bad = [aConsole({ uuid: 'a' }), aConsole({ uuid: 'b', ticket: 'x'.repeat(256) })];
    await expect(consoles.reconcile('lab', bad)).rejects.toThrow(InvalidInput);
    await expect(consoles.reconcile('lab', bad)).rejects.toThrow('console b: ticket is longer than 255');
    expect(await consoles.find('lab', 'a')).toBeNull();
  });

  it('keep their tickets encrypted in the tables, and out of listings', async () => {
    const db = await databases.fresh();
    const consoles = new Consoles(db);
    await consoles.reconcile('lab', [
      aConsole({ uuid: 'a', ticket: 'open sesame' }),
      aConsole({ uuid: 'b', ticket: '' }),
    ]);
    const rows = await db.query<{ ticket: string | null }>('SELECT ticket FROM consoles ORDER BY uuid');
    expect(rows[0]?.ticket).toMatch(/^v1:[0-9a-f]{8}:[\w-]+$/);
    expect(rows[1]?.ticket).toBeNull();
    expect(JSON.stringify(rows)).not.toContain('sesame');
    expect(Object.keys((await consoles.find('lab', 'a')) ?? {})).not.toContain('ticket');
    expect((await consoles.connectInfo('lab', 'a'))?.ticket).toBe('open sesame');
    expect((await consoles.connectInfo('lab', 'b'))?.ticket).toBe('');
  });

  it('do not decrypt a ticket that was moved to another row', async () => {
    const db = await databases.fresh();
    const consoles = new Consoles(db);
    await consoles.reconcile('lab', [aConsole({ uuid: 'a' }), aConsole({ uuid: 'b' })]);
    const [row] = await db.query<{ ticket: string }>("SELECT ticket FROM consoles WHERE uuid = 'a'");
    await db.execute("UPDATE consoles SET ticket = ? WHERE uuid = 'b'", [row?.ticket ?? '']);
    await expect(consoles.connectInfo('lab', 'b')).rejects.toThrow(/it was changed or moved/);
  });

  it('are listed in pages over all sources, each once and in order', async () => {
    const db = await databases.fresh();
    const consoles = new Consoles(db);
    for (const source of ['a', 'b/slash', 'c']) {
      await consoles.reconcile(
        source,
        Array.from({ length: 5 }, (_, n) => aConsole({ uuid: `u${n}` })),
      );
    }
    const seen: string[] = [];
    let marker: string | undefined;
    let pages = 0;
    do {
      const page = await consoles.list({ limit: 4, marker });
      seen.push(...page.items.map(({ source, uuid }) => `${source} ${uuid}`));
      marker = page.next ?? undefined;
      pages += 1;
    } while (marker !== undefined);
    expect(pages).toBe(4);
    expect(seen).toEqual([...seen].sort());
    expect(new Set(seen).size).toBe(15);
    await expect(consoles.list({ limit: 1, marker: 'nonsense' })).rejects.toThrow(InvalidInput);
    expect(await consoles.list({ limit: 15 })).toMatchObject({ next: null });
  });

  it('come with their sessions, in as many statements for a thousand as for one', async () => {
    const db = await databases.fresh();
    const now = (): number => 1_800_000_000;
    const all = new Consoles(db, { now });
    for (const source of ['x', 'y', 'z']) {
      await all.reconcile(
        source,
        Array.from({ length: 20 }, (_, n) => aConsole({ uuid: `u${n}` })),
      );
    }
    await new Sources(db).upsert({ name: 'y', type: 'static' });
    const tokens = new ConsoleTokens(db, { tokenTtl: 60, now });
    const one = await tokens.mint({ source: 'y', uuid: 'u3', issuedTo: 'a' });
    const two = await tokens.mint({ source: 'y', uuid: 'u3', issuedTo: 'a' });
    const nouns = sessionNouns(db, { reconnectGrace: 1, now });
    await nouns.admission.authorize({
      ...{ ticket: one.token, connectionId: 0, channelType: 1, channelId: 0 },
      ...{ clientIp: '192.0.2.7', clientPort: 4000, node: 'node-a', pid: 7 },
    });
    let statements = 0;
    const counted = overheard(db, () => (statements += 1));
    const { items } = await new Consoles(counted).list({ limit: 1000 });
    expect(statements).toBe(3);
    const busy = items.filter(({ tokenCount }) => tokenCount > 0);
    expect(busy).toHaveLength(1);
    expect(busy[0]).toMatchObject({ source: 'y', uuid: 'u3', tokenCount: 2, discovered: 1_800_000_000 });
    expect(busy[0]?.sessionIds).toEqual([one.sessionId]);
    await nouns.sessions.terminateSession(one.sessionId, 'x');
    expect(await all.find('y', 'u3')).toMatchObject({ sessionIds: [], tokenCount: 1 });
    expect(await nouns.sessions.terminateConsole('y', 'u3', 'x')).toMatchObject({
      sessionIds: [two.sessionId],
    });
  });
});

const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';

describe.each(ENGINES)('sources on %s', (engine) => {
  const databases = databasesOf(engine);

  it('are inserted, updated, soft-deleted and brought back', async () => {
    const sources = new Sources(await databases.fresh(), { now: () => 99.5 });
    await sources.upsert({ name: 'lab', type: 'static' });
    await sources.markSeen('lab', 'node-a');
    await sources.upsert({
      name: 'lab',
      type: 'openstack',
      url: 'https://keystone',
      username: 'u',
      caCert: CERTIFICATE,
    });
    expect(await sources.find('lab')).toEqual({
      name: 'lab',
      type: 'openstack',
      lastSeen: 99.5,
      seenBy: 'node-a',
      errored: false,
      error: null,
      url: 'https://keystone',
      caCert: CERTIFICATE,
      username: 'u',
      projectName: null,
      userDomainId: null,
      projectDomainId: null,
      deleted: false,
    });
    expect(await sources.markDeleted('lab')).toBe(true);
    expect(await sources.markDeleted('lab')).toBe(false);
    expect((await sources.find('lab'))?.deleted).toBe(true);
    expect((await sources.list({ limit: 5 })).items).toEqual([]);
    expect((await sources.list({ limit: 5 }, { deleted: true })).items).toHaveLength(1);
    await sources.upsert({ name: 'lab', type: 'static' });
    expect((await sources.find('lab'))?.deleted).toBe(false);
    expect(await sources.find('other')).toBeNull();
  });

  it('show their error until they are seen again', async () => {
    const sources = new Sources(await databases.fresh());
    await sources.upsert({ name: 'lab', type: 'static' });
    await sources.setError('lab', 'line 3, column 5: bad indentation');
    expect(await sources.find('lab')).toMatchObject({
      errored: true,
      error: 'line 3, column 5: bad indentation',
    });
    await sources.upsert({ name: 'lab', type: 'static' });
    expect((await sources.find('lab'))?.errored).toBe(true);
    await sources.markSeen('lab', 'n');
    expect(await sources.find('lab')).toMatchObject({ errored: false, error: null });
  });

  it('keep passwords encrypted and never show them', async () => {
    const db = await databases.fresh();
    const sources = new Sources(db);
    await sources.upsert({ name: 'lab', type: 'ovirt', password: 'pässword' });
    expect(JSON.stringify(await db.query('SELECT * FROM sources'))).not.toContain('pässword');
    expect(Object.keys((await sources.find('lab')) ?? {})).not.toContain('password');
    expect(await sources.password('lab')).toBe('pässword');
    await sources.upsert({ name: 'lab', type: 'ovirt' });
    expect(await sources.password('lab')).toBeNull();
  });

  it('survive the same upsert on several nodes at once', async () => {
    const sources = new Sources(await databases.fresh());
    await Promise.all([1, 2, 3, 4].map((n) => sources.upsert({ name: 'lab', type: 'static', url: `u${n}` })));
    expect((await sources.list({ limit: 5 })).items).toHaveLength(1);
    await expect(sources.upsert({ name: 'lab', type: 'x'.repeat(21) })).rejects.toThrow('type: too long');
  });

  it('are listed by name in pages', async () => {
    const sources = new Sources(await databases.fresh());
    for (const name of ['c', 'a', 'b']) await sources.upsert({ name, type: 'static' });
    const first = await sources.list({ limit: 2 });
    expect(first.items.map(({ name }) => name)).toEqual(['a', 'b']);
    const second = await sources.list({ limit: 2, marker: first.next ?? '' });
    expect(second).toMatchObject({ items: [{ name: 'c' }], next: null });
  });
});
