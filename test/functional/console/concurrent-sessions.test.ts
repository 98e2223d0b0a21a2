// SPDX-License-Identifier: Apache-2.0
// Two users at one console, over the wire, on one node and on two that share a MariaDB: the second is refused before its
// hypervisor hears of it, or the first gives way and everybody is told by whom, or both live.
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Site, SOURCE, type Desk, type Guest } from '../../fixtures/kerbside.js';
import { startMariaDb, type MariaDb } from '../../fixtures/mariadb.js';
import { waitFor } from '../../fixtures/program.js';
import { scratchFolder } from '../../fixtures/scratch.js';
import type { ClientChannel } from '../../fixtures/spice-client.js';

jest.setTimeout(120_000);

interface SessionAnswer {
  readonly session: { readonly state: string; readonly reason: string | null };
}

interface ConnectionsAnswer {
  readonly connections: readonly { readonly channel: string; readonly reason: string | null }[];
}

/** The answer to GET on `path`. */
async function read<T>(site: Site, path: string): Promise<T> {
  const { status, body } = await site.kerbside.api('GET', path);
  expect(status).toBe(200);
  return JSON.parse(body) as T;
}

const closed = (channel: ClientChannel): Promise<boolean> =>
  waitFor('the end of the channel', () => channel.closeReason !== null);

/** The first user is out, and audit, API and log say for whom. @param site where it was */
async function expectReplaced(site: Site, desk: Desk, { client, main }: Opened): Promise<void> {
  await closed(main);
  const { session } = client;
  await site.audited(desk.uuid, 'Session replaced by demo');
  await site.audited(desk.uuid, 'Channel closed: replaced');
  const answer = await read<SessionAnswer>(site, `/v1/sessions/${session}`);
  expect(answer.session.reason).toBe('replaced by demo');
  await waitFor('the reason in the records of the channels', async () => {
    const { connections } = await read<ConnectionsAnswer>(site, `/v1/connections?session_id=${session}`);
    return connections.length > 0 && connections.every(({ reason }) => reason === 'replaced');
  });
  expect(await site.auditOf(desk.uuid)).not.toContain('Session terminated by request');
}

interface Opened {
  readonly client: Guest;
  readonly main: ClientChannel;
}

async function opened(site: Site, desk: Desk): Promise<Opened> {
  const client = await site.client(desk.uuid);
  return { client, main: await client.openMain() };
}

describe('on one node', () => {
  let site: Site;
  beforeAll(async () => {
    site = await Site.start({ OS_SPICE__WORKERS: '2' });
  });
  afterEach(() => site.tidy());
  afterAll(async () => {
    const log = site.log();
    await site.stop();
    expect(log).not.toMatch(/ ERROR /);
  });

  it('an administrator takes the place of the first user, who learns it', async () => {
    const desk = await site.desk();
    const first = await opened(site, desk);
    await first.client.open('display');
    const second = await opened(site, desk);
    await expectReplaced(site, desk, first);
    const line = (await site.logged('session replaced')).join('\n');
    expect(line).toContain(`session_id=${first.client.session}`);
    expect(line).toContain(`by_session=${second.client.session}`);
    await second.client.open('display');
    expect(second.main.closeReason).toBeNull();
    // Its token opens nothing more.
    const again = await site.client(desk.uuid, {}, first.client.vv);
    expect((await again.link('main', 0, { connectionId: 0 })).outcome).toEqual({ type: 'result', code: 7 });
    await site.audited(desk.uuid, 'Channel refused: token replaced');
    expect(second.main.closeReason).toBeNull();
  });

  it('the second is refused where the console says so, and its hypervisor hears nothing of it', async () => {
    const desk = await site.desk({}, { concurrent_sessions: 'refuse' });
    // Both have their files before either is in.
    const [one, other] = [await site.client(desk.uuid), await site.client(desk.uuid)];
    const main = await one.openMain();
    const before = desk.server.attempts.length;
    const refused = await other.link('main', 0, { connectionId: 0 });
    expect(refused.outcome).toEqual({ type: 'result', code: 7 });
    await site.audited(desk.uuid, 'Channel refused: console in use');
    expect(desk.server.attempts).toHaveLength(before);
    expect(main.closeReason).toBeNull();
    // No more files either, until the first is done.
    const path = `/console/proxy/${SOURCE}/${desk.uuid}/console.vv`;
    const answer = await site.kerbside.api('GET', path);
    expect([answer.status, JSON.parse(answer.body)]).toEqual([409, { error: 'console in use', status: 409 }]);
    await one.close();
    const later = await waitFor('a free console', async () => {
      const { status } = await site.kerbside.api('GET', path);
      return status === 200 ? opened(site, desk) : null;
    });
    expect(later.main.closeReason).toBeNull();
  });

  it('the second is shown why where viewers are', async () => {
    const desk = await site.desk({}, { concurrent_sessions: 'refuse', message_screen: 'on' });
    const [one, other] = [await site.client(desk.uuid), await site.client(desk.uuid)];
    await one.openMain();
    const screen = await other.openMain();
    expect(screen.linked).toBe(true);
    await site.audited(desk.uuid, 'Channel refused: console in use');
    expect(desk.server.attempts).toHaveLength(1);
  });

  it('both live where the console is shared', async () => {
    const desk = await site.desk({ severalClients: true }, { concurrent_sessions: 'share' });
    const mains = [await opened(site, desk), await opened(site, desk)];
    for (const { client } of mains) await client.open('display');
    expect(mains.map(({ main }) => main.closeReason)).toEqual([null, null]);
    expect(await site.auditOf(desk.uuid)).not.toContain('Session replaced by demo');
  });

  it('one of two who come at once is in', async () => {
    const desk = await site.desk({}, { concurrent_sessions: 'refuse' });
    const clients = await Promise.all(Array.from({ length: 6 }, () => site.client(desk.uuid)));
    const links = await Promise.all(clients.map((client) => client.link('main', 0, { connectionId: 0 })));
    expect(links.filter(({ linked }) => linked)).toHaveLength(1);
  });

  it('the first stays while the machine of the second may not be connected to', async () => {
    const desk = await site.desk();
    const first = await opened(site, desk);
    const second = await site.client(desk.uuid);
    const stranger = await site.client(desk.uuid, { password: 'x'.repeat(48) });
    expect((await stranger.link('main', 0, { connectionId: 0 })).outcome).toEqual({
      type: 'result',
      code: 7,
    });
    expect((await second.link('display', 0, { connectionId: 5 })).outcome).toEqual({
      type: 'result',
      code: 8,
    });
    expect(first.main.closeReason).toBeNull();
  });
});

