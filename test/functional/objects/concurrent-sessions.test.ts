// SPDX-License-Identifier: Apache-2.0
// A second session at a console while the first one lives: refused, in its place, or beside it; and one winner when any number
// of them begin at the same moment, on nodes that know nothing of each other.
import { describe, expect, it } from '@jest/globals';
import type { Database } from '../../../src/db/database.js';
import { Conflict } from '../../../src/exception.js';
import type {
  ChannelDenial,
  ChannelGrant,
  ChannelRequest,
  SessionEnded,
} from '../../../src/objects/channel-types.js';
import type { ConcurrentSessionsSetting } from '../../../src/objects/concurrent-sessions.js';
import { ConsoleInUse, ConsoleUse } from '../../../src/objects/console-use.js';
import { ConsoleTokens } from '../../../src/objects/console-token.js';
import { Consoles } from '../../../src/objects/console.js';
import { SessionOutcomes } from '../../../src/objects/session-outcome.js';
import { Sources } from '../../../src/objects/source.js';
import { databasesOf, ENGINES } from '../../fixtures/database.js';
import { aConsole } from '../../fixtures/rows.js';
import { sessionNouns, type SessionNouns } from '../../fixtures/session-nouns.js';

const GRACE = 60;
const CONSOLE = { source: 'lab', uuid: 'one' };
const END = { reason: 'client closed', bytesUp: 1, bytesDown: 2, duration: 1 } as const;

interface Site {
  readonly db: Database;
  readonly clock: { now: number };
  /** Nouns of a process. */
  readonly nouns: (setting: ConcurrentSessionsSetting) => SessionNouns;
  readonly ended: SessionEnded[];
  /** A token of this user. */
  readonly token: (issuedTo: string, replaces?: boolean) => Promise<string>;
}

async function aSite(db: Database): Promise<Site> {
  const clock = { now: 1_800_000_000 };
  const now = (): number => clock.now;
  const ended: SessionEnded[] = [];
  const announce = (session: SessionEnded): void => void ended.push(session);
  await new Sources(db, { now }).upsert({ name: 'lab', type: 'static' });
  await new Consoles(db, { now }).reconcile('lab', [aConsole({ uuid: 'one' }), aConsole({ uuid: 'two' })]);
  const tokens = new ConsoleTokens(db, { tokenTtl: 600, now });
  return {
    db,
    clock,
    ended,
    nouns: (concurrentSessions) =>
      sessionNouns(db, { reconnectGrace: GRACE, concurrentSessions, announce, now }),
    token: async (issuedTo, replaces = false) =>
      (await tokens.mint({ ...CONSOLE, issuedTo, replaces })).token,
  };
}

