// SPDX-License-Identifier: Apache-2.0
// A guest that moves from one real libvirtd to another while it runs, as two sources see it.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LibvirtDriver } from '../../../src/sources/libvirt/driver.js';
import { SourceTask } from '../../../src/conductor/source-task.js';
import { AuditEvents } from '../../../src/objects/audit-event.js';
import { Consoles } from '../../../src/objects/console.js';
import { Sources } from '../../../src/objects/source.js';
import { Libvirtd } from '../../fixtures/libvirtd.js';
import { openDatabase, type OpenDatabase } from '../../fixtures/open-database.js';
import { waitFor } from '../../fixtures/program.js';
import { scratchFolder } from '../../fixtures/scratch.js';

let from: Libvirtd;
let to: Libvirtd;
let db: OpenDatabase;
const tasks: SourceTask[] = [];

beforeAll(async () => {
  [from, to] = await Promise.all([Libvirtd.start(), Libvirtd.start()]);
  const folder = scratchFolder('kerbside-libvirt-');
  const connection = `sqlite:///${folder}/kerbside.sqlite`;
  db = await openDatabase(
    { connection, encryptionKeyFile: `${folder}/encryption.key`, maxPoolSize: 1 },
    { sync: true },
  );
});

afterAll(async () => {
  for (const task of tasks) await task.close();
  await db.close();
  await Promise.all([from.stop(), to.stop()]);
});

describe('a guest that is migrated', () => {
  it('is the console of its new host, and of the old one no more, because both said so', async () => {
    const consoles = new Consoles(db);
    const graphics = "<graphics type='spice' autoport='yes' listen='127.0.0.1' passwd='s3cret'/>";
    const uuid = await from.guest('moves', graphics);
    for (const [name, { uri }] of [
      ['from', from],
      ['to', to],
    ] as const) {
      const definition = { name, type: 'libvirt', url: uri, options: {} };
      const task = new SourceTask({
        definition,
        driver: new LibvirtDriver(definition, { consoles }),
        stores: { sources: new Sources(db), consoles, audit: new AuditEvents(db), node: 'node-1' },
        partFault: null,
        fileFault: () => null,
        // Nobody asks again for an hour.
        timing: { interval: 3600, timeout: 90 },
        log: { debug() {}, info() {}, warning() {}, error() {} },
      });
      tasks.push(task);
      await task.runNow();
    }
    const owners = async () =>
      (await consoles.list({ limit: 100 })).items.map((shown) => `${shown.source} ${shown.uuid}`);
    expect(await owners()).toEqual([`from ${uuid}`]);
    await from.virsh('migrate', '--live', uuid, to.uri, '--migrateuri', 'tcp://127.0.0.1');
    await waitFor('the guest at its new host alone', async () => (await owners()).join() === `to ${uuid}`);
    const recorded = await consoles.connectInfo('to', uuid);
    const port = Number(/<graphics type='spice' port='(\d+)'/.exec(await to.virsh('dumpxml', uuid))?.[1]);
    expect(recorded).toMatchObject({ insecurePort: port });
  });
});
