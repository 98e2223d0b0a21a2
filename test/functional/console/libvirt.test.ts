// SPDX-License-Identifier: Apache-2.0
// Desktops of real libvirt guests through a whole Kerbside: by TCP on its own host, by a unix socket, and through a real sshd to
// loopback and to a unix socket, where no SPICE port is open; with TLS inside; and what cuts the way.
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Site } from '../../fixtures/kerbside.js';
import { Libvirtd, toDaemon } from '../../fixtures/libvirtd.js';
import { waitFor } from '../../fixtures/program.js';
import { scratchFolder } from '../../fixtures/scratch.js';
import { CLIENT_MESSAGE } from '../../../src/console/spice/message-types.js';
import { SpiceClient } from '../../fixtures/spice-client.js';
import { Sshd } from '../../fixtures/sshd.js';

const LOCAL = 'kvm-local';
const REMOTE = 'kvm-remote';
const DEFAULT = 'password-of-the-source';
const PASSWORDS = { port: 'p0rt-passw0rd', sock: 's0ck-passw0rd', tls: 't1s-passw0rd' };
const GRAPHICS = {
  port: `<graphics type='spice' autoport='yes' listen='127.0.0.1' defaultMode='insecure' passwd='${PASSWORDS.port}'/>`,
  tls: `<graphics type='spice' autoport='yes' listen='127.0.0.1' defaultMode='secure' passwd='${PASSWORDS.tls}'/>`,
  sock: `<graphics type='spice' passwd='${PASSWORDS.sock}'><listen type='socket'/></graphics>`,
};

let site: Site;
let libvirtd: Libvirtd;
let sshd: Sshd;
const uuids = { port: '', sock: '', tls: '' };
const clients: SpiceClient[] = [];

beforeAll(async () => {
  const spiceTls = scratchFolder('spice-tls-');
  [site, sshd, libvirtd] = await Promise.all([
    Site.start({ OS_PROXY__BACKEND_TIMEOUT: '10' }),
    Sshd.start(),
    Libvirtd.start({ spiceTls }),
  ]);
  const { certificates } = site;
  copyFileSync(certificates.authority.caPath, join(spiceTls, 'ca-cert.pem'));
  copyFileSync(certificates.hypervisor.certPath, join(spiceTls, 'server-cert.pem'));
  copyFileSync(certificates.hypervisor.keyPath, join(spiceTls, 'server-key.pem'));
  for (const file of ['', 'ca-cert.pem', 'server-cert.pem', 'server-key.pem']) toDaemon(join(spiceTls, file));
  const names = ['port', 'sock', 'tls'] as const;
  // Nothing to boot from: what their firmware says is a picture, too.
  await Promise.all(names.map(async (name) => (uuids[name] = await libvirtd.guest(name, GRAPHICS[name]))));
  const entry = { type: 'libvirt', password: DEFAULT, ca_cert: certificates.authority.ca };
  await site.source({ ...entry, source: LOCAL, uri: libvirtd.uri } as { source: string });
  const uri = `qemu+ssh://${sshd.authority}/session?socket=${libvirtd.socket}`;
  await site.source({ ...entry, source: REMOTE, uri, ...sshd.keys } as { source: string });
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});

afterAll(async () => {
  const log = site.log();
  const key = readFileSync(sshd.keys.keyfile, 'latin1').split('\n').slice(1, -2);
  const database = readFileSync(join(site.folder, 'kerbside.sqlite'), 'latin1');
  await site.stop();
  await Promise.all([libvirtd.stop(), sshd.stop()]);
  for (const secret of [...Object.values(PASSWORDS), DEFAULT, ...key]) {
    expect(log).not.toContain(secret);
    expect(database).not.toContain(secret);
  }
});

async function clientOf(source: string, uuid: string): Promise<SpiceClient> {
  const { password } = await site.kerbside.vv(source, uuid);
  const client = new SpiceClient({ ...site.clientOptions(), password });
  clients.push(client);
  return client;
}

const audited = (source: string, uuid: string, text: string): Promise<string> =>
  waitFor(`audit message with "${text}"`, async () =>
    (await site.kerbside.audit(source, uuid)).find((message) => message.includes(text)),
  );

describe('a desktop of a libvirt guest', () => {
  it.each([
    ['by its port', LOCAL, 'port'],
    ['by its TLS port', LOCAL, 'tls'],
    ['by its unix socket', LOCAL, 'sock'],
    ['through ssh, on loopback', REMOTE, 'port'],
    ['through ssh, with TLS inside', REMOTE, 'tls'],
    ['through ssh, on a unix socket', REMOTE, 'sock'],
  ] as const)('opens %s, and draws', async (_way, source, which) => {
    const viewer = await clientOf(source, uuids[which]);
    const main = await viewer.openMain();
    main.send(CLIENT_MESSAGE.main.ATTACH_CHANNELS);
    const [display] = await Promise.all(
      (['display', 'inputs', 'cursor'] as const).map((name) => viewer.open(name)),
    );
    display?.send(CLIENT_MESSAGE.display.INIT, Buffer.alloc(14));
    await waitFor('a picture', () => (display?.receivedBytes ?? 0) > 1000);
  });

  it('shares one ssh connection of a relay worker among its channels', () => {
    const logins = sshd.log().split('Accepted publickey').length - 1;
    // The relay workers that had channels, and the two that ask libvirt.
    expect(logins).toBeLessThanOrEqual(site.workerPids().length + 4);
    expect(logins).toBeGreaterThan(0);
  });

  it('ends when its ssh connection is cut, and the next one opens', async () => {
    const main = await (await clientOf(REMOTE, uuids.port)).openMain();
    await sshd.pause();
    await main.closed;
    await audited(REMOTE, uuids.port, 'backend connection lost');
    const refused = await (await clientOf(REMOTE, uuids.port)).link('main', 0, { connectionId: 0 });
    expect(refused.outcome).toMatchObject({ type: 'closed' });
    await sshd.resume();
    await (await clientOf(REMOTE, uuids.port)).openMain();
  });

  it('does not open behind another host key, and the source says so', async () => {
    await sshd.renewHostKey();
    const refused = await (await clientOf(REMOTE, uuids.port)).link('main', 0, { connectionId: 0 });
    expect(refused.outcome).toMatchObject({ type: 'closed' });
    await waitFor('the fault', async () => {
      const { body } = await site.kerbside.api('GET', `/source/${REMOTE}`);
      return body.includes('it has another host key');
    });
    // The same desktop, where no ssh is on the way.
    await (await clientOf(LOCAL, uuids.port)).openMain();
  });

  it('has no direct file where it has no port to dial', async () => {
    const direct = await site.kerbside.api('GET', `/console/direct/${REMOTE}/${uuids.port}/console.vv`);
    expect(direct.status).toBe(409);
  });
});
