// SPDX-License-Identifier: Apache-2.0
// Taking over the original's database: both shapes of it, into both engines, once and again, and what is no such database.
import { describe, expect, it } from '@jest/globals';
import { OriginalDatabase } from '../../../src/db/original.js';
import type { Database } from '../../../src/db/database.js';
import { AuditEvents } from '../../../src/objects/audit-event.js';
import { sessionNouns } from '../../fixtures/session-nouns.js';
import { ConsoleTokens } from '../../../src/objects/console-token.js';
import { Consoles } from '../../../src/objects/console.js';
import { importOriginal, type ImportOutcome } from '../../../src/objects/original-import.js';
import { Sources } from '../../../src/objects/source.js';
import { databasesOf, ENGINES } from '../../fixtures/database.js';
import {
  OPENSTACK_UUID,
  originalDatabase,
  SESSION_ID,
  STATIC_UUID,
  TICKET,
  TOKEN,
} from '../../fixtures/original-database.js';

const EVENTS = 1203;
const NOW = 1_790_000_000;
const clock = (): number => NOW;
const originals = databasesOf('mariadb');

async function take(url: string, db: Database): Promise<ImportOutcome & { progress: number[][] }> {
  const original = await OriginalDatabase.open(url);
  const progress: number[][] = [];
  try {
    const consoles = new Consoles(db, { node: 'node2', pid: 7 });
    const outcome = await importOriginal(db, original, consoles, {
      now: NOW,
      progress: (done, total) => progress.push([done, total]),
    });
    return { ...outcome, progress };
  } finally {
    await original.close();
  }
}

describe.each(ENGINES)('the import of the original into %s', (engine) => {
  const databases = databasesOf(engine);

  it.each(['first', 'last'] as const)(
    'takes over a database of the %s shape, and again without harm',
    async (shape) => {
      const db = await databases.fresh();
      const url = await originalDatabase(originals.server(), shape, { events: EVENTS, now: NOW });
      const first = await take(url, db);
      expect(first).toMatchObject({ consoles: 2, tokens: 1, events: EVENTS, refused: [] });
      expect(first.progress).toEqual([
        [500, EVENTS],
        [1000, EVENTS],
        [EVENTS, EVENTS],
      ]);
      expect(await take(url, db)).toMatchObject({ consoles: 0, tokens: 0, events: 0, refused: [] });

      const consoles = new Consoles(db, { node: 'node2', pid: 7 });
      expect(await consoles.connectInfo('lab', STATIC_UUID)).toMatchObject({
        hypervisorIp: '192.0.2.2',
        insecurePort: null,
        securePort: 5901,
        hostSubject: 'CN=hv2',
        ticket: TICKET,
      });
      const trail = await new AuditEvents(db).list('cloud', OPENSTACK_UUID, 1000);
      const last = trail.events.filter(({ message }) => message.startsWith('event ')).at(-1);
      expect(last).toMatchObject({ message: `event ${EVENTS - 1}`, node: 'node1', pid: 42, channel: 'main' });
      expect(last?.timestamp).toBeCloseTo(NOW - 3601 + 0.123456, 5);
    },
  );

  it('honours a token that was handed out before', async () => {
    const db = await databases.fresh();
    await new Sources(db).upsert({ name: 'cloud', type: 'openstack' });
    await take(await originalDatabase(originals.server(), 'last', { events: 1, now: NOW }), db);
    const nouns = sessionNouns(db, { now: clock });
    const request = {
      connectionId: 0,
      channelType: 1,
      channelId: 0,
      clientIp: '192.0.2.9',
      clientPort: 40000,
    };
    const at = { node: 'node2', pid: 7 };
    expect(await nouns.admission.authorize({ ...request, ...at, ticket: TOKEN })).toMatchObject({
      kind: 'granted',
      sessionId: SESSION_ID,
    });
    expect(await nouns.admission.authorize({ ...request, ...at, ticket: 'expired' })).toMatchObject({
      reason: 'token_unknown',
    });
  });

  it('takes over no token of a session that was terminated', async () => {
    const db = await databases.fresh();
    const content = { events: 1, now: NOW, terminated: SESSION_ID };
    const url = await originalDatabase(originals.server(), 'last', content);
    expect(await take(url, db)).toMatchObject({ consoles: 2, tokens: 0, refused: [] });
  });

  it('gives a session its token when it was interrupted between the two', async () => {
    const db = await databases.fresh();
    const url = await originalDatabase(originals.server(), 'last', { events: 1, now: NOW });
    await take(url, db);
    await db.execute('DELETE FROM console_tokens');
    expect(await take(url, db)).toMatchObject({ tokens: 1 });
  });

  it('does not give back the token of a session that was terminated here', async () => {
    const db = await databases.fresh();
    const url = await originalDatabase(originals.server(), 'last', { events: 1, now: NOW });
    await take(url, db);
    const nouns = sessionNouns(db, { now: clock });
    expect(await nouns.sessions.terminateSession(SESSION_ID, 'by the operator')).toBe('ended');
    await db.execute('DELETE FROM console_tokens');
    expect(await take(url, db)).toMatchObject({ tokens: 0 });
  });

  it('leaves what this Kerbside knows better', async () => {
    const db = await databases.fresh();
    const consoles = new Consoles(db, { node: 'node2', pid: 7 });
    await consoles.put('cloud', {
      ...{ uuid: OPENSTACK_UUID, name: 'desktop', hypervisor: 'hv9', hypervisorIp: '192.0.2.9' },
      ...{ insecurePort: 5909, securePort: null, hostSubject: null, ticket: '' },
    });
    const url = await originalDatabase(originals.server(), 'last', { events: 1, now: NOW });
    expect(await take(url, db)).toMatchObject({ consoles: 1 });
    expect(await consoles.connectInfo('cloud', OPENSTACK_UUID)).toMatchObject({ insecurePort: 5909 });
  });

  it('goes on after an interruption', async () => {
    const db = await databases.fresh();
    const url = await originalDatabase(originals.server(), 'last', { events: EVENTS, now: NOW });
    await take(url, db);
    await db.execute("DELETE FROM audit_events WHERE message LIKE 'event 1%'");
    const again = await take(url, db);
    const lost = Array.from({ length: EVENTS }, (_, at) => `event ${at}`).filter((text) =>
      text.startsWith('event 1'),
    );
    expect(again.events).toBe(lost.length);
    await new ConsoleTokens(db, { tokenTtl: 600 }).mint({
      source: 'lab',
      uuid: STATIC_UUID,
      issuedTo: 'alice',
    });
  });
});

describe('what is no database of the original', () => {
  it.each([
    ['SQLite', () => 'sqlite:////tmp/kerbside.sqlite', 'MySQL or MariaDB only'],
    ['nothing that is a URL', () => 'banana', 'banana'],
    ['a server that is not there', () => 'mysql+pymysql://k:s3cret-word@127.0.0.1:1/kerbside', '127.0.0.1:1'],
  ])('%s is refused', async (_what, url, fault) => {
    const refusal = OriginalDatabase.open(url()).then(
      () => '',
      (error: unknown) => (error as Error).message,
    );
    expect(await refusal).toContain(fault === 'banana' ? 'connection' : fault);
    expect(await refusal).not.toContain('s3cret-word');
  });

  it('an empty schema is refused, by what it lacks', async () => {
    const url = originals.server().url(await originals.server().createSchema());
    await expect(OriginalDatabase.open(url)).rejects.toThrow(
      /no database of the original Kerbside: it lacks sources, consoles, consoletokens, auditevents/,
    );
  });
});
