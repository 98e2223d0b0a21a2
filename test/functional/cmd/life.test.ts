// SPDX-License-Identifier: Apache-2.0
// The life of a program that is not as it should be: a part that cannot start, a database that stands still while all is
// closed, a second signal. What has started is closed, the database last, and the process ends in any case.
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { AuditEvents } from '../../../src/objects/audit-event.js';
import { ConsoleTokens } from '../../../src/objects/console-token.js';
import { Consoles } from '../../../src/objects/console.js';
import { Services } from '../../../src/objects/service.js';
import { Sources } from '../../../src/objects/source.js';
import { startMariaDb, type MariaDb } from '../../fixtures/mariadb.js';
import { openDatabase, type OpenDatabase } from '../../fixtures/open-database.js';
import { isListening, waitFor, waitForOutput, type Program } from '../../fixtures/program.js';
import { SpiceClient, type ClientChannel } from '../../fixtures/spice-client.js';
import { SpiceServer } from '../../fixtures/spice-server.js';
import { Site } from './site.js';

const SOURCE = 'lab';
const UUID = '11111111-2222-3333-4444-555555555555';
/** Seconds; a test gives up long before. */
const LONG = 86_400;
const CUT_SHORT = 'closing took too long and is cut short';
/** All in one, and one of the programs that it is made of. */
const PROGRAMS = ['kerbside', 'proxy'] as const;

let site: Site;
let mariadb: MariaDb;
let guest: SpiceServer;
let db: OpenDatabase;
let env: Record<string, string>;
let clients: SpiceClient[] = [];

beforeAll(async () => {
  [mariadb, guest] = await Promise.all([startMariaDb(), SpiceServer.start()]);
});
afterAll(async () => {
  await Promise.all([mariadb.stop(), guest.close()]);
});

/** A site on an empty database, with one console. */
async function prepare(): Promise<void> {
  site = new Site();
  const connection = mariadb.url(await mariadb.createSchema());
  const encryptionKeyFile = join(site.folder, 'encryption.key');
  db = await openDatabase({ connection, encryptionKeyFile, maxPoolSize: 4 }, { sync: true });
  const console = {
    ...{ uuid: UUID, name: 'desk', hypervisor: 'localhost', hypervisorIp: guest.host },
    ...{ insecurePort: guest.plainPort, securePort: null, hostSubject: null, ticket: 's3cret' },
  };
  // As the conductor within kerbside finds it; the proxy alone has none.
  const entry = [
    `- source: ${SOURCE}`,
    '  type: static',
    '  consoles:',
    `    - {uuid: ${UUID}, name: desk, hypervisor: localhost, hypervisor_ip: ${guest.host},`,
    `       insecure_port: ${String(guest.plainPort)}, ticket: s3cret}`,
  ];
  writeFileSync(join(site.folder, 'sources.yaml'), `${entry.join('\n')}\n`);
  await new Sources(db).upsert({ name: SOURCE, type: 'static' });
  await new Consoles(db).reconcile(SOURCE, [console]);
  env = {
    OS_DATABASE__CONNECTION: connection,
    OS_DATABASE__ENCRYPTION_KEY_FILE: encryptionKeyFile,
    OS_PROXY__DRAIN_TIMEOUT: '0',
    OS_CONSOLE__CONCURRENT_SESSIONS: 'share',
  };
}

async function clear(): Promise<void> {
  mariadb.freeze(false);
  await Promise.all(clients.map((client) => client.close()));
  clients = [];
  await site.close();
  await db.close();
}

interface Running {
  readonly program: Program;
  readonly port: number;
  readonly main: ClientChannel;
}

/** Starts a program and a session through it. */
async function start(name: (typeof PROGRAMS)[number], drainTimeout = 0): Promise<Running> {
  const program = await site.start(name, { env: { ...env, OS_PROXY__DRAIN_TIMEOUT: String(drainTimeout) } });
  const port = Number(/ secure SPICE listener bound .*?port=(\d+)/.exec(program.output())?.[1]);
  const { token } = await new ConsoleTokens(db, { tokenTtl: 600 }).mint({
    ...{ source: SOURCE, uuid: UUID, issuedTo: 'ann' },
  });
  const client = new SpiceClient({ port, tls: { rejectUnauthorized: false }, password: token });
  clients.push(client);
  return { program, port, main: await client.openMain() };
}

/** Whether all that a program says of itself is that it has stopped. */
async function hasSignedOff(): Promise<boolean> {
  const { items } = await new Services(db).list({ limit: 10 }, { downTime: 60 });
  return items.length > 0 && items.every(({ status }) => status === 'stopped');
}

