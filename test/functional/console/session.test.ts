// SPDX-License-Identifier: Apache-2.0
// Who may open a channel, and until when: tokens, the session's one main channel, late channels, the reconnect
// grace, and termination of sessions and consoles.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Site, SOURCE, type Desk, type Guest } from '../../fixtures/kerbside.js';
import type { OpenDatabase } from '../../fixtures/open-database.js';
import { waitFor } from '../../fixtures/program.js';
import { ByteReader } from '../../fixtures/byte-reader.js';
import { linkAsClient } from '../../fixtures/client-link-stage.js';
import { connectSocket, type ClientChannel } from '../../fixtures/spice-client.js';
import { resetSocket } from '../../fixtures/spice-server-channel.js';

const TOKEN_TTL = 600;
const GRACE = 60;

let site: Site;
let db: OpenDatabase;

beforeAll(async () => {
  site = await Site.start({
    OS_CONSOLE__TOKEN_TTL: String(TOKEN_TTL),
    OS_CONSOLE__RECONNECT_GRACE: String(GRACE),
  });
  db = await site.database();
});
afterEach(() => site.tidy());
afterAll(async () => {
  await db.close();
  const log = site.log();
  await site.stop();
  expect(log).not.toMatch(/ ERROR /);
});

/** Moves what is recorded of a session into the past, as if more than those seconds had gone by since. */
async function goBy(session: string, seconds: number): Promise<void> {
  const back = seconds + 0.5;
  await db.execute('UPDATE console_tokens SET expires = expires - ? WHERE session_id = ?', [back, session]);
  await db.execute('UPDATE console_sessions SET closing_since = closing_since - ? WHERE session_id = ?', [
    back,
    session,
  ]);
}

async function opened(desk: Desk): Promise<{ client: Guest; main: ClientChannel }> {
  const client = await site.client(desk.uuid);
  const main = await client.openMain();
  return { client, main };
}

/** Closes main and waits until Kerbside has taken note. */
async function left(client: Guest, main: ClientChannel): Promise<void> {
  await main.close();
  await waitFor('the end of the session', async () => !(await site.sessionIds()).includes(client.session));
}

async function allClosed(channels: readonly ClientChannel[]): Promise<void> {
  await waitFor('the end of the channels', () => channels.every(({ closeReason }) => closeReason !== null));
}

const refused = (code: number) => ({ type: 'result', code });

describe('a token', () => {
  it('is refused with result 7 once it has expired unused', async () => {
    const desk = await site.desk();
    const client = await site.client(desk.uuid);
    await goBy(client.session, TOKEN_TTL);
    const main = await client.link('main', 0, { connectionId: 0 });
    expect(main.outcome).toEqual(refused(7));
    expect(desk.server.attempts).toHaveLength(0);
    // Whichever comes first: the client, or the reaper, after which the token is unknown.
    const either = ['Channel refused: token expired', 'Reaped expired and unused token'];
    await waitFor('the end of the token in the audit', async () =>
      (await site.auditOf(desk.uuid)).some((message) => either.includes(message)),
    );
  });

  it('admits late channels of its session after it has expired', async () => {
    const desk = await site.desk();
    const { client } = await opened(desk);
    await goBy(client.session, TOKEN_TTL);
    await client.open('usbredir');
    await client.open('display');
  });

  it('admits no second main channel while the first lives, and leaves the first alone', async () => {
    const desk = await site.desk();
    const { client, main } = await opened(desk);
    const second = await client.link('main', 0, { connectionId: 0 });
    expect(second.outcome).toEqual(refused(7));
    expect(main.closeReason).toBeNull();
    await client.open('display');
    expect(desk.server.attempts).toHaveLength(2);
  });

  it('admits one of two main channels that come at once', async () => {
    const desk = await site.desk();
    const client = await site.client(desk.uuid);
    const both = await Promise.all(
      Array.from({ length: 4 }, async () => client.link('main', 0, { connectionId: 0 })),
    );
    expect(both.filter(({ linked }) => linked)).toHaveLength(1);
    expect(both.filter(({ outcome }) => outcome.type === 'result' && outcome.code === 7)).toHaveLength(3);
  });

  it('admits a main channel again when the backend refused the first, and then only one', async () => {
    const desk = await site.desk({ behaviour: { at: 'accept', act: 'reset' } });
    const client = await site.client(desk.uuid);
    expect((await client.link('main', 0, { connectionId: 0 })).outcome).toMatchObject({ type: 'closed' });
    desk.server.behaviour = 'serve';
    await site.audited(desk.uuid, 'Channel closed: backend failed');
    const again = await waitFor('a linked main', async () => {
      const main = await client.link('main', 0, { connectionId: 0 });
      return main.linked;
    });
    expect(again).toBe(true);
  });

  it('of one session does not open channels of another', async () => {
    const desks = [await site.desk(), await site.desk()];
    const first = (await opened(desks[0] as Desk)).client;
    const second = (await opened(desks[1] as Desk)).client;
    const stolen = await second.link('display', 0, { connectionId: first.sessionId ?? 0 });
    expect(stolen.outcome).toEqual(refused(8));
  });
});

