// SPDX-License-Identifier: Apache-2.0
// Desktops of OpenNebula through Kerbside: by the host of the last record under the address of the entry, with the password of
// GRAPHICS, which may change; what an outage and a move leave; and no secret in log or rows.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Site } from '../../fixtures/kerbside.js';
import { FakeOpenNebula, GUEST_PASSWORD, ONE_PASSWORD, type FakeVm } from '../../fixtures/opennebula.js';
import { waitFor } from '../../fixtures/program.js';
import { SpiceClient } from '../../fixtures/spice-client.js';
import type { SpiceServer } from '../../fixtures/spice-server.js';

const SOURCE = 'one';

let site: Site;
let one: FakeOpenNebula;
let server: SpiceServer;
let desk: FakeVm;
const clients: SpiceClient[] = [];

beforeAll(async () => {
  site = await Site.start();
  one = await FakeOpenNebula.start();
  server = await site.hypervisor({ password: GUEST_PASSWORD });
  desk = one.add({ id: 41, name: 'büro <b>', port: server.plainPort });
  one.add({ id: 42, graphics: 'VNC' });
  await site.source({
    ...{ source: SOURCE, type: 'opennebula', url: one.url, username: 'kerbside', password: ONE_PASSWORD },
    ...{
      filter: 'all',
      host_addresses: { 'hyp1.lab.example': '127.0.0.1', 'hyp2.lab.example': '127.0.0.1' },
    },
  });
});
afterAll(async () => {
  const log = site.log();
  const db = await site.database();
  const rows = JSON.stringify([
    await db.query('SELECT * FROM consoles'),
    await db.query('SELECT * FROM sources'),
  ]);
  await db.close();
  await Promise.all(clients.map((client) => client.close()));
  await site.stop();
  await one.close();
  for (const secret of [GUEST_PASSWORD, ONE_PASSWORD, 'another-ticket']) {
    expect(log).not.toContain(secret);
    expect(rows).not.toContain(secret);
  }
});

async function client(): Promise<SpiceClient> {
  const { password } = await site.kerbside.vv(SOURCE, '41');
  const made = new SpiceClient({ ...site.clientOptions(), password });
  clients.push(made);
  return made;
}

const audited = (text: string): Promise<string> =>
  waitFor(`audit message with "${text}"`, async () =>
    (await site.kerbside.audit(SOURCE, '41')).find((message) => message.includes(text)),
  );

describe('a desktop of OpenNebula', () => {
  it('is listed, and opens with the password of its guest', async () => {
    const { body } = await site.kerbside.api('GET', '/console');
    expect(body).toContain('büro <b>');
    expect(body).not.toContain('"42"');
    const viewer = await client();
    await viewer.openMain();
    for (const name of ['display', 'inputs', 'cursor'] as const) await viewer.open(name);
    expect(server.open.map(({ facts }) => facts.secured)).toEqual([false, false, false, false]);
  });

  it('follows its guest to another host, to another port, to another password', async () => {
    const next = await site.hypervisor({ password: 'another-ticket' });
    Object.assign(desk, { host: 'hyp2.lab.example', port: next.plainPort, password: 'another-ticket' });
    await (await client()).openMain();
    expect(next.open).toHaveLength(1);
    await audited('Console configuration changed');
  });

  it.each([
    [{ state: 8, step: 0 }, 'the instance is not running'],
    [{ step: 4 }, 'the instance is being moved'],
  ])('does not open while its guest has %j', async (change, words) => {
    const before = { ...desk };
    Object.assign(desk, change);
    const main = await (await client()).link('main', 0, { connectionId: 0 });
    expect(main.outcome).toMatchObject({ type: 'closed', stage: 'result' });
    await audited(words);
    Object.assign(desk, before);
  });

  it('opens at its last known address while OpenNebula is away, whose fault is shown and heals', async () => {
    await one.server.pause();
    site.kerbside.program.child.kill('SIGHUP');
    const faulty = (wanted: boolean) => async (): Promise<boolean> => {
      const { body } = await site.kerbside.api('GET', `/source/${SOURCE}`);
      return Boolean((JSON.parse(body) as { errored: unknown }).errored) === wanted;
    };
    await waitFor('the fault of the source', faulty(true));
    await (await client()).openMain();
    await one.server.resume();
    site.kerbside.program.child.kill('SIGHUP');
    await waitFor('the end of the fault', faulty(false));
  });
});
