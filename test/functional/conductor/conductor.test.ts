// SPDX-License-Identifier: Apache-2.0
// The conductor on a real database: sources.yaml becomes rows, and whatever goes wrong leaves the rows alone.
import { AuditMetrics } from '../../../src/audit/metrics.js';
import { makeSinks } from '../../../src/audit/sinks.js';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startConductor, type Conductor } from '../../../src/conductor/conductor.js';
import { termNounFactory } from '../../../src/conductor/term-nouns.js';
import { loadConf } from '../../../src/conf/index.js';
import type { Database } from '../../../src/db/database.js';
import { overheard } from '../../fixtures/database.js';
import { openDatabase, type OpenDatabase } from '../../fixtures/open-database.js';
import { waitFor } from '../../fixtures/program.js';
import { scratchFolder } from '../../fixtures/scratch.js';
import { openMessaging } from '../../../src/messaging/messaging.js';
import { OwnNotifications } from '../../../src/notifications/own/own-notifications.js';
import { AuditEvents } from '../../../src/objects/audit-event.js';
import { Consoles } from '../../../src/objects/console.js';
import { ConsoleTokens } from '../../../src/objects/console-token.js';
import { Sources } from '../../../src/objects/source.js';
import { aConsole, staticSource } from '../../unit/sources/file/sources-yaml.js';

const UUID = '6a4b1c52-0f3d-4e8a-9b7c-2d1e0f3a4b5c';
const OTHER = '6a4b1c52-0f3d-4e8a-9b7c-2d1e0f3a4b5d';
const SECOND_SOURCE = '- source: second\n  type: static\n  consoles: []\n';

