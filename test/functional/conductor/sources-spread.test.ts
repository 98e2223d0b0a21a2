// SPDX-License-Identifier: Apache-2.0
// Many sources of one file on a real database: they are asked a few at a time, and platforms that hang do not keep the others
// from being asked.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SourceReconciliation } from '../../../src/conductor/source-reconciliation.js';
import { AuditEvents } from '../../../src/objects/audit-event.js';
import { Consoles } from '../../../src/objects/console.js';
import { Sources } from '../../../src/objects/source.js';
import { openDatabase, type OpenDatabase } from '../../fixtures/open-database.js';
import { waitFor } from '../../fixtures/program.js';
import { scratchFolder } from '../../fixtures/scratch.js';
import { FakeShakenFist, NAMESPACE_KEY } from '../../fixtures/shaken-fist.js';

const COUNT = 20;

let cluster: FakeShakenFist;
let db: OpenDatabase;
let sources: Sources;
let reconciliation: SourceReconciliation;

beforeEach(async () => {
  const folder = scratchFolder('kerbside-spread-');
  const connection = `sqlite:///${folder}/kerbside.sqlite`;
  db = await openDatabase(
    { connection, encryptionKeyFile: `${folder}/encryption.key`, maxPoolSize: 1 },
    { sync: true },
  );
  cluster = await FakeShakenFist.start();
  cluster.addNode();
  const entries = Array.from({ length: COUNT }, (_, n) => ({
    ...{ source: `fist-${String(n)}`, type: 'shakenfist', url: cluster.url },
    ...{ username: 'system', password: NAMESPACE_KEY },
  }));
  const path = join(folder, 'sources.yaml');
  // JSON is YAML.
  writeFileSync(path, JSON.stringify(entries), { mode: 0o600 });
  sources = new Sources(db);
  const stores = { sources, consoles: new Consoles(db), audit: new AuditEvents(db), node: 'node-1' };
  const conf = {
    sources: { requestTimeout: 60, discoveryTimeout: 60 },
    nova: { requestTimeout: 1, exchangeTimeout: 1 },
    keystoneAuthtoken: { authUrl: '', wwwAuthenticateUri: '' },
  };
  const log = { debug() {}, info() {}, warning() {}, error() {} };
  reconciliation = new SourceReconciliation(path, stores, log, conf, { interval: 3600, timeout: 60 });
});
afterEach(async () => {
  await reconciliation.close();
  await cluster.close();
  await db.close();
});

describe('a start with many sources', () => {
  it('asks all of them, and ends when all have answered', async () => {
    cluster.addInstance();
    await reconciliation.run();
    await reconciliation.settled();
    expect(cluster.server.seen(/^GET \/api\/instances$/)).toHaveLength(COUNT);
    const { items } = await sources.list({ limit: 100 });
    expect(items.map(({ errored }) => errored)).toEqual(Array<boolean>(COUNT).fill(false));
  });

  it('asks eight at a time, and goes on within half a second while all of them hang', async () => {
    const logins = /^POST \/api\/auth$/;
    cluster.server.fault(logins, { kind: 'hang' });
    const begunAt = Date.now();
    await reconciliation.run();
    await waitFor('every source to be asked', () => cluster.server.seen(logins).length === COUNT);
    const after = cluster.server.seen(logins).map(({ at }) => at - begunAt);
    // The ninth waits for room, and so does the seventeenth; timers may be a moment early by the clock.
    expect(after[8]).toBeGreaterThan(490);
    expect(after[16]).toBeGreaterThan(980);
  });
});
