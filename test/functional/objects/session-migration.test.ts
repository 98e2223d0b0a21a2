// SPDX-License-Identifier: Apache-2.0
// Live migrations in the records, with channels on two proxy nodes: what one node announces, another one serves.
import { describe, expect, it } from '@jest/globals';
import type { Database } from '../../../src/db/database.js';
import { Conflict } from '../../../src/exception.js';
import type { ChannelDenial, ChannelGrant, ChannelRequest } from '../../../src/objects/channel-types.js';
import { ConsoleTokens } from '../../../src/objects/console-token.js';
import { Consoles } from '../../../src/objects/console.js';
import type { MigrationNews, MigrationTarget } from '../../../src/objects/session-migration.js';
import { Sources } from '../../../src/objects/source.js';
import { databasesOf, ENGINES } from '../../fixtures/database.js';
import { aConsole } from '../../fixtures/rows.js';
import { sessionNouns, type SessionNouns } from '../../fixtures/session-nouns.js';

const CONSOLE = { source: 'lab', uuid: 'one' };
const BACKEND_ID = 0xfeed;
const THERE: MigrationTarget = {
  ...{ host: '192.0.2.99', address: '192.0.2.99', port: 5999, tlsPort: null, subject: 'CN=there' },
};
const END = { reason: 'client closed', bytesUp: 0, bytesDown: 0, duration: 1 } as const;

interface Scene {
  readonly db: Database;
  readonly nouns: SessionNouns;
  readonly consoles: Consoles;
  readonly token: string;
  readonly main: ChannelGrant;
  readonly ask: (change: Partial<ChannelRequest>) => Promise<ChannelGrant | ChannelDenial>;
  readonly tell: (news: MigrationNews, target?: MigrationTarget | null) => Promise<number>;
  /** The channels of a node that must end. */
  readonly ending: (node: string) => Promise<string[]>;
}

async function aScene(db: Database): Promise<Scene> {
  const nouns = sessionNouns(db);
  const consoles = new Consoles(db);
  await new Sources(db).upsert({ name: 'lab', type: 'static', caCert: 'PEM' });
  await consoles.reconcile('lab', [aConsole({ uuid: 'one' })]);
  const { token } = await new ConsoleTokens(db, { tokenTtl: 600 }).mint({ ...CONSOLE, issuedTo: 'alice' });
  const ask = (change: Partial<ChannelRequest>): Promise<ChannelGrant | ChannelDenial> =>
    nouns.admission.authorize({
      ...{ ticket: token, connectionId: 0, channelType: 1, channelId: 0, node: 'node-a', pid: 1 },
      ...{ clientIp: '192.0.2.1', clientPort: 1 },
      ...change,
    });
  const main = granted(await ask({}));
  await nouns.channels.establish(main.sessionId, main.generation, BACKEND_ID);
  return {
    ...{ db, nouns, consoles, token, main, ask },
    tell: (news, target = THERE) => nouns.migrations.announce(main, CONSOLE, news, target),
    ending: async (node) =>
      (await nouns.sessions.connectionsToClose(node)).map(({ connectionRef }) => connectionRef),
  };
}

function granted(answer: ChannelGrant | ChannelDenial): ChannelGrant {
  if (answer.kind === 'denied') throw new Error(`refused: ${answer.reason}`);
  return answer;
}

function reasonOf(answer: ChannelGrant | ChannelDenial): string {
  return answer.kind === 'denied' ? answer.reason : 'granted';
}

