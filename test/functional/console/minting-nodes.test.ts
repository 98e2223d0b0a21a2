// SPDX-License-Identifier: Apache-2.0
// Two proxy nodes on one database, in front of a platform on which a second ticket makes the first useless for new channels: the channels of
// one desktop land on both nodes, and all of them open.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Kerbside } from '../../fixtures/kerbside-process.js';
import type { Site } from '../../fixtures/kerbside.js';
import { FakeProxmox, type FakeGuest } from '../../fixtures/proxmox.js';
import { SpiceClient } from '../../fixtures/spice-client.js';
import { startTwoNodes, type TwoNodes } from '../../fixtures/two-nodes.js';

const SOURCE = 'pve';
const TOKEN = 'kerb@pve!full';
const SECRET = '11111111-2222-3333-4444-555555555555';
/** Seconds of the fake after which no password holds. */
const TOO_OLD = 31;
const GUESTS = [100, 101, 102, 103, 104, 105];

let nodes: TwoNodes;
let site: Site;
let other: Kerbside;
let pve: FakeProxmox;
const clients: SpiceClient[] = [];

beforeAll(async () => {
  nodes = await startTwoNodes({
    // A node that waits for its turn takes a second, and this machine may be busy.
    OS_PROXY__BACKEND_TIMEOUT: '30',
    OS_PROXY__CONTROL_TIMEOUT: '30',
    OS_PROXY__LINK_TIMEOUT: '30',
  });
  ({ site, other } = nodes);
  pve = await FakeProxmox.start(site.certificates.hypervisor, site.certificates.authority.ca);
  pve.tokens.set(TOKEN, { secret: SECRET, audit: true, console: true });
  for (const vmid of GUESTS) {
    const tls = site.certificates.hypervisor;
    const server = await site.hypervisor({ tls, plain: false, password: 'none yet', judgesAfterMs: 150 });
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
  const logs = site.log() + other.program.output();
  const db = await nodes.database();
  const tables = ['consoles', 'sources', 'leases', 'audit_events', 'channels'];
  const rows = JSON.stringify(
    await Promise.all(tables.map((table) => db.query(`SELECT * FROM ${table}`).catch(() => []))),
  );
  await db.close();
  await Promise.all(clients.map((client) => client.close()));
  await nodes.stop();
  await pve.close();
  // Neither tickets nor passwords.
  expect(logs).not.toMatch(/pvespiceproxy:|[0-9a-f]{40}/);
  expect(rows).not.toMatch(/pvespiceproxy|\b[0-9a-f]{40}\b/);
});

function guestOf(vmid: number): FakeGuest {
  const found = pve.guests.find((guest) => guest.vmid === vmid);
  if (found === undefined) throw new Error(`no guest ${String(vmid)}`);
  return found;
}

async function viewer(vmid: number): Promise<SpiceClient> {
  const { password } = await site.kerbside.vv(SOURCE, String(vmid));
  const made = new SpiceClient({ ...site.clientOptions(), password });
  clients.push(made);
  await made.openMain();
  return made;
}

const elsewhere = (): { port: number } => ({ port: other.ports.secure });

describe('a desktop whose channels land on two nodes', () => {
  it('opens one channel after the other, here and there', async () => {
    const desktop = await viewer(100);
    await desktop.open('display', 0, elsewhere());
    await desktop.open('inputs');
    await desktop.open('cursor', 0, elsewhere());
    await desktop.open('playback');
    await desktop.open('record', 0, elsewhere());
    expect(guestOf(100).server?.open).toHaveLength(6);
  });

  it.each(GUESTS.slice(1))('opens all at once, with one more ticket for each node: %d', async (vmid) => {
    const desktop = await viewer(vmid);
    for (const name of ['playback', 'record'] as const) await desktop.open(name, 0, elsewhere());
    // Both nodes have a ticket, and neither is good any more.
    pve.age(TOO_OLD);
    const before = pve.mints;
    await Promise.all([
      desktop.open('display'),
      desktop.open('port', 0, elsewhere()),
      desktop.open('inputs', 0, elsewhere()),
      desktop.open('cursor'),
      desktop.open('webdav', 0, elsewhere()),
      desktop.open('smartcard'),
      desktop.open('usbredir', 0, elsewhere()),
      desktop.open('usbredir', 1),
    ]);
    expect(guestOf(vmid).server?.open).toHaveLength(11);
    expect(pve.mints - before).toBe(2);
  });
});
