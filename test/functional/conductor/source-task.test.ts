// SPDX-License-Identifier: Apache-2.0
// One source on a real database, with drivers that answer, refuse and hang.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SourceTask, type Stores } from '../../../src/conductor/source-task.js';
import { openDatabase, type OpenDatabase } from '../../fixtures/open-database.js';
import { Unavailable } from '../../../src/exception.js';
import { AuditEvents } from '../../../src/objects/audit-event.js';
import { ALL_READ, Consoles, type DiscoveredConsole } from '../../../src/objects/console.js';
import { Sources } from '../../../src/objects/source.js';
import type { Discovery, Location, SourceDriver } from '../../../src/sources/driver.js';

const CONSOLE: DiscoveredConsole = {
  uuid: '6a4b1c52-0f3d-4e8a-9b7c-2d1e0f3a4b5c',
  name: 'desktop',
  hypervisor: 'hv1',
  hypervisorIp: '',
  insecurePort: 5900,
  securePort: null,
  hostSubject: null,
  ticket: 'sesame',
};

const found = (...consoles: DiscoveredConsole[]): Discovery => ({ consoles, unread: ALL_READ });

class ScriptedDriver implements SourceDriver {
  readonly type = 'scripted';
  constructor(public answer: (signal: AbortSignal) => Promise<Discovery>) {}

  discover(signal: AbortSignal): Promise<Discovery> {
    return this.answer(signal);
  }

  locate(): Promise<Location> {
    return Promise.resolve({ kind: 'recorded' });
  }
}

describe('the task of a source', () => {
  let folder: string;
  let db: OpenDatabase;
  let stores: Stores;
  let task: SourceTask;
  let fileFault: string | null;
  let partFault: string | null;
  const logged: string[] = [];
  const note = (message: string): void => void logged.push(message);

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kerbside-source-'));
    const connection = `sqlite:///${join(folder, 'kerbside.sqlite')}`;
    const encryptionKeyFile = join(folder, 'encryption.key');
    db = await openDatabase({ connection, encryptionKeyFile, maxPoolSize: 1 }, { sync: true });
    stores = {
      sources: new Sources(db),
      consoles: new Consoles(db),
      audit: new AuditEvents(db),
      node: 'node-1',
    };
    fileFault = null;
    partFault = null;
    logged.length = 0;
  });

  afterEach(async () => {
    await task.close();
    await db.close();
    rmSync(folder, { recursive: true });
  });

  function serve(driver: SourceDriver): SourceTask {
    task = new SourceTask({
      definition: { name: 'cloud', type: 'scripted' },
      driver,
      stores,
      partFault,
      fileFault: () => fileFault,
      timing: { interval: 60, timeout: 60 },
      log: { debug: note, info: note, warning: note, error: note },
    });
    return task;
  }

  const consoleCount = async () => (await stores.consoles.list({ limit: 10 })).items.length;
  const source = async () => stores.sources.find('cloud');

  it('keeps the consoles while the platform does not answer, shows why, and recovers', async () => {
    const driver = new ScriptedDriver(() => Promise.resolve(found(CONSOLE)));
    await serve(driver).runNow();
    driver.answer = () => Promise.reject(new Unavailable('HTTP 503 from https://cloud.example.com'));
    await task.runNow();
    await task.runNow();
    expect(await source()).toMatchObject({ errored: true, error: 'HTTP 503 from https://cloud.example.com' });
    expect(await consoleCount()).toBe(1);
    expect(logged.filter((message) => message.includes('failed'))).toHaveLength(1);
    driver.answer = () => Promise.resolve(found());
    await task.runNow();
    expect(await source()).toMatchObject({ errored: false, error: null });
    expect(await consoleCount()).toBe(0);
  });

  it('leaves a platform behind that hangs and does not heed its signal, when it is closed', async () => {
    let heard = false;
    const driver = new ScriptedDriver((signal) => {
      signal.addEventListener('abort', () => (heard = true));
      return new Promise(() => undefined);
    });
    const run = serve(driver).runNow();
    await sleep(20);
    await task.close();
    await run;
    expect(heard).toBe(true);
    expect([await source(), logged]).toEqual([null, []]);
  });

  it('writes nothing again when the driver gives the same object, but heals the rows now and then', async () => {
    const same = found(CONSOLE);
    await serve(new ScriptedDriver(() => Promise.resolve(same))).runNow();
    await stores.consoles.reconcile('cloud', []);
    await task.runNow();
    expect(await consoleCount()).toBe(0);
    for (let turn = 3; turn <= 10; turn += 1) await task.runNow();
    expect(await consoleCount()).toBe(1);
  });

  it('keeps what could not be read as it was, and shows the fault of that part', async () => {
    const other = { ...CONSOLE, uuid: '6a4b1c52-0f3d-4e8a-9b7c-2d1e0f3a4b5d' };
    await stores.consoles.reconcile('cloud', [CONSOLE, other]);
    partFault = 'line 7, column 5: secure_port is not a port';
    const unread = { uuids: [CONSOLE.uuid.toUpperCase()], nameless: false };
    const driver = new ScriptedDriver(() => Promise.resolve({ consoles: [], unread }));
    await serve(driver).runNow();
    expect((await stores.consoles.list({ limit: 10 })).items).toMatchObject([{ uuid: CONSOLE.uuid }]);
    expect(await source()).toMatchObject({ errored: true, error: partFault, lastSeen: expect.any(Number) });
    driver.answer = () => Promise.resolve({ consoles: [], unread: { uuids: [], nameless: true } });
    await task.runNow();
    expect(await consoleCount()).toBe(1);
  });

  it('keeps the fault of the file in sight', async () => {
    fileFault = 'sources.yaml: line 3, column 1: something is missing';
    await serve(new ScriptedDriver(() => Promise.resolve(found(CONSOLE)))).runNow();
    expect(await source()).toMatchObject({ errored: true, error: fileFault, lastSeen: null });
    expect(await consoleCount()).toBe(1);
  });
});