describe.each(ENGINES)('migrations of sessions on %s', (engine) => {
  const databases = databasesOf(engine);
  const scene = async (): Promise<Scene> => aScene(await databases.fresh());

  it('let the client back in on another node, at the destination, once', async () => {
    const { nouns, main, ask, tell, ending } = await scene();
    const usb = { connectionId: main.proxyConnectionId, channelType: 9 };
    await tell('switched');
    expect(reasonOf(await ask(usb))).toBe('guest_moved');
    const answers = await Promise.all(['node-a', 'node-b', 'node-c'].map((node) => ask({ node })));
    expect(answers.map(reasonOf).sort()).toEqual(['granted', 'token_in_use', 'token_in_use']);
    const back = granted(answers.find(({ kind }) => kind === 'granted') ?? answers[0]!);
    expect(back).toMatchObject({ generation: 2, backendConnectionId: 0 });
    expect(back.migration).toEqual({ number: 1, kind: 'return', unplaced: false });
    expect(back.connectInfo).toMatchObject({
      ...{ hypervisor: '192.0.2.99', hypervisorIp: '192.0.2.99', insecurePort: 5999, securePort: null },
      ...{ hostSubject: 'CN=there', caCert: 'PEM', ticket: aConsole().ticket },
    });
    // The old main channel has not ended: it must, and its end does not touch the new one.
    expect(await ending('node-a')).toContain(main.connectionRef);
    await nouns.channels.establish(main.sessionId, 2, 7);
    await nouns.channels.closed(main.connectionRef, END);
    const next = granted(await ask({ node: 'node-d', channelType: 2, connectionId: back.proxyConnectionId }));
    expect(next).toMatchObject({ generation: 2, backendConnectionId: 7, migration: null });
    expect(next.connectInfo.hypervisor).toBe('192.0.2.99');
  });

  it('let it back in after its old main channel has ended, within the grace', async () => {
    const { nouns, main, ask, tell } = await scene();
    await tell('switched');
    await nouns.channels.closed(main.connectionRef, END);
    expect(granted(await ask({ node: 'node-b' })).connectInfo.hypervisor).toBe('192.0.2.99');
  });

  it('leave the place to the platform where none was said', async () => {
    const { ask, tell } = await scene();
    await tell('switched', null);
    const back = granted(await ask({}));
    expect(back.migration).toMatchObject({ unplaced: true });
    expect(back.connectInfo.hypervisor).toBe(aConsole().hypervisor);
  });

  it('admit channels to both hypervisors, and then to the destination alone', async () => {
    const { nouns, main, ask, tell, ending } = await scene();
    const id = { connectionId: main.proxyConnectionId };
    expect(reasonOf(await ask(id))).toBe('bad_connection_id');
    const number = await tell('announced');
    const before = granted(await ask({ ...id, channelType: 3 }));
    expect(before).toMatchObject({ generation: 1, migration: null });
    const ahead = granted(await ask({ ...id, node: 'node-b' }));
    expect(ahead).toMatchObject({ generation: 2, backendConnectionId: BACKEND_ID });
    expect(ahead.connectInfo.hypervisor).toBe('192.0.2.99');
    expect(reasonOf(await ask({ ...id, node: 'node-b' }))).toBe('bad_connection_id');
    const inputs = granted(await ask({ ...id, node: 'node-c', channelType: 3 }));
    expect(inputs).toMatchObject({ generation: 2, migration: { number, kind: 'destination' } });
    expect([await ending('node-b'), await ending('node-c')]).toEqual([[], []]);
    // The main channel to the source may end before the records know that the client has gone over.
    await nouns.channels.closed(main.connectionRef, END);
    expect(granted(await ask({ ...id, channelType: 4 })).migration).toMatchObject({ number });
    const { sessionId } = main;
    await nouns.migrations.goOver({ sessionId, number }, ahead.connectionRef);
    await nouns.migrations.goOver({ sessionId, number }, ahead.connectionRef);
    await nouns.migrations.left(sessionId, 1);
    expect(await ending('node-a')).toContain(before.connectionRef);
    expect(await ending('node-c')).toEqual([]);
    const late = granted(await ask({ ...id, channelType: 9 }));
    expect(late).toMatchObject({ generation: 2, backendConnectionId: BACKEND_ID, migration: null });
    expect(late.connectInfo.hypervisor).toBe('192.0.2.99');
    expect(await nouns.migrations.giveUp({ sessionId, number })).toBe(false);
  });

  it('end the channels to a destination that does not come about, and no others', async () => {
    const { nouns, main, ask, tell, ending } = await scene();
    const { sessionId } = main;
    const id = { connectionId: main.proxyConnectionId };
    const number = await tell('announced');
    const ahead = granted(await ask({ ...id, node: 'node-b' }));
    expect(await nouns.migrations.giveUp({ sessionId, number })).toBe(true);
    expect(await nouns.migrations.giveUp({ sessionId, number })).toBe(false);
    expect([await ending('node-a'), await ending('node-b')]).toEqual([[], [ahead.connectionRef]]);
    await expect(nouns.migrations.goOver({ sessionId, number }, ahead.connectionRef)).rejects.toThrow(
      Conflict,
    );
    // The link is of no use any more; what is opened now leads to the source.
    expect(reasonOf(await ask({ ...id, node: 'node-b' }))).toBe('bad_connection_id');
    const inputs = granted(await ask({ ...id, channelType: 3 }));
    expect(inputs).toMatchObject({ generation: 1, migration: null });
    expect(inputs.connectInfo.hypervisor).toBe(aConsole().hypervisor);
    // The next one is another, and the channels of the first stay ended.
    expect(await tell('announced')).toBe(number + 1);
    granted(await ask({ ...id, node: 'node-b' }));
    expect(await ending('node-b')).toEqual([ahead.connectionRef]);
  });

  it('are overtaken in one step: what is opened late leads nowhere, and what was opened ends', async () => {
    const { nouns, main, ask, tell, ending } = await scene();
    const { sessionId } = main;
    const id = { connectionId: main.proxyConnectionId };
    const number = await tell('announced');
    const ahead = granted(await ask({ ...id, node: 'node-b' }));
    expect(await nouns.migrations.overtake(main, CONSOLE, number, THERE)).toBe(number + 1);
    expect(await ending('node-b')).toEqual([ahead.connectionRef]);
    expect(reasonOf(await ask({ ...id, channelType: 2 }))).toBe('guest_moved');
    expect(reasonOf(await ask({ connectionId: 1, channelType: 2 }))).toBe('main_required');
    expect(reasonOf(await ask(id))).toBe('bad_connection_id');
    // Its main channel to the source may have ended.
    await nouns.channels.closed(main.connectionRef, END);
    expect(reasonOf(await ask({ ...id, channelType: 2 }))).toBe('guest_moved');
    expect(await nouns.migrations.giveUp({ sessionId, number })).toBe(false);
    expect(await nouns.migrations.overtake(main, CONSOLE, number, THERE)).toBe(null);
    expect(granted(await ask({})).migration).toMatchObject({ number: number + 1, kind: 'return' });
  });

  it('are announced by the session’s own main channel only, and not after its end', async () => {
    const { nouns, main, tell } = await scene();
    await expect(
      nouns.migrations.announce({ ...main, connectionRef: 'another' }, CONSOLE, 'switched', THERE),
    ).rejects.toThrow(Conflict);
    await nouns.sessions.terminateSession(main.sessionId, 'x');
    await expect(tell('switched')).rejects.toThrow(Conflict);
  });

  it('end with their session when it is terminated', async () => {
    const { nouns, main, ask, tell } = await scene();
    await tell('announced');
    await nouns.sessions.terminateSession(main.sessionId, 'x');
    expect(reasonOf(await ask({ connectionId: main.proxyConnectionId }))).toBe('token_terminated');
  });

  it('give a console its new place, unless the records know a newer one', async () => {
    const { nouns, consoles, main, ask, tell } = await scene();
    await tell('switched');
    granted(await ask({}));
    const fields = await nouns.migrations.moveConsole(main.sessionId, CONSOLE);
    expect(fields).toContain('hypervisor');
    expect(await consoles.connectInfo('lab', 'one')).toMatchObject({
      ...{ hypervisor: '192.0.2.99', insecurePort: 5999, hostSubject: 'CN=there' },
    });
    expect(await nouns.migrations.moveConsole(main.sessionId, CONSOLE)).toEqual([]);
    expect(await nouns.migrations.hypervisors('lab')).toEqual(['192.0.2.99']);
    await consoles.reconcile('lab', [aConsole({ uuid: 'one', hypervisor: 'newer' })]);
    expect(await nouns.migrations.moveConsole(main.sessionId, CONSOLE)).toEqual([]);
    expect((await consoles.connectInfo('lab', 'one'))?.hypervisor).toBe('newer');
  });
});