describe('a channel that is not main', () => {
  it('is refused with result 8 before main, and with a wrong connection id', async () => {
    const desk = await site.desk();
    const client = await site.client(desk.uuid);
    expect((await client.link('display', 0, { connectionId: 5 })).outcome).toEqual(refused(8));
    await client.openMain();
    for (const connectionId of [0, 1, ((client.sessionId ?? 0) ^ 1) >>> 0]) {
      expect((await client.link('display', 0, { connectionId })).outcome).toEqual(refused(8));
    }
    await client.open('display');
    expect(desk.server.attempts).toHaveLength(2);
  });

  it('ends soon after main, whoever ended that', async () => {
    const desk = await site.desk();
    for (const end of ['client', 'backend'] as const) {
      const { client, main } = await opened(desk);
      const others = [await client.open('display'), await client.open('inputs'), await client.open('cursor')];
      if (end === 'client') main.socket?.destroy();
      else (await desk.server.channel('main')).reset();
      await allClosed(others);
      await client.close();
    }
  });

  it('that is lost takes its session with it, whose user may come back at once', async () => {
    const desk = await site.desk();
    for (const end of ['client', 'backend'] as const) {
      const { client, main } = await opened(desk);
      const display = await client.open('display');
      const inputs = await client.open('inputs', 0, { resettable: true });
      if (end === 'client') inputs.reset();
      else (await desk.server.channel('inputs')).reset();
      await allClosed([main, display]);
      await site.audited(desk.uuid, `Session ended: its inputs channel was lost (${end} connection lost)`);
      await site.audited(desk.uuid, 'Channel closed: other channel lost');
      await site.logged(`reason="${end} connection lost" detail=ECONNRESET`);
      expect((await client.openMain()).linked).toBe(true);
      await client.close();
    }
    await site.logged('session ended: one of its channels was lost');
  });

  it('ends alone when it is closed', async () => {
    const desk = await site.desk();
    const { client, main } = await opened(desk);
    const display = await client.open('display');
    await display.close();
    (await desk.server.channel('main')).send(106, Buffer.alloc(4));
    await main.waitFor(106);
    await client.open('display');
  });
});

describe('main with a connection id', () => {
  it('is refused: nobody announced a migration', async () => {
    const desk = await site.desk();
    const client = await site.client(desk.uuid);
    expect((await client.link('main', 0, { connectionId: 99 })).outcome).toEqual(refused(8));
    await client.openMain();
  });
});

