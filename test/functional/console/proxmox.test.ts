// SPDX-License-Identifier: Apache-2.0
// Desktops of a Proxmox VE cluster through Kerbside: each channel by CONNECT with the ticket that holds, TLS inside, and
// tickets that are made, shared, outlived, and revoked by somebody else's.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FakeProxmox, type FakeGuest } from '../../fixtures/proxmox.js';
import { Site } from '../../fixtures/kerbside.js';
import { waitFor } from '../../fixtures/program.js';
import { SpiceClient } from '../../fixtures/spice-client.js';
import type { VvFile } from '../../fixtures/vv-file.js';

const SOURCE = 'pve';
const TOKEN = 'kerb@pve!full';
const SECRET = '11111111-2222-3333-4444-555555555555';
/** Seconds of the fake; in Kerbside's own time none pass. */
const TOO_OLD = 31;

let site: Site;
let pve: FakeProxmox;
const clients: SpiceClient[] = [];

beforeAll(async () => {
  site = await Site.start();
  pve = await FakeProxmox.start(site.certificates.hypervisor, site.certificates.authority.ca);
  pve.tokens.set(TOKEN, { secret: SECRET, audit: true, console: true });
  for (const vmid of [100, 101, 102, 103]) {
    const server = await site.hypervisor({
      tls: site.certificates.hypervisor,
      plain: false,
      password: 'none yet',
    });
    pve.guests.push({
      vmid,
      node: 'pve1',
      name: `desk-${String(vmid)}`,
      status: 'running',
      spice: true,
      server,
    });
  }
  await site.source({
    ...{ source: SOURCE, type: 'proxmox', url: [pve.url], token_id: TOKEN, token_secret: SECRET },
    ca_cert: site.certificates.authority.ca,
  } as { source: string });
});
afterAll(async () => {
  const log = site.log();
  await Promise.all(clients.map((client) => client.close()));
  await site.stop();
  await pve.close();
  // But for the fault that a test wants.
  expect(
    log.match(/ ERROR .*/g)?.filter((line) => !line.includes('HTTP 401 Authentication failed!')) ?? [],
  ).toEqual([]);
  // Neither tickets nor passwords nor the token's secret.
  expect(log).not.toMatch(/pvespiceproxy:|[0-9a-f]{40}/);
  expect(log).not.toContain(SECRET);
});

function guestOf(vmid: number): FakeGuest {
  const found = pve.guests.find((guest) => guest.vmid === vmid);
  if (found === undefined) throw new Error(`no guest ${String(vmid)}`);
  return found;
}

async function client(vmid: number, vv?: VvFile): Promise<SpiceClient> {
  const file = vv ?? (await site.kerbside.vv(SOURCE, String(vmid)));
  const made = new SpiceClient({ ...site.clientOptions(), password: file.password });
  clients.push(made);
  return made;
}

const audit = (vmid: number): Promise<string[]> => site.kerbside.audit(SOURCE, String(vmid));
const audited = (vmid: number, text: string): Promise<string> =>
  waitFor(`audit message with "${text}"`, async () =>
    (await audit(vmid)).find((message) => message.includes(text)),
  );

describe('a desktop of Proxmox VE', () => {
  it('opens with one ticket for all channels, through the proxy, with TLS inside', async () => {
    const before = pve.mints;
    const viewer = await client(100);
    await viewer.openMain();
    for (const name of ['display', 'inputs', 'cursor'] as const) await viewer.open(name);
    expect(pve.mints).toBe(before + 1);
    expect(new Set(pve.connects.slice(-4)).size).toBe(1);
    const { server } = guestOf(100);
    expect(server?.open.map(({ facts }) => facts.secured)).toEqual([true, true, true, true]);
  });

  it('gives a second session the same ticket, and a late channel a new one', async () => {
    const before = pve.mints;
    const first = await client(101);
    await first.openMain();
    await first.open('display');
    expect(pve.mints).toBe(before + 1);
    // Too old for the hypervisor; Kerbside finds out when it is refused.
    pve.age(TOO_OLD);
    await first.open('inputs');
    expect(pve.mints).toBe(before + 2);
    // Too old for the proxy, too.
    pve.age(TOO_OLD + 10);
    await first.open('cursor');
    expect(pve.mints).toBe(before + 3);
  });

  it('opens its channels when somebody else has had a ticket made meanwhile', async () => {
    const viewer = await client(102);
    await viewer.openMain();
    const { server } = guestOf(102);
    if (server === undefined) throw new Error('no server');
    // As another node's, or an administrator's in the web interface of the platform.
    server.password = 'f'.repeat(40);
    const before = pve.mints;
    await viewer.open('display');
    await viewer.open('inputs');
    expect(pve.mints).toBe(before + 1);
  });

  it('does not open without a ticket, and says why', async () => {
    const end = pve.fault(/spiceproxy$/, { kind: 'status', status: 595, phrase: 'No route to host' });
    const main = await (await client(103)).link('main', 0, { connectionId: 0 });
    expect(main.outcome).toMatchObject({ type: 'closed', stage: 'result' });
    await audited(103, 'Channel refused: ticket not minted: HTTP 595 No route to host');
    end();
    await (await client(103)).openMain();
  });

  it('does not open while its guest is stopped', async () => {
    const guest = guestOf(103);
    guest.status = 'stopped';
    const main = await (await client(103)).link('main', 0, { connectionId: 0 });
    expect(main.outcome).toMatchObject({ type: 'closed', stage: 'result' });
    await audited(103, 'Channel refused: the instance is not running');
    guest.status = 'running';
  });

  it('has no direct file, and no secret of its in the database', async () => {
    const direct = await site.kerbside.api('GET', `/console/direct/${SOURCE}/100/console.vv`);
    expect(direct.status).toBe(409);
    const db = await site.database();
    const rows = await db.query('SELECT * FROM consoles WHERE source = ?', [SOURCE]);
    const sources = await db.query('SELECT * FROM sources WHERE name = ?', [SOURCE]);
    await db.close();
    expect(rows).toHaveLength(4);
    expect(JSON.stringify(rows)).not.toMatch(/pvespiceproxy|[0-9a-f]{40}/);
    expect(JSON.stringify(sources)).not.toContain(SECRET);
  });

  it('stays known while the platform is away, whose fault is shown', async () => {
    const end = pve.fault(/./, { kind: 'status', status: 401, phrase: 'Authentication failed!' });
    site.kerbside.program.child.kill('SIGHUP');
    await waitFor('the fault of the source', async () => {
      const { body } = await site.kerbside.api('GET', `/source/${SOURCE}`);
      return (JSON.parse(body) as { errored: unknown }).errored && body.includes('look at token_id');
    });
    const { body } = await site.kerbside.api('GET', '/console');
    expect(body).toContain('desk-100');
    end();
    site.kerbside.program.child.kill('SIGHUP');
    await waitFor('the end of the fault', async () => {
      const answer = await site.kerbside.api('GET', `/source/${SOURCE}`);
      return !(JSON.parse(answer.body) as { errored: unknown }).errored;
    });
  });
});
