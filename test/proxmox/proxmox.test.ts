// SPDX-License-Identifier: Apache-2.0
// Kerbside in front of the real servers of Proxmox VE: the list, tokens and their rights, a ticket for a session, CONNECT through the real
// spiceproxy to a real QEMU, and what is refused. tox-style-scripts/proxmox runs it.
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { scancodesOf } from '../boot-target/decode.js';
import { Site } from '../fixtures/kerbside.js';
import { waitFor } from '../fixtures/program.js';
import type { Guest } from '../fixtures/qemu.js';
import { scratchFolder } from '../fixtures/scratch.js';
import { SpiceClient } from '../fixtures/spice-client.js';
import { startViewer, startXServer } from '../fixtures/x11.js';
import { startNode, TOKENS, type PveNode } from './node.js';

jest.setTimeout(300_000);

const VMID = 100;

let node: PveNode;
let guest: Guest;
let site: Site;

beforeAll(async () => {
  node = await startNode(scratchFolder('kerbside-pve-'));
  guest = await node.guest(VMID, 'desk-1');
  site = await Site.start({ OS_PROXY__BACKEND_TIMEOUT: '10' });
  await site.source(source('pve', TOKENS.full));
});
afterAll(async () => {
  await site.stop();
  await node.stop();
});

/** The node as a source, as one of its tokens. */
function source(name: string, token: { readonly id: string; readonly secret: string }): { source: string } {
  return {
    ...{ source: name, type: 'proxmox', url: node.url, token_id: token.id, token_secret: token.secret },
    ca_cert: readFileSync(node.authority.caFile, 'utf8'),
  } as { source: string };
}

/** The channels that QEMU has open, by their types (spice-protocol, enums.h). */
async function channelTypes(): Promise<number[]> {
  const { channels = [] } = (await guest.qmp('query-spice')) as { channels?: { 'channel-type': number }[] };
  return channels.map((channel) => channel['channel-type']).sort((a, b) => a - b);
}

/** What spiceproxy answers to bytes, until it closes. */
function ask(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(3128, '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString('latin1')));
    socket.on('error', reject).on('close', () => resolve(text));
  });
}

it('opens a desktop with a ticket of the real API, through the real spiceproxy', async () => {
  const { password } = await site.kerbside.vv('pve', String(VMID));
  const client = new SpiceClient({ ...site.clientOptions(), password });
  await client.openMain();
  for (const name of ['display', 'inputs', 'cursor'] as const) await client.open(name);
  expect(await channelTypes()).toEqual([1, 2, 3, 4]);
  await client.close();
  await waitFor('the end of the channels', async () => (await channelTypes()).length === 0);
  // Somebody else's ticket is a new password of the guest: the next session has one of its own.
  const later = new SpiceClient({
    ...site.clientOptions(),
    password: (await site.kerbside.vv('pve', String(VMID))).password,
  });
  await later.openMain();
  await later.open('display');
  expect(await channelTypes()).toEqual([1, 2]);
  await later.close();
});

it('carries keys of a real remote-viewer to the guest', async () => {
  await waitFor('the end of the channels', async () => (await channelTypes()).length === 0);
  const x = await startXServer(scratchFolder('kerbside-pve-x11-'));
  const vv = await site.kerbside.vv('pve', String(VMID));
  const viewer = await startViewer(x, vv.text, scratchFolder('kerbside-pve-viewer-'));
  try {
    await viewer.sees();
    await viewer.type('proxmox');
    const typed = scancodesOf('proxmox').join();
    await viewer.sees(({ state }) => state.scancodes.join().endsWith(typed));
  } finally {
    await viewer.stop();
    await x.stop();
  }
});

it('says which right a token lacks: none at all, or that to open consoles', async () => {
  await site.source(source('lists-only', TOKENS.audit));
  const { password } = await site.kerbside.vv('lists-only', String(VMID));
  const client = new SpiceClient({ ...site.clientOptions(), password });
  await expect(client.openMain()).rejects.toThrow();
  await waitFor('the refusal in the audit', async () =>
    (await site.kerbside.audit('lists-only', String(VMID))).find((message) =>
      message.includes('ticket not minted'),
    ),
  );
  await site.logged(`Permission check failed (/vms/${String(VMID)}, VM.Console)`);
  site.badSource(source('blind', TOKENS.none));
  await site.logged('VM.Audit');
  site.badSource(source('wrong', { id: TOKENS.full.id, secret: 'ffffffff-0000-0000-0000-000000000000' }));
  await site.logged('Authentication failed!');
});

it('is answered by spiceproxy as its fake answers', async () => {
  const head = 'HTTP/1.0 401 invalid ticket\r\n';
  const forged = `pvespiceproxy:6b000000:${String(VMID)}:pve1:61000::${'a'.repeat(40)}:61000`;
  const answer = await ask(`CONNECT ${forged} HTTP/1.0\r\nHost: ${forged}\r\n\r\n`);
  expect(answer.startsWith(head)).toBe(true);
  expect(answer.endsWith('\r\n\r\ninvalid ticket')).toBe(true);
  expect(await ask(`CONNECT ${forged} HTTP/1.0\r\n\r\n`)).toMatch(/^HTTP\/1\.0 401 invalid ticket\r\n/);
});

it('holds no ticket, password or secret in its log', () => {
  expect(site.log()).not.toMatch(/pvespiceproxy:|[0-9a-f]{40}/);
  for (const { secret } of Object.values(TOKENS)) expect(site.log()).not.toContain(secret);
});
