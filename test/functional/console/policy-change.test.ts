// SPDX-License-Identifier: Apache-2.0
// The rules of the firewall change while sessions live: the configuration file is written, SIGHUP is sent, and the open
// channels go by the new rules from their next message on.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Site } from '../../fixtures/kerbside.js';

const UNKNOWN = 200;
const folder = mkdtempSync(join(tmpdir(), 'kerbside-policy-'));
const confFile = join(folder, 'kerbside.conf');
let site: Site;
let changes = 0;

/** Writes [firewall] and waits until the proxy has taken it up. */
async function change(lines: string): Promise<void> {
  writeFileSync(confFile, `[firewall]\n${lines}\n`);
  changes += 1;
  site.kerbside.program.child.kill('SIGHUP');
  for (;;) {
    const taken = await site.logged('the firewall has other rules');
    if (taken.length >= changes) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

beforeAll(async () => {
  writeFileSync(confFile, '[firewall]\nmode = enforce\n');
  site = await Site.start({}, confFile);
});
afterEach(() => site.tidy());
afterAll(async () => {
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
    inputs.send(UNKNOWN, Buffer.alloc(4));
    await server.waitFor(UNKNOWN);

    await change('mode = warn\npermitted_channels = main,inputs');
    await display.closed;
    await site.audited(desk.uuid, 'Channel closed: channel forbidden');
    expect((await client.link('cursor')).linked).toBe(false);

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