describe('the conductor', () => {
  let folder: string;
  let path: string;
  let db: OpenDatabase;
  let conductor: Conductor | undefined;

  beforeEach(async () => {
    folder = scratchFolder('kerbside-conductor-');
    path = join(folder, 'sources.yaml');
    const connection = `sqlite:///${join(folder, 'kerbside.sqlite')}`;
    const encryptionKeyFile = join(folder, 'encryption.key');
    db = await openDatabase({ connection, encryptionKeyFile, maxPoolSize: 1 }, { sync: true });
  });

  afterEach(async () => {
    await conductor?.close();
    conductor = undefined;
    await db.close();
    rmSync(folder, { recursive: true });
  });

  // As editors and configuration managers do it.
  function write(text: string): void {
    writeFileSync(join(folder, 'next'), text);
    renameSync(join(folder, 'next'), path);
  }

  async function start(on: Database = db): Promise<void> {
    const { conf } = loadConf(
      { configFiles: [], configDirs: [] },
      {
        OS_SOURCES__PATH: path,
        OS_SOURCES__RELOAD_INTERVAL: '1',
        OS_DEFAULT__NODE_NAME: 'node-1',
      },
    );
    const messaging = openMessaging(conf, 'kerbside');
    const own = new OwnNotifications(messaging.notifier, conf);
    conductor = await startConductor({
      ...{ conf, db: on, own, program: 'kerbside' },
      nouns: termNounFactory(conf, messaging, own, 'kerbside'),
      audit: { sinks: makeSinks(conf, 'kerbside'), metrics: new AuditMetrics(on, conf.audit.sinks) },
    });
  }

  const source = async (name: string) => new Sources(db).find(name);
  const errorOf = async (name: string) => (await source(name))?.error ?? null;
  const consoleNames = async () =>
    (await new Consoles(db).list({ limit: 10 })).items.map((console) => console.name);
  const auditOf = async (uuid: string, name = 'lab') =>
    (await new AuditEvents(db).list(name, uuid, 20)).events.map((event) => event.message);

  it('knows sources and consoles when its start is done', async () => {
    write(staticSource(aConsole({})));
    await start();
    expect(await source('lab')).toMatchObject({
      type: 'static',
      errored: false,
      error: null,
      seenBy: 'node-1',
    });
    expect(await consoleNames()).toEqual(['desktop']);
    expect(await new Consoles(db).connectInfo('lab', UUID)).toMatchObject({
      ticket: 'sesame',
      insecurePort: 5900,
    });
    expect(await auditOf(UUID)).toEqual(['Discovered new console']);
  });

  it('follows changes of the file without a signal', async () => {
    write(staticSource(aConsole({})));
    await start();
    write(
      staticSource(
        aConsole({ name: 'renamed', insecure_port: '5999' }),
        aConsole({ uuid: OTHER, name: 'new' }),
      ),
    );
    await waitFor('what the file says', async () => (await consoleNames()).length === 2);
    expect(await consoleNames()).toEqual(['renamed', 'new']);
    expect(await auditOf(UUID)).toEqual([
      'Discovered new console',
      'Console configuration changed: name, insecure_port',
    ]);
    write(staticSource(aConsole({ uuid: OTHER, name: 'new' })));
    await waitFor('what the file says', async () => (await consoleNames()).length === 1);
    expect((await auditOf(UUID)).at(-1)).toBe('Console no longer available');
  });

  it('reads the file at once when told to', async () => {
    write('[]\n');
    await start();
    write(staticSource(aConsole({})));
    conductor?.reload();
    await waitFor('what the file says', async () => (await consoleNames()).length === 1);
  });

  it('keeps the last good state while the file is no YAML, and shows where the fault is', async () => {
    write(staticSource(aConsole({})) + SECOND_SOURCE);
    await start();
    write(`${staticSource(aConsole({}))}- source: "broken\n`);
    await waitFor('what the file says', async () => (await errorOf('second')) !== null);
    expect(await errorOf('lab')).toMatch(/sources\.yaml: line \d+, column \d+: something is missing/);
    expect(await source('lab')).toMatchObject({ errored: true, deleted: false });
    expect(await consoleNames()).toEqual(['desktop']);
    write(staticSource(aConsole({})) + SECOND_SOURCE);
    await waitFor(
      'what the file says',
      async () => (await errorOf('lab')) === null && (await errorOf('second')) === null,
    );
  });

  it('keeps the last good state while the file is gone, and after a restart without it', async () => {
    write(staticSource(aConsole({})));
    await start();
    rmSync(path);
    await waitFor(
      'what the file says',
      async () => (await errorOf('lab'))?.includes('it does not exist') === true,
    );
    await conductor?.close();
    await start();
    expect(await errorOf('lab')).toContain('cannot be read: it does not exist');
    expect(await consoleNames()).toEqual(['desktop']);
    write(staticSource(aConsole({})));
    await waitFor('what the file says', async () => (await errorOf('lab')) === null);
  });

  it('keeps the rows of a source with a fault, and follows the other sources', async () => {
    write(staticSource(aConsole({})));
    await start();
    write(
      `${staticSource(aConsole({ secure_port: '70000' }))}${SECOND_SOURCE}- source: third\n  type: vmware\n`,
    );
    await waitFor(
      'what the file says',
      async () => (await errorOf('lab')) !== null && (await errorOf('third')) !== null,
    );
    expect(await errorOf('lab')).toContain('"70000" is not a port');
    expect(await errorOf('third')).toContain('"vmware" is unknown');
    expect(await consoleNames()).toEqual(['desktop']);
    expect(await source('second')).toMatchObject({ errored: false, seenBy: 'node-1' });
  });

  it('follows the other consoles of a source when one cannot be read', async () => {
    const good = (name: string): string => aConsole({ uuid: OTHER, name });
    write(staticSource(aConsole({}), good('before')));
    await start();
    write(staticSource(aConsole({ secure_port: '70000' }), good('after')));
    await waitFor('the fault', async () => (await errorOf('lab')) !== null);
    expect(await errorOf('lab')).toMatch(/^line \d+, column \d+: .*"70000" is not a port/);
    expect(await consoleNames()).toEqual(['desktop', 'after']);
    write(staticSource(aConsole({}), good('after')));
    await waitFor('the end of the fault', async () => (await errorOf('lab')) === null);
  });

  it('takes the good consoles of a source at a fresh start', async () => {
    write(staticSource(aConsole({ secure_port: '70000' }), aConsole({ uuid: OTHER, name: 'other' })));
    await start();
    expect(await errorOf('lab')).toContain('"70000" is not a port');
    expect(await consoleNames()).toEqual(['other']);
  });

  it('keeps the rows of a source whose consoles key is missing', async () => {
    write(staticSource(aConsole({})));
    await start();
    write('- source: lab\n  type: static\n');
    await waitFor('what the file says', async () => (await errorOf('lab')) !== null);
    expect(await errorOf('lab')).toContain('consoles: is missing');
    expect(await consoleNames()).toEqual(['desktop']);
  });

  it('says so when the driver of a source cannot be made', async () => {
    const login = '  url: https://engine.example.com\n  username: kerbside@internal\n  password: secret\n';
    write(`- source: cloud\n  type: ovirt\n${login}  verify: /no/such/file.pem\n`);
    await start();
    expect(await source('cloud')).toMatchObject({ type: 'ovirt', errored: true });
    expect(await errorOf('cloud')).toContain('source "cloud", verify: ');
  });

  it('removes a source that has left the file, with its consoles', async () => {
    write(staticSource(aConsole({})) + SECOND_SOURCE);
    await start();
    write('[]\n');
    await waitFor('what the file says', async () => (await source('second'))?.deleted === true);
    expect(await source('lab')).toMatchObject({ deleted: true });
    expect(await consoleNames()).toEqual([]);
    expect(await auditOf(UUID)).toEqual([
      'Discovered new console',
      'Source no longer available',
      'Console no longer available',
    ]);
    expect(await auditOf('', 'second')).toEqual(['Source no longer available']);
    write(staticSource(aConsole({})));
    await waitFor('what the file says', async () => (await source('lab'))?.deleted === false);
    await waitFor('what the file says', async () => (await consoleNames()).length === 1);
  });

  it('removes nothing while an entry has no name, for it may be any of them', async () => {
    write(staticSource(aConsole({})));
    await start();
    write(`- souce: lab\n  type: static\n${SECOND_SOURCE}`);
    await waitFor('what the file says', async () => (await source('second')) !== null);
    expect(await source('lab')).toMatchObject({ deleted: false });
    expect(await consoleNames()).toEqual(['desktop']);
  });

  it('reaps tokens that expired unused', async () => {
    write(staticSource(aConsole({})));
    await start();
    const hourAgo = () => Date.now() / 1000 - 3600;
    const tokens = new ConsoleTokens(db, { tokenTtl: 1, now: hourAgo });
    await tokens.mint({ source: 'lab', uuid: UUID, issuedTo: 'tester' });
    await waitFor('what the file says', async () =>
      (await auditOf(UUID)).includes('Reaped expired and unused token'),
    );
    const { events } = await new AuditEvents(db).list('lab', UUID, 1);
    expect(events).toMatchObject([{ issued_to: 'tester', requested_by: 'service', service: 'kerbside' }]);
  });

  it('writes nothing after it was closed', async () => {
    let statements = 0;
    write(staticSource(aConsole({})));
    await start(overheard(db, () => (statements += 1)));
    await conductor?.close();
    const before = statements;
    expect(before).toBeGreaterThan(0);
    await start();
    write('[]\n');
    // By the time that the second one has followed, the first would have.
    await waitFor('no console', async () => (await consoleNames()).length === 0);
    expect(statements).toBe(before);
  });
});
