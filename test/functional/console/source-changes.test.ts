// SPDX-License-Identifier: Apache-2.0
// What becomes of desktops when sources.yaml changes under them: two sources that have the same guest, a source that gets another name, and
// one that leaves the file while a session of it is open.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Site } from '../../fixtures/kerbside.js';
import { waitFor } from '../../fixtures/program.js';
import { SpiceClient } from '../../fixtures/spice-client.js';
import type { SpiceServer } from '../../fixtures/spice-server.js';

const UUID = '6a4b1c52-0f3d-4e8a-9b7c-2d1e0f3a4b5c';

let site: Site;
let first: SpiceServer;
let second: SpiceServer;
const clients: SpiceClient[] = [];

beforeAll(async () => {
  site = await Site.start();
  first = await site.hypervisor({ password: 'first' });
  second = await site.hypervisor({ password: 'second' });
});
afterAll(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await site.stop();
});

/** Makes sources.yaml hold these, each with the guest at its server, and waits until Kerbside has them and no others. */
async function sources(named: Readonly<Record<string, SpiceServer>>): Promise<void> {
  const entries = Object.entries(named).map(([source, server]) => ({
    ...{ source, type: 'static' },
    consoles: [
      {
        ...{ uuid: UUID, name: `desk of ${source}`, hypervisor_ip: '127.0.0.1' },
        ...{ insecure_port: server.plainPort, ticket: server.password ?? '' },
      },
    ],
  }));
  writeFileSync(join(site.folder, 'sources.yaml'), stringify(entries), { mode: 0o600 });
  site.kerbside.program.child.kill('SIGHUP');
  const wanted = Object.keys(named).sort().join();
  await waitFor(`consoles of ${wanted}`, async () => {
    const { body } = await site.kerbside.api('GET', '/console');
    const { consoles } = JSON.parse(body) as { consoles?: { source: string }[] };
    return (
      (consoles ?? (JSON.parse(body) as { source: string }[]))
        .map(({ source }) => source)
        .sort()
        .join() === wanted
    );
  });
}

async function client(source: string): Promise<SpiceClient> {
  const { password } = await site.kerbside.vv(source, UUID);
  const made = new SpiceClient({ ...site.clientOptions(), password });
  clients.push(made);
  await made.openMain();
  await made.open('display');
  return made;
}

/** How many channels of a hypervisor are open. */
const open = (server: SpiceServer): number => server.open.length;

describe('two sources with the same guest', () => {
  it('have a console each, which opens at its own hypervisor with its own password', async () => {
    await sources({ north: first, south: second });
    await client('north');
    expect([first.open.length, second.open.length]).toEqual([2, 0]);
    await client('south');
    expect([first.open.length, second.open.length]).toEqual([2, 2]);
    expect(await site.kerbside.audit('north', UUID)).not.toEqual(await site.kerbside.audit('south', UUID));
  });
});

describe('a source with a session open', () => {
  it('that leaves the file leaves its open channels, gives no new files, and leaves the other source alone', async () => {
    const [north, south] = [await client('north'), await client('south')];
    const before = [open(first), open(second)];
    await sources({ south: second });
    expect([open(first), open(second)]).toEqual(before);
    await south.open('inputs');
    // Of a desktop that has just come up, the rest of its channels come, too.
    await north.open('inputs');
    expect(open(first)).toBe((before[0] ?? 0) + 1);
    await expect(site.kerbside.vv('north', UUID)).rejects.toThrow('404');
  });

  it('that gets another name keeps its open channels, and opens under the new name', async () => {
    const south = await client('south');
    const before = open(second);
    await sources({ west: second });
    expect(open(second)).toBe(before);
    await south.open('inputs');
    await expect(site.kerbside.vv('south', UUID)).rejects.toThrow('404');
    await client('west');
    // One hypervisor, one client: the new session has taken it over from the one before.
    expect(open(second)).toBe(2);
  });

  it('that is gone can be ended as any other', async () => {
    const gone = Object.entries(await site.kerbside.sessions()).filter(([, { source }]) => source !== 'west');
    for (const [id] of gone) expect((await site.kerbside.terminate(id)).status).toBeLessThan(300);
    await waitFor('the end of the channels', () => open(first) === 0);
  });
});
