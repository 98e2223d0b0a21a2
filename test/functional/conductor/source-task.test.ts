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
import { Consoles, type DiscoveredConsole } from '../../../src/objects/console.js';
import { Sources } from '../../../src/objects/source.js';
import type { Location, SourceDriver } from '../../../src/sources/driver.js';

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

class ScriptedDriver implements SourceDriver {
  readonly type = 'scripted';
  constructor(public answer: (signal: AbortSignal) => Promise<readonly DiscoveredConsole[]>) {}

  discover(signal: AbortSignal): Promise<readonly DiscoveredConsole[]> {
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
      fileFault: () => fileFault,
      timing: { interval: 60, timeout: 60 },
      log: { debug: note, info: note, warning: note, error: note },
    });
    return task;
  }

  const consoleCount = async () => (await stores.consoles.list({ limit: 10 })).items.length;
  const source = async () => stores.sources.find('cloud');

  it('keeps the consoles while the platform does not answer, shows why, and recovers', async () => {
    const driver = new ScriptedDriver(() => Promise.resolve([CONSOLE]));
    await serve(driver).runNow();
    driver.answer = () => Promise.reject(new Unavailable('HTTP 503 from https://cloud.example.com'));
    await task.runNow();
    await task.runNow();
    expect(await source()).toMatchObject({ errored: true, error: 'HTTP 503 from https://cloud.example.com' });
    expect(await consoleCount()).toBe(1);
    expect(logged.filter((message) => message.includes('failed'))).toHaveLength(1);
    driver.answer = () => Promise.resolve([]);
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

  it('writes nothing again when the driver gives the same array, but heals the rows now and then', async () => {
    const consoles = [CONSOLE];
    await serve(new ScriptedDriver(() => Promise.resolve(consoles))).runNow();
    await stores.consoles.reconcile('cloud', []);
    await task.runNow();
    expect(await consoleCount()).toBe(0);
    for (let turn = 3; turn <= 10; turn += 1) await task.runNow();
    expect(await consoleCount()).toBe(1);
  });

  it('keeps the fault of the file in sight', async () => {
    fileFault = 'sources.yaml: line 3, column 1: something is missing';
    await serve(new ScriptedDriver(() => Promise.resolve([CONSOLE]))).runNow();
    expect(await source()).toMatchObject({ errored: true, error: fileFault, lastSeen: null });
    expect(await consoleCount()).toBe(1);
  });
});
