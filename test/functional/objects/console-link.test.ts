// SPDX-License-Identifier: Apache-2.0
// The right to fetch a console's token once.
import { describe, expect, it } from '@jest/globals';
import { sessionNouns } from '../../fixtures/session-nouns.js';
import { ConsoleTokens } from '../../../src/objects/console-token.js';
import { Consoles } from '../../../src/objects/console.js';
import { Inventory } from '../../../src/objects/inventory.js';
import { Sources } from '../../../src/objects/source.js';
import { databasesOf, ENGINES } from '../../fixtures/database.js';
import { aConsole } from '../../fixtures/rows.js';

describe.each(ENGINES)('the link of a console on %s', (engine) => {
  const databases = databasesOf(engine);
  const asked = { source: 'lab', uuid: 'a', issuedTo: 'demo' };

  async function site() {
    const db = await databases.fresh();
    await new Sources(db).upsert({ name: 'lab', type: 'static' });
    await new Consoles(db).put('lab', aConsole({ uuid: 'a', projectId: 'p-1' }));
    let now = 1000;
    const clock = { now: () => now };
    const tokens = new ConsoleTokens(db, { tokenTtl: 600, ...clock });
    const nouns = sessionNouns(db, { ...clock });
    const opens = async (ticket: string): Promise<string> =>
      (
        await nouns.admission.authorize({
          ...{ ticket, connectionId: 0, channelType: 1, channelId: 0 },
          ...{ clientIp: '::1', clientPort: 1, node: 'n', pid: 1 },
        })
      ).kind;
    return { db, tokens, nouns, opens, later: (seconds: number) => (now += seconds) };
  }

  it('gives one token, to one of any number who come at once', async () => {
    const { db, tokens, opens } = await site();
    const link = await tokens.mintLink(asked);
    expect(await opens(link.key)).toBe('denied');
    const given = await Promise.all(Array.from({ length: 8 }, () => tokens.redeem(link.sessionId, link.key)));
    const [token, ...more] = given.filter((one) => one !== null);
    expect(more).toEqual([]);
    expect(await opens(token!)).toBe('granted');
    expect(await new Inventory(db).session(link.sessionId)).toMatchObject({
      issued_to: 'demo',
      expires: link.expires,
      project_id: 'p-1',
    });
  });

  it('is of its own session alone', async () => {
    const { tokens } = await site();
    const [one, other] = [await tokens.mintLink(asked), await tokens.mintLink(asked)];
    expect(await tokens.redeem(one.sessionId, other.key)).toBeNull();
    expect(await tokens.redeem(one.sessionId, '')).toBeNull();
    expect(await tokens.redeem(one.sessionId, one.key)).not.toBeNull();
  });

  it('ends with its time, and with its session', async () => {
    const { tokens, nouns, later } = await site();
    const [late, ended] = [await tokens.mintLink(asked), await tokens.mintLink(asked)];
    expect(await nouns.sessions.terminateSession(ended.sessionId, 'x')).toBe('ended');
    expect(await tokens.redeem(ended.sessionId, ended.key)).toBeNull();
    later(601);
    expect(await tokens.redeem(late.sessionId, late.key)).toBeNull();
  });
});