const openRows = async (): Promise<number> =>
  (await db.query('SELECT id FROM console_connections WHERE closed IS NULL')).length;

/** The session is over and nobody listens: all is closed that needs no database. */
async function isClosedToUsers({ port, main }: Running): Promise<void> {
  await waitFor('the end of the session', () => main.closeReason !== null);
  await waitFor('a port that is closed', async () => !(await isListening('127.0.0.1', port)));
}

describe.each(PROGRAMS)('%s', (name) => {
  let taken: Server;
  beforeAll(async () => {
    taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    await prepare();
  });
  afterEach(() => mariadb.freeze(false));
  afterAll(async () => {
    taken.close();
    await clear();
  });

  it('closes what has started when a part cannot start, signs off, and names the port with status 1', async () => {
    const { port } = taken.address() as AddressInfo;
    // The last thing that each of them starts.
    const option = { kerbside: 'OS_API__PORT', proxy: 'OS_SPICE__SECURE_PORT' }[name];
    const result = await site.run(name, [], { ...env, [option]: String(port) });
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(new RegExp(`^kerbside[^\\n]*${String(port)}[^\\n]*\\n$`));
    expect(result.stdout).not.toContain(' is ready\n');
    // Only who still has the database, when all else has ended, can say that.
    expect(await hasSignedOff()).toBe(true);
    const bound = [...result.stdout.matchAll(/listen(?:ing|er bound) .*?port=(\d+)/g)].map(
      ([, text]) => text,
    );
    if (name === 'kerbside') expect(bound.length).toBeGreaterThan(2);
    for (const text of bound) expect(await isListening('127.0.0.1', Number(text))).toBe(false);
  });

  it('writes the ends of what it closed, and signs off, when the database goes on in time', async () => {
    const running = await start(name);
    mariadb.freeze(true);
    running.program.child.kill('SIGTERM');
    await isClosedToUsers(running);
    expect(running.program.ended()).toBeNull();
    mariadb.freeze(false);
    await waitFor('the end', () => running.program.ended() !== null);
    expect(running.program.ended()).toBe(0);
    expect(running.program.output()).not.toContain(CUT_SHORT);
    expect(running.program.output()).toMatch(/ has stopped\n$/);
    expect(await openRows()).toBe(0);
    expect(await hasSignedOff()).toBe(true);
  });

  it('writes down what became of the channels that an earlier run left open, and whose they were', async () => {
    const killed = await start(name);
    killed.program.child.kill('SIGKILL');
    await waitFor('the end', () => killed.program.ended() !== null);
    expect(await openRows()).toBe(1);
    const { program } = await start(name);
    const event = await waitFor('the word of it', async () => {
      const { events } = await new AuditEvents(db).list(SOURCE, UUID, 100);
      return events.find(({ message }) => message === 'Channel closed: node restarted');
    });
    expect(event).toMatchObject({
      ...{ channel: 'main', node: 'test-node', issued_to: 'ann', client_ip: '127.0.0.1' },
      ...{ requested_by: 'service', service: name === 'proxy' ? 'kerbside-proxy' : 'kerbside' },
    });
    program.child.kill('SIGTERM');
    await waitFor('the end', () => program.ended() !== null);
  });

  it('ends with status 0 though the database never answers, also when it is signalled once more', async () => {
    const running = await start(name);
    mariadb.freeze(true);
    running.program.child.kill('SIGTERM');
    await isClosedToUsers(running);
    running.program.child.kill('SIGTERM');
    await waitForOutput(running.program, 'again=true');
    await waitFor('the end', () => running.program.ended() !== null);
    expect(running.program.ended()).toBe(0);
    expect(running.program.output()).toMatch(/ has stopped\n$/);
    mariadb.freeze(false);
    // What could not be written is for the other nodes to close.
    expect(await openRows()).toBe(1);
    await db.execute('DELETE FROM console_connections');
  });

  it('closes at once with a second signal while it drains', async () => {
    const running = await start(name, LONG);
    running.program.child.kill('SIGTERM');
    await waitForOutput(running.program, 'stop requested');
    await waitFor('a port that is closed', async () => !(await isListening('127.0.0.1', running.port)));
    expect(running.main.closeReason).toBeNull();
    running.program.child.kill('SIGTERM');
    await isClosedToUsers(running);
    await waitFor('the end', () => running.program.ended() !== null);
    expect(running.program.ended()).toBe(0);
    expect(running.program.output()).not.toContain(CUT_SHORT);
    expect(await openRows()).toBe(0);
    expect(await hasSignedOff()).toBe(true);
  });
});