describe('on two nodes', () => {
  let server: MariaDb;
  let one: Site;
  let other: Site;
  beforeAll(async () => {
    server = await startMariaDb();
    const connection = server.url(await server.createSchema());
    const shared = {
      OS_DATABASE__CONNECTION: connection,
      OS_DATABASE__ENCRYPTION_KEY_FILE: join(scratchFolder('two-nodes-'), 'encryption.key'),
    };
    one = await Site.start({ ...shared, OS_DEFAULT__NODE_NAME: 'one' });
    other = await Site.start({
      ...{ ...shared, OS_DEFAULT__NODE_NAME: 'other' },
      KERBSIDE_SOURCES_PATH: join(one.folder, 'sources.yaml'),
    });
  });
  afterEach(() => Promise.all([one, other].map((node) => node.tidy())));
  afterAll(async () => {
    for (const node of [one, other]) await node.stop();
    await server.stop();
  });

  it('the first gives way to one who comes to the other node', async () => {
    const desk = await one.desk();
    const first = await opened(one, desk);
    const second = await other.client(desk.uuid, {}, await one.vv(desk.uuid));
    const main = await second.openMain();
    await expectReplaced(one, desk, first);
    expect(main.closeReason).toBeNull();
  });

  it('the second is refused on the other node, and in when the first has left', async () => {
    const desk = await one.desk({}, { concurrent_sessions: 'refuse' });
    const vv = await one.vv(desk.uuid);
    const first = await opened(one, desk);
    const second = await other.client(desk.uuid, {}, vv);
    expect((await second.link('main', 0, { connectionId: 0 })).outcome).toEqual({ type: 'result', code: 7 });
    expect(desk.server.attempts).toHaveLength(1);
    await first.client.close();
    await waitFor('the second in', async () => (await second.link('main', 0, { connectionId: 0 })).linked);
  });

  it('one of those who come to both nodes at once is in, and stays', async () => {
    const desk = await one.desk();
    const files = await Promise.all(Array.from({ length: 4 }, () => one.vv(desk.uuid)));
    const clients = await Promise.all(
      files.map((vv, at) => (at % 2 === 0 ? one : other).client(desk.uuid, {}, vv)),
    );
    await Promise.allSettled(clients.map((client) => client.openMain()));
    await waitFor('one session', async () => {
      const sessions = await one.sessionIds();
      return sessions.length === 1 && clients.some(({ session }) => session === sessions[0]);
    });
  });
});
