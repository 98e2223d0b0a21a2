// SPDX-License-Identifier: Apache-2.0
// A node of Proxmox VE, as far as consoles go: the real spiceproxy on port 3128 and the real API server on port 8006, with a user, tokens
// and permissions, and guests in real QEMUs. It takes /etc/pve and these ports: tox-style-scripts/proxmox gives it a machine of its own.
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeAuthority, type Authority } from '../fixtures/authority.js';
import { runProgram, startProgram, waitForOutput, type Program } from '../fixtures/program.js';
import { startGuest, type Guest } from '../fixtures/qemu.js';
import { repositoryRoot } from '../fixtures/repository.js';

/** Where the node keeps what others keep in the cluster's file system. */
const PVE = '/etc/pve';
/** The subject of a node's certificate, as Proxmox VE makes it. */
export const NODE_SUBJECT = 'OU=PVE Cluster Node,O=Proxmox Virtual Environment,CN=pve1.lab.example';
/** The port that its first guest has. */
const SPICE_PORT = 61_000;

/** Tokens by what they may: all that Kerbside needs, only to list, nothing. */
export const TOKENS = {
  full: { id: 'kerb@pve!full', secret: '11111111-2222-3333-4444-555555555555' },
  audit: { id: 'kerb@pve!audit', secret: '66666666-7777-8888-9999-000000000000' },
  none: { id: 'kerb@pve!none', secret: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee' },
} as const;

const USERS = `user:root@pam:1:0::::::
user:kerb@pve:1:0::::::
token:kerb@pve!full:0:1::
token:kerb@pve!audit:0:1::
token:kerb@pve!none:0:1::
role:Desktops:VM.Audit,VM.Console:
role:Lists:VM.Audit:
acl:1:/vms:kerb@pve:Desktops:
acl:1:/vms:kerb@pve!full:Desktops:
acl:1:/vms:kerb@pve!audit:Lists:
`;

/** A running node. */
export interface PveNode {
  readonly authority: Authority;
  readonly url: string;
  /** What spiceproxy and the API server have written. */
  output(): string;
  /** Starts a guest that has the node's SPICE port. */
  guest(vmid: number, name: string): Promise<Guest>;
  stop(): Promise<void>;
}

/** Starts the node. @param dir private folder @throws Error with what the services said */
export async function startNode(dir: string): Promise<PveNode> {
  const authority = await makeAuthority(
    join(dir, 'pki'),
    'CN=Proxmox Virtual Environment,OU=lab,O=PVE Cluster Manager CA',
  );
  const names = ['IP:127.0.0.1', 'DNS:pve1.lab.example', 'DNS:localhost'];
  const x509Dir = await authority.x509Dir('pve-ssl', { subject: NODE_SUBJECT, names, key: 'rsa' });
  const own = join(PVE, 'nodes/pve1');
  copyFileSync(authority.caFile, join(PVE, 'pve-root-ca.pem'));
  copyFileSync(join(x509Dir, 'server-cert.pem'), join(own, 'pve-ssl.pem'));
  copyFileSync(join(x509Dir, 'server-key.pem'), join(own, 'pve-ssl.key'));
  symlinkSync(own, join(PVE, 'local'));
  await key(join(PVE, 'pve-www.key'));
  await key(join(PVE, 'priv/authkey.key'), join(PVE, 'authkey.pub'));
  writeFileSync(join(PVE, 'user.cfg'), USERS);
  const secrets = Object.values(TOKENS).map(({ id, secret }) => `${id} ${secret}\n`);
  writeFileSync(join(PVE, 'priv/token.cfg'), secrets.join(''), { mode: 0o600 });
  const guests = join(dir, 'guests');
  mkdirSync(guests);
  const running: Guest[] = [];
  const services: Program[] = [];
  for (const name of ['spiceproxy', 'api']) services.push(await startService(name, dir, guests));
  return {
    authority,
    url: 'https://127.0.0.1:8006',
    output: () => services.map((service) => service.output()).join(''),
    guest: async (vmid, name) => {
      const folder = join(guests, String(vmid));
      mkdirSync(folder);
      writeFileSync(join(folder, 'name'), `${name}\n`);
      const options = { address: '127.0.0.1', plain: false, tlsPort: SPICE_PORT, tls: { x509Dir } };
      const guest = await startGuest({ dir: folder, password: 'none yet', seamless: true, ...options });
      running.push(guest);
      return guest;
    },
    stop: async () => {
      await Promise.all([
        ...services.map((service) => service.stop()),
        ...running.map((guest) => guest.stop()),
      ]);
    },
  };
}

async function startService(name: string, dir: string, guests: string): Promise<Program> {
  const service = await startProgram('perl', [join(repositoryRoot(), 'test/proxmox/perl/node.pl'), name], {
    logFile: join(dir, `${name}.log`),
    env: { ...process.env, KERBSIDE_GUESTS: guests },
  });
  await waitForOutput(service, `${name} is ready`);
  return service;
}

/** An RSA key, and its public half. */
async function key(path: string, publicHalf?: string): Promise<void> {
  await openssl('genrsa', '-traditional', '-out', path, '2048');
  if (publicHalf !== undefined) await openssl('rsa', '-in', path, '-pubout', '-out', publicHalf);
}

async function openssl(...words: readonly string[]): Promise<void> {
  const { status, stderr } = await runProgram('openssl', [...words]);
  if (status !== 0) throw new Error(`openssl ${words[0] ?? ''}: ${stderr}`);
}