describe('within the reconnect grace', () => {
  it('the token admits a new main channel and nothing else, even after it has expired', async () => {
    const desk = await site.desk();
    const { client, main } = await opened(desk);
    const before = client.sessionId ?? 0;
    await goBy(client.session, TOKEN_TTL);
    await left(client, main);
    expect((await client.link('display', 0, { connectionId: before })).outcome).toEqual(refused(8));
    await client.openMain();
    expect(client.sessionId).not.toBe(before);
    expect((await client.link('display', 0, { connectionId: before })).outcome).toEqual(refused(8));
    await client.open('display');
  });

  it('a client is back at once, however soon it comes', async () => {
    const desk = await site.desk();
    const { client } = await opened(desk);
    for (let times = 0; times < 10; times += 1) {
      await client.close();
      expect((await client.openMain()).linked).toBe(true);
    }
  });

  it('and not behind it', async () => {
    const desk = await site.desk();
    const { client, main } = await opened(desk);
    await left(client, main);
    await goBy(client.session, GRACE);
    expect((await client.link('main', 0, { connectionId: 0 })).outcome).toEqual(refused(7));
  });
});

describe('termination', () => {
  it('of a session closes its channels within a second, and its token is spent for good', async () => {
    const desk = await site.desk();
    const other = await opened(desk);
    await other.client.close();
    const { client, main } = await opened(desk);
    const bystander = await opened(await site.desk());
    const channels = [main, await client.open('display'), await client.open('inputs')];
    expect((await site.kerbside.terminate(client.session)).status).toBe(200);
    await allClosed(channels);
    await site.audited(desk.uuid, 'Session terminated by request');
    await site.logged('session terminated by control plane');
    expect((await client.link('main', 0, { connectionId: 0 })).outcome).toEqual(refused(7));
    expect((await client.link('display')).outcome).toEqual(refused(7));
    expect(bystander.main.closeReason).toBeNull();
  });

  it('of a console closes all of its sessions within a second and spends unused tokens', async () => {
    const desk = await site.desk();
    const unused = await site.client(desk.uuid);
    const { client, main } = await opened(desk);
    const answer = await site.kerbside.api('POST', `/console/${SOURCE}/${desk.uuid}/terminate`);
    expect(answer.status).toBe(200);
    await allClosed([main]);
    for (const spent of [client, unused]) {
      expect((await spent.link('main', 0, { connectionId: 0 })).outcome).toEqual(refused(7));
    }
    await opened(desk);
  });

  it('reaches a channel whose backend is being dialled', async () => {
    const desk = await site.desk({ behaviour: { at: 'accept', act: 'hang' } });
    const client = await site.client(desk.uuid);
    const linking = client.link('main', 0, { connectionId: 0 });
    await waitFor('the dial', () => desk.server.attempts.length === 1);
    await site.kerbside.terminate(client.session);
    expect((await linking).outcome).toMatchObject({ type: 'closed' });
  });
});

describe('a client that goes away', () => {
  it('while its backend is dialled takes the dial with it', async () => {
    const desk = await site.desk({ behaviour: { at: 'mess', act: 'hang' } });
    const { password } = await site.vv(desk.uuid);
    const socket = await connectSocket(site.clientOptions());
    const reader = new ByteReader(socket);
    const io = {
      read: (count: number) => reader.read(count),
      write: (bytes: Buffer) => void socket.write(bytes),
    };
    void linkAsClient(io, { password });
    const attempt = await waitFor('the dial', () => desk.server.attempts[0]);
    resetSocket(socket);
    await waitFor('the end of the dial', () => attempt.socket.destroyed);
    await site.audited(desk.uuid, 'Channel closed: client connection lost');
    await waitFor(
      'no connection',
      async () => (await site.metric('kerbside_proxy_active_connections')) === 0,
    );
  });
});

describe('/session', () => {
  it('forgets closed channels within five seconds', async () => {
    const desk = await site.desk();
    const { client } = await opened(desk);
    await client.open('display');
    expect(await site.sessionIds()).toEqual([client.session]);
    await client.close();
    await waitFor('an empty /session', async () => (await site.sessionIds()).length === 0);
  });
});

describe('the log', () => {
  it('holds no ticket and no token', async () => {
    const desk = await site.desk();
    const { client } = await opened(desk);
    expect(site.log()).not.toContain(client.vv.password);
    expect(site.log()).not.toContain('s3cret');
  });
});