function asking(ticket: string, change: Partial<ChannelRequest> = {}): ChannelRequest {
  return {
    ...{ ticket, connectionId: 0, channelType: 1, channelId: 0 },
    ...{ clientIp: '2001:db8::1', clientPort: 40000, node: 'node-a', pid: 100 },
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

async function started(nouns: SessionNouns, token: string, node = 'node-a'): Promise<ChannelGrant> {
  const main = granted(await nouns.admission.authorize(asking(token, { node })));
  await nouns.channels.establish(main.sessionId, main.generation, 7);
  return main;
}

describe.each(ENGINES)('concurrent sessions on %s', (engine) => {
  const databases = databasesOf(engine);
  const site = async (): Promise<Site> => aSite(await databases.fresh());

  async function rowsOf(db: Database): Promise<unknown[]> {
    return db.query(
      'SELECT s.state, s.holds, s.reason, t.issued_to FROM console_sessions s JOIN console_tokens t ' +
        'ON t.session_id = s.session_id ORDER BY t.issued_to',
    );
  }

  it.each(['refuse', 'auto'] as const)('are refused under %s, and leave no row', async (setting) => {
    const at = await site();
    const nouns = at.nouns(setting);
    const main = await started(nouns, await at.token('ann'));
    expect(main.hold).toBe('holds');
    const second = await nouns.admission.authorize(asking(await at.token('bob')));
    expect(second).toMatchObject({ kind: 'denied', reason: 'console_in_use', issuedTo: 'bob' });
    expect(await at.db.query('SELECT session_id FROM console_connections')).toEqual([
      { session_id: main.sessionId },
    ]);
    // Its other channels, and another console, are no second session.
    const beside = asking(await at.token('ann'), { channelType: 2, connectionId: main.proxyConnectionId });
    expect(reasonOf(await nouns.admission.authorize(beside))).toBe('main_required');
  });

  it('tell the one who waits that the console is in use, and the one who was replaced by whom', async () => {
    const at = await site();
    const outcomes = new SessionOutcomes(at.db, {
      ...{ reconnectGrace: GRACE, concurrentSessions: 'refuse', now: () => at.clock.now },
    });
    const nouns = at.nouns('refuse');
    const first = await at.token('ann');
    await started(nouns, first);
    expect((await outcomes.of(await at.token('bob'))).denial).toBe('console_in_use');
    const second = granted(await nouns.admission.authorize(asking(await at.token('bob', true))));
    await nouns.replacement.takeOver(second);
    expect((await outcomes.of(first)).denial).toBe('token_replaced');
    expect(reasonOf(await nouns.admission.authorize(asking(first)))).toBe('token_replaced');
  });

  it('are admitted once the first is over: its main has ended, or it was terminated', async () => {
    const at = await site();
    const nouns = at.nouns('refuse');
    const first = await started(nouns, await at.token('ann'));
    await nouns.channels.closed(first.connectionRef, END);
    const second = await started(nouns, await at.token('bob'));
    await nouns.sessions.terminateSession(second.sessionId, 'enough');
    expect(reasonOf(await nouns.admission.authorize(asking(await at.token('eve'))))).toBe('granted');
  });

  it('are not what a reconnect with the same token is', async () => {
    const at = await site();
    const nouns = at.nouns('refuse');
    const token = await at.token('ann');
    const first = await started(nouns, token);
    await nouns.channels.closed(first.connectionRef, END);
    at.clock.now += GRACE - 1;
    const again = await started(nouns, token);
    expect([again.generation, again.hold]).toEqual([2, 'holds']);
    await nouns.channels.closed(again.connectionRef, END);
    // Unless another one has it by then.
    await started(nouns, await at.token('bob'));
    expect(reasonOf(await nouns.admission.authorize(asking(token)))).toBe('console_in_use');
  });

  it('live beside each other under share, and hold nothing', async () => {
    const at = await site();
    const nouns = at.nouns('share');
    const mains = [await started(nouns, await at.token('ann')), await started(nouns, await at.token('bob'))];
    expect(mains.map(({ hold }) => hold)).toEqual(['shares', 'shares']);
    expect(await rowsOf(at.db)).toMatchObject([
      { state: 'active', holds: null },
      { state: 'active', holds: null },
    ]);
  });

  it('take the place of the first, which learns by whom, once they take the console', async () => {
    const at = await site();
    const nouns = at.nouns('replace');
    const first = await started(nouns, await at.token('ann'));
    const second = granted(await nouns.admission.authorize(asking(await at.token('bob'))));
    expect(second.hold).toBe('takes');
    // Until then the first lives: the second's machine may not be there at all.
    expect(await nouns.sessions.sessionsToClose(60)).toEqual([]);
    const { taken, replaced } = await nouns.replacement.takeOver(second);
    expect([taken, replaced]).toEqual([true, [{ sessionId: first.sessionId, issuedTo: 'ann' }]]);
    expect(at.ended).toEqual([
      { sessionId: first.sessionId, generation: 2 ** 31 - 1, terminated: true, replaced: true },
    ]);
    const over = { sessionId: first.sessionId, terminated: true, replaced: true };
    expect(await nouns.sessions.sessionsToClose(60)).toEqual([{ ...over, generation: 1 }]);
    expect(await nouns.sessions.connectionsToClose('node-a')).toEqual([
      { ...over, connectionRef: first.connectionRef },
    ]);
    expect(await nouns.replacement.isAnyOpen(replaced)).toBe(true);
    await nouns.channels.closed(first.connectionRef, { ...END, reason: 'replaced' });
    expect(await nouns.replacement.isAnyOpen(replaced)).toBe(false);
    await nouns.channels.establish(second.sessionId, 1, 8);
    expect(await rowsOf(at.db)).toEqual([
      { issued_to: 'ann', state: 'closing', holds: null, reason: 'replaced by bob' },
      { issued_to: 'bob', state: 'active', holds: 1, reason: null },
    ]);
  });

  it('take the place of the first where the token says so, unless the console is shared', async () => {
    const at = await site();
    await started(at.nouns('auto'), await at.token('ann'));
    const holds = [];
    for (const setting of ['auto', 'refuse', 'share'] as const) {
      const { admission, channels } = at.nouns(setting);
      const main = granted(await admission.authorize(asking(await at.token('bob', true))));
      holds.push(main.hold);
      await channels.closed(main.connectionRef, END);
    }
    expect(holds).toEqual(['takes', 'takes', 'shares']);
  });

  it('are treated as the console says, else as its source says, else as the option says', async () => {
    const at = await site();
    const [sources, consoles] = [new Sources(at.db), new Consoles(at.db)];
    const answers: string[] = [];
    const ask = async (): Promise<void> => {
      const nouns = at.nouns('share');
      const mains = [await nouns.admission.authorize(asking(await at.token('ann')))];
      mains.push(await nouns.admission.authorize(asking(await at.token('bob'))));
      answers.push(mains.map((main) => (main.kind === 'denied' ? main.reason : main.hold)).join(' '));
      for (const main of mains)
        if (main.kind === 'granted') await nouns.channels.closed(main.connectionRef, END);
    };
    await ask();
    await sources.upsert({ name: 'lab', type: 'static', settings: { concurrentSessions: 'replace' } });
    await ask();
    await consoles.reconcile('lab', [aConsole({ uuid: 'one', settings: { concurrentSessions: 'refuse' } })]);
    await ask();
    expect(answers).toEqual(['shares shares', 'holds takes', 'holds console_in_use']);
  });

  it('that begin at once on two nodes have one winner under refuse', async () => {
    const at = await site();
    const nodes = [at.nouns('refuse'), at.nouns('refuse')];
    const tokens = await Promise.all(
      Array.from({ length: 12 }, (_, user) => at.token(`user ${String(user)}`)),
    );
    const answers = await Promise.all(
      tokens.map(async (token, index) =>
        nodes[index % 2]!.admission.authorize(asking(token, { node: `node-${String(index % 2)}` })),
      ),
    );
    expect(answers.map(reasonOf).sort()).toEqual([
      ...Array.from({ length: 11 }, () => 'console_in_use'),
      'granted',
    ]);
    expect(await at.db.query('SELECT 1 AS one FROM console_connections')).toHaveLength(1);
  });

  it('that begin at once on two nodes have one winner under replace, and each has its row', async () => {
    const at = await site();
    const nodes = [at.nouns('replace'), at.nouns('replace')];
    const first = await started(nodes[0]!, await at.token('ann'));
    const tokens = await Promise.all(
      Array.from({ length: 6 }, (_, user) => at.token(`user ${String(user)}`)),
    );
    const mains = await Promise.all(
      tokens.map(async (token, index) => granted(await nodes[index % 2]!.admission.authorize(asking(token)))),
    );
    const takeovers = await Promise.all(
      mains.map(async (main, index) => nodes[index % 2]!.replacement.takeOver(main)),
    );
    const up = await Promise.all(
      mains.map(async ({ sessionId }, index) => {
        if (!takeovers[index]!.taken) return false;
        try {
          await nodes[index % 2]!.channels.establish(sessionId, 1, 9);
          return true;
        } catch (error) {
          if (error instanceof Conflict) return false;
          throw error;
        }
      }),
    );
    expect(up.filter(Boolean)).toHaveLength(1);
    // Each that was ended was ended once, and by one.
    const replaced = takeovers.flatMap((takeover) => takeover.replaced.map(({ sessionId }) => sessionId));
    expect(new Set(replaced).size).toBe(replaced.length);
    expect(replaced).toContain(first.sessionId);
    const holders = await at.db.query<{ session_id: string }>(
      'SELECT session_id FROM console_sessions WHERE holds = 1 AND terminated_at IS NULL',
    );
    expect(holders).toEqual([{ session_id: mains[up.indexOf(true)]!.sessionId }]);
    expect(await at.db.query('SELECT 1 AS one FROM console_connections')).toHaveLength(7);
  });

  it('are refused before there is a token, unless they replace', async () => {
    const at = await site();
    const use = new ConsoleUse(at.db, { concurrentSessions: 'auto' });
    expect(await use.replaces(CONSOLE, 'never')).toBe(false);
    const main = await started(at.nouns('auto'), await at.token('ann'));
    await expect(use.replaces(CONSOLE, 'never')).rejects.toThrow(new ConsoleInUse());
    expect(await use.replaces(CONSOLE, 'where_auto')).toBe(true);
    expect(await use.replaces({ source: 'lab', uuid: 'two' }, 'never')).toBe(false);
    expect(await use.replaces({ source: 'lab', uuid: 'none' }, 'never')).toBe(false);
    const strict = new ConsoleUse(at.db, { concurrentSessions: 'refuse' });
    await expect(strict.replaces(CONSOLE, 'where_auto')).rejects.toThrow('console in use');
    expect(await strict.replaces(CONSOLE, 'always')).toBe(true);
    for (const setting of ['replace', 'share'] as const)
      expect(await new ConsoleUse(at.db, { concurrentSessions: setting }).replaces(CONSOLE, 'never')).toBe(
        false,
      );
    await at.nouns('auto').channels.closed(main.connectionRef, END);
    expect(await use.replaces(CONSOLE, 'never')).toBe(false);
  });
});
