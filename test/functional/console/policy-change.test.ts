// SPDX-License-Identifier: Apache-2.0
// The rules of the firewall change while sessions live: the configuration file is written, SIGHUP is sent, and the open
// channels go by the new rules from their next message on.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Site } from '../../fixtures/kerbside.js';
import { waitForOutput } from '../../fixtures/program.js';

const UNKNOWN = 200;
let folder: string;
let confFile: string;
let site: Site;
let changes: number;

/** Writes [firewall] with other rules than before and waits until the proxy's parent has taken them up. */
async function change(lines: string): Promise<void> {
  writeFileSync(confFile, `[firewall]\n${lines}\n`);
  changes += 1;
  const { program } = site.kerbside;
  program.child.kill('SIGHUP');
  await waitForOutput(program, 'the firewall has other rules', changes);
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kerbside-policy-'));
  confFile = join(folder, 'kerbside.conf');
  writeFileSync(confFile, '[firewall]\nmode = enforce\n');
  changes = 0;
  site = await Site.start({}, confFile);
});
afterEach(async () => {
  await site.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('changed rules of the firewall', () => {
  it('hold for open channels from their next message on, and for new ones', async () => {
    const desk = await site.desk();
    const client = await site.client(desk.uuid);
    const main = await client.openMain();
    const inputs = await client.open('inputs');
    const display = await client.open('display');
    const server = await desk.server.channel('inputs');

    await change('mode = warn');
    // The parent has said so; the worker is told on the way on which it is granted this channel.
    await client.open('cursor');
    inputs.send(UNKNOWN, Buffer.alloc(4));
    await server.waitFor(UNKNOWN);

    await change('mode = warn\npermitted_channels = main,inputs');
    await display.closed;
    await site.audited(desk.uuid, 'Channel closed: channel forbidden');
    expect((await client.link('playback')).linked).toBe(false);

    await change('mode = enforce\npermitted_channels = main,inputs');
    inputs.send(UNKNOWN, Buffer.alloc(4));
    await inputs.closed;
    expect(server.bodies(UNKNOWN)).toHaveLength(1);
    await site.audited(desk.uuid, 'disallowed_type (enforced=1, observed=0)');
    expect(main.closeReason).toBeNull();
  });

  it('are not taken up when the file is broken: the last good ones stay', async () => {
    await change('mode = warn');
    writeFileSync(confFile, '[firewall]\nmode = sometimes\n');
    site.kerbside.program.child.kill('SIGHUP');
    await site.logged('the configuration is not taken up');
    const desk = await site.desk();
    const client = await site.client(desk.uuid);
    await client.openMain();
    const inputs = await client.open('inputs');
    inputs.send(UNKNOWN, Buffer.alloc(4));
    await (await desk.server.channel('inputs')).waitFor(UNKNOWN);
  });
});
