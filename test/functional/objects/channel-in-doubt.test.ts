// SPDX-License-Identifier: Apache-2.0
// A database that goes away while a channel is written down: whatever was done of it, nothing is left of it afterwards.
import { describe, expect, it } from '@jest/globals';
import type { Database } from '../../../src/db/database.js';
import { DatabaseError } from '../../../src/exception.js';
import { ChannelInDoubt } from '../../../src/objects/channel-types.js';
import type { ChannelGrant } from '../../../src/objects/channel-types.js';
import { sessionNouns, type SessionNouns } from '../../fixtures/session-nouns.js';
import { ConsoleTokens } from '../../../src/objects/console-token.js';
import { Consoles } from '../../../src/objects/console.js';
import { Sources } from '../../../src/objects/source.js';
import { databasesOf, ENGINES, overheard } from '../../fixtures/database.js';
import { aConsole } from '../../fixtures/rows.js';

const OPTIONS = { reconnectGrace: 60 };
const END = { reason: 'control plane failed', bytesUp: 0, bytesDown: 0, duration: 0 } as const;

/** The same database, which does so many writes more and goes away before it has answered the last of them. */
function goingAway(db: Database, lastWrite: number): Database {
  let writes = 0;
  const check = (): void => {
    if (writes >= lastWrite) throw new DatabaseError('the database is away');
  };
  return {
    ...overheard(db, check),
    async execute(sql, parameters) {
      check();
      const matched = await db.execute(sql, parameters);
      writes += 1;
      check();
      return matched;
    },
  };
}

const refusedAs = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'granted',
    (error: unknown) => error,
  );

describe.each(ENGINES)('a channel in doubt on %s', (engine) => {
  const databases = databasesOf(engine);

  const aSite = async () => {
    const db = await databases.fresh();
    await new Sources(db).upsert({ name: 'lab', type: 'static' });
    await new Consoles(db).reconcile('lab', [aConsole()]);
    const { token, sessionId } = await new ConsoleTokens(db, { tokenTtl: 600 }).mint({
      ...{ source: 'lab', uuid: 'one', issuedTo: 'alice' },
    });
    const nouns = sessionNouns(db, OPTIONS);
    const ask = (by: SessionNouns, main?: ChannelGrant) =>
      by.admission.authorize({
        ...{ ticket: token, node: 'n', pid: 1, clientIp: '::1', clientPort: 1, channelId: 0 },
        connectionId: main?.proxyConnectionId ?? 0,
        channelType: main === undefined ? 1 : 2,
      });
    const open = (): Promise<unknown[]> =>
      db.query('SELECT connection_ref FROM console_connections WHERE closed IS NULL');
    return { db, nouns, sessionId, ask, open };
  };

  it.each([1, 2])(
    'is a main one after %d writes: it is closed later, and its token is good',
    async (writes) => {
      const { db, nouns, ask, open } = await aSite();
      const fault = await refusedAs(ask(sessionNouns(goingAway(db, writes), OPTIONS)));
      expect(fault).toBeInstanceOf(ChannelInDoubt);
      expect(await open()).toHaveLength(1);
      const { connectionRef } = fault as ChannelInDoubt;
      await nouns.channels.closed(connectionRef, END);
      await nouns.channels.closed(connectionRef, END);
      expect(await open()).toEqual([]);
      expect(await ask(nouns)).toMatchObject({ kind: 'granted' });
    },
  );

  it('is another one: it is closed later, and its session goes on', async () => {
    const { db, nouns, sessionId, ask, open } = await aSite();
    const main = (await ask(nouns)) as ChannelGrant;
    await nouns.channels.establish(sessionId, main.generation, 7);
    const fault = await refusedAs(ask(sessionNouns(goingAway(db, 1), OPTIONS), main));
    expect(fault).toBeInstanceOf(ChannelInDoubt);
    expect(await open()).toHaveLength(2);
    await nouns.channels.closed((fault as ChannelInDoubt).connectionRef, END);
    expect(await open()).toEqual([{ connection_ref: main.connectionRef }]);
    expect(await ask(nouns, main)).toMatchObject({ kind: 'granted' });
  });

  it('is none when nothing can have been written', async () => {
    const { db, ask } = await aSite();
    const fault = await refusedAs(ask(sessionNouns(goingAway(db, 0), OPTIONS)));
    expect(fault).toBeInstanceOf(DatabaseError);
    expect(fault).not.toBeInstanceOf(ChannelInDoubt);
  });
});
