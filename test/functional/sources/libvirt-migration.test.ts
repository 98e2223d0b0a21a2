// SPDX-License-Identifier: Apache-2.0
// A guest that moves from one real libvirtd to another while it runs, as two sources see it.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LibvirtDriver } from '../../../src/sources/libvirt/driver.js';
import { Libvirtd } from '../../fixtures/libvirtd.js';
import { waitFor } from '../../fixtures/program.js';
import { SourceScene } from '../../fixtures/source-scene.js';

let from: Libvirtd;
let to: Libvirtd;
let scene: SourceScene;

beforeAll(async () => {
  [from, to] = await Promise.all([Libvirtd.start(), Libvirtd.start()]);
  scene = await SourceScene.start();
});

afterAll(async () => {
  await scene.close();
  await Promise.all([from.stop(), to.stop()]);
});

describe('a guest that is migrated', () => {
  it('is the console of its new host, and of the old one no more, because both said so', async () => {
    const { consoles } = scene;
    const graphics = "<graphics type='spice' autoport='yes' listen='127.0.0.1' passwd='s3cret'/>";
    const uuid = await from.guest('moves', graphics);
    for (const [name, { uri }] of [
      ['from', from],
      ['to', to],
    ] as const) {
      const definition = { name, type: 'libvirt', url: uri, options: {} };
      await scene.task(new LibvirtDriver(definition, { consoles }), definition).runNow();
    }
    const owners = async () => (await scene.shown()).map((shown) => `${shown.source} ${shown.uuid}`);
    expect(await owners()).toEqual([`from ${uuid}`]);
    await from.virsh('migrate', '--live', uuid, to.uri, '--migrateuri', 'tcp://127.0.0.1');
    await waitFor('the guest at its new host alone', async () => (await owners()).join() === `to ${uuid}`);
    const recorded = await consoles.connectInfo('to', uuid);
    const port = Number(/<graphics type='spice' port='(\d+)'/.exec(await to.virsh('dumpxml', uuid))?.[1]);
    expect(recorded).toMatchObject({ insecurePort: port });
  });
});
