// SPDX-License-Identifier: Apache-2.0
// The rules of the firewall change while sessions live: the configuration file is written, SIGHUP is sent, and the open
// channels go by the new rules from their next message on.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Guest, Site } from '../../fixtures/kerbside.js';
import { waitForOutput } from '../../fixtures/program.js';
import { scratchFolder } from '../../fixtures/scratch.js';

const UNKNOWN = 200;
const AT_FIRST = 'mode = enforce';
const folder = scratchFolder('kerbside-policy-');
const confFile = join(folder, 'kerbside.conf');
let site: Site;
let rules = AT_FIRST;
let changes = 0;

/** Writes [firewall] and waits until the proxy has taken it up. */
async function change(lines: string): Promise<void> {
  if (lines === rules) return;
  rules = lines;
  writeFileSync(confFile, `[firewall]\n${lines}\n`);
  changes += 1;
  site.kerbside.program.child.kill('SIGHUP');
  await waitForOutput(site.kerbside.program, 'the firewall has other rules', changes);
}

/** The relay worker knows what its parent knew before: the answer to its request came behind that. */
async function workerFollows(client: Guest): Promise<void> {
  await client.link('cursor');
}

beforeAll(async () => {
  writeFileSync(confFile, `[firewall]\n${AT_FIRST}\n`);
  site = await Site.start({ OS_SPICE__WORKERS: '1' }, confFile);
});
afterEach(async () => {
  await site.tidy();
  await change(AT_FIRST);
});
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
    await workerFollows(client);
    inputs.send(UNKNOWN, Buffer.alloc(4));
    await server.waitFor(UNKNOWN);

    await change('mode = warn\npermitted_channels = main,inputs');
    await display.closed;
    await site.audited(desk.uuid, 'Channel closed: channel forbidden');
    expect((await client.link('cursor')).linked).toBe(false);

    await change('mode = enforce\npermitted_channels = main,inputs');
    await workerFollows(client);
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
    rules = '';
    await site.logged('the configuration is not taken up');
    const desk = await site.desk();
    const client = await site.client(desk.uuid);
    await client.openMain();
    const inputs = await client.open('inputs');
    inputs.send(UNKNOWN, Buffer.alloc(4));
    await (await desk.server.channel('inputs')).waitFor(UNKNOWN);
  });
});
