// SPDX-License-Identifier: Apache-2.0
// Who hears that a session is over: everybody, once it is in the database, whatever ended it; and nobody of what goes on.
import { describe, expect, it } from '@jest/globals';
import type { Database } from '../../../src/db/database.js';
import type { ChannelGrant, ChannelRequest, SessionEnded } from '../../../src/objects/channel-types.js';
import { sessionNouns, type SessionNouns } from '../../fixtures/session-nouns.js';
import { ConsoleTokens } from '../../../src/objects/console-token.js';
import { Consoles } from '../../../src/objects/console.js';
import { sessionUsage } from '../../../src/objects/session-usage.js';
import { Sources } from '../../../src/objects/source.js';
import { databasesOf, ENGINES } from '../../fixtures/database.js';
import { aConsole } from '../../fixtures/rows.js';

const END = { reason: 'client closed', bytesUp: 10, bytesDown: 200, duration: 3.5 } as const;
const EVERY = 2 ** 31 - 1;

/** Sessions at one console, and what was announced of them. */
class Site {
  readonly heard: SessionEnded[] = [];
  readonly nouns: SessionNouns;

  private constructor(readonly db: Database) {
    const announce = (ended: SessionEnded): void => void this.heard.push(ended);
    this.nouns = sessionNouns(db, { announce });
  }

  static async on(db: Database): Promise<Site> {
    await new Sources(db).upsert({ name: 'lab', type: 'static' });
    const console = aConsole({ uuid: 'one', projectId: 'p', userId: 'u-1' });
    await new Consoles(db).reconcile('lab', [console]);
    return new Site(db);
  }

  /** A session with its main channel up, and a channel on another node. */
  async running(node = 'a'): Promise<{ sessionId: string; main: ChannelGrant; other: ChannelGrant }> {
    const mint = { source: 'lab', uuid: 'one', issuedTo: 'ann' };
    const { token, sessionId } = await new ConsoleTokens(this.db, { tokenTtl: 60 }).mint(mint);
    const asking = { ticket: token, channelId: 0, clientIp: '192.0.2.1', clientPort: 1, pid: 100 };
    const main = await this.granted({ ...asking, connectionId: 0, channelType: 1, node });
    await this.nouns.channels.establish(sessionId, main.generation, 7);
    const connectionId = main.proxyConnectionId;
    const other = await this.granted({ ...asking, connectionId, channelType: 2, node: 'elsewhere' });
    return { sessionId, main, other };
  }

  private async granted(request: ChannelRequest): Promise<ChannelGrant> {
    const answer = await this.nouns.admission.authorize(request);
    if (answer.kind === 'denied') throw new Error(answer.reason);
    return answer;
  }
}

describe.each(ENGINES)('the end of a session on %s', (engine) => {
  const databases = databasesOf(engine);
  const site = async (): Promise<Site> => Site.on(await databases.fresh());

  it('is announced with its main channel, not with another', async () => {
    const at = await site();
    const { sessionId, main, other } = await at.running();
    await at.nouns.channels.closeChannels([{ connectionRef: other.connectionRef, end: END, main: null }]);
    await at.nouns.channels.closed(other.connectionRef, END);
    expect(at.heard).toEqual([]);
    await at.nouns.channels.closed(main.connectionRef, END);
    await at.nouns.channels.closed(main.connectionRef, END);
    expect(at.heard).toEqual([{ sessionId, generation: 1, terminated: false }]);
  });

  it('is announced when it is terminated: for all generations', async () => {
    const at = await site();
    const [one, two] = [await at.running(), await at.running()];
    await at.nouns.sessions.terminateSession(one.sessionId, 'x');
    await at.nouns.sessions.terminateSession('no such one', 'x');
    expect(at.heard).toEqual([{ sessionId: one.sessionId, generation: EVERY, terminated: true }]);
    await at.nouns.sessions.terminateConsole('lab', 'one', 'x');
    expect(at.heard.slice(1)).toEqual([{ sessionId: two.sessionId, generation: EVERY, terminated: true }]);
  });

  it('is announced when its node starts anew, its worker dies, or its hypervisor process is gone', async () => {
    const at = await site();
    const [one, two, three] = [await at.running('a'), await at.running('b'), await at.running('c')];
    await at.nouns.channels.clearNode('a');
    await at.nouns.channels.closeWorker('b', 100);
    await at.nouns.sessions.interruptConsole('lab', 'one');
    expect(at.heard).toEqual(
      [one, two, three].map(({ sessionId }) => ({ sessionId, generation: 1, terminated: false })),
    );
    await at.nouns.channels.clearNode('elsewhere');
    expect(at.heard).toHaveLength(3);
  });

  it('is announced when one of its channels is lost, once, and not for a generation that is over', async () => {
    const at = await site();
    const { sessionId, main } = await at.running();
    const interrupt = (generation: number, id = sessionId): Promise<boolean> =>
      at.nouns.sessions.interruptSession(id, generation);
    expect([await interrupt(2), await interrupt(0), await interrupt(1, 'no such one')]).toEqual([
      ...[false, false, false],
    ]);
    expect(at.heard).toEqual([]);
    expect([await interrupt(1), await interrupt(1)]).toEqual([true, false]);
    expect(at.heard).toEqual([{ sessionId, generation: 1, terminated: false }]);
    const left = await at.nouns.sessions.connectionsToClose('a');
    expect(left.map(({ connectionRef }) => connectionRef)).toEqual([main.connectionRef]);
    const other = await at.running();
    await at.nouns.sessions.terminateSession(other.sessionId, 'x');
    expect(await interrupt(1, other.sessionId)).toBe(false);
  });

  it('is known with all that passed on all nodes, and whose it was', async () => {
    const at = await site();
    const { sessionId, main, other } = await at.running();
    expect(main.owner).toEqual({ issuedTo: 'ann', projectId: 'p', userId: 'u-1' });
    await at.nouns.channels.closed(main.connectionRef, END);
    await at.nouns.channels.closeChannels([
      { connectionRef: other.connectionRef, end: { ...END, bytesDown: 5_000_000_000 }, main: null },
    ]);
    expect(await sessionUsage(at.db, sessionId, 1)).toMatchObject({
      ...{ sessionId, generation: 1, source: 'lab', uuid: 'one', node: 'a', clientIp: '192.0.2.1' },
      ...{ owner: main.owner, duration: 3.5, channels: 2, bytesUp: 20, bytesDown: 5_000_000_200 },
      reason: 'client closed',
    });
    expect(await sessionUsage(at.db, sessionId, 2)).toBeNull();
  });

  it('of a source that fails, and each distinct fault, is one piece of news', async () => {
    const { db } = await site();
    const news: unknown[] = [];
    const changed = (name: string, fault: string | null): void => void news.push([name, fault]);
    const [here, there] = [new Sources(db, { changed }), new Sources(db, { changed })];
    for (const fault of ['away', 'away', 'wrong password', 'away']) {
      await here.setError('lab', fault);
      await there.setError('lab', fault);
    }
    await there.markSeen('lab', 'b');
    await here.markSeen('lab', 'a');
    expect(news).toEqual([
      ['lab', 'away'],
      ['lab', 'wrong password'],
      ['lab', 'away'],
      ['lab', null],
    ]);
  });
});
