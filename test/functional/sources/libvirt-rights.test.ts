// SPDX-License-Identifier: Apache-2.0
// The rights that Kerbside's account needs on a hypervisor, against real daemons: one of root, whose socket is a group's and who asks
// polkit, and one that wants a login by SASL.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LibvirtDriver } from '../../../src/sources/libvirt/driver.js';
import type { Consoles } from '../../../src/objects/console.js';
import { CLIENT_MESSAGE } from '../../../src/console/spice/message-types.js';
import { Site } from '../../fixtures/kerbside.js';
import { startTlsLibvirtd, type Libvirtd, type TlsLibvirtd } from '../../fixtures/libvirtd.js';
import { waitFor } from '../../fixtures/program.js';
import { SpiceClient } from '../../fixtures/spice-client.js';
import {
  ACCOUNT,
  askedBy,
  dialledBy,
  LIBVIRT_GROUP,
  QEMU,
  SystemLibvirtd,
} from '../../fixtures/system-libvirtd.js';

/** The rule of doc/source/admin/libvirt.rst. */
const RULE = `polkit.addRule(function (action, subject) {
  if (action.id == "org.libvirt.unix.manage" && subject.user == "kerbside") return polkit.Result.YES;
});
`;

// Only root can run a libvirtd of root, and become somebody else.
const whereRoot = process.getuid?.() === 0 ? describe : describe.skip;

whereRoot('a libvirtd of root', () => {
  let libvirtd: SystemLibvirtd;
  let uuid = '';
  beforeAll(async () => {
    libvirtd = await SystemLibvirtd.start(RULE);
    uuid = await libvirtd.guest(
      'desk',
      "<graphics type='spice' passwd='s0cket'><listen type='socket'/></graphics>",
    );
  });
  afterAll(() => libvirtd.stop());

  it('lets an ordinary account list and open, which is of its group and has the right of polkit', async () => {
    expect(await askedBy(ACCOUNT.kerbside, LIBVIRT_GROUP, libvirtd.uri, uuid)).toEqual({
      ...{ found: ['desk'], ticket: 's0cket', fault: '' },
    });
  });

  it('refuses one that is not of the group, which the source says with what to do', async () => {
    expect(await askedBy(ACCOUNT.kerbside, null, libvirtd.uri, uuid)).toEqual({
      ...{ found: null, ticket: null },
      fault: `libvirt at localhost: the socket ${libvirtd.socket} cannot be opened (EACCES); make Kerbside's account a member of the group that may open it (unix_sock_group of libvirtd.conf, often libvirt)`,
    });
  });

  it('refuses one that polkit refuses, which the source says with what to do', async () => {
    const { found, fault } = await askedBy(ACCOUNT.stranger, LIBVIRT_GROUP, libvirtd.uri, uuid);
    expect(found).toBeNull();
    expect(fault).toMatch(
      /^libvirt at localhost: auth.* \(error \d+\); give the account the polkit right org\.libvirt\.unix\.manage, by a rule in \/etc\/polkit-1\/rules\.d/,
    );
  });

  it('lets any account list by its read-only socket, and open what the source has the password of', async () => {
    const uri = `${libvirtd.uri}-ro&mode=ro`;
    expect(await askedBy(ACCOUNT.stranger, null, uri, uuid)).toEqual({
      found: ['desk'],
      ticket: '',
      fault: '',
    });
  });

  it('has the socket of a guest where only the group of QEMU comes to it', async () => {
    const path = /socket='([^']+)'/.exec(await libvirtd.virsh('dumpxml', uuid))?.[1] ?? '';
    const folder = path.replace(/\/[^/]+$/, '');
    expect(folder).toBe('/var/lib/libvirt/qemu/domain-1-desk');
    expect(await libvirtd.mode(folder)).toBe('750 64055 64055');
    expect(await libvirtd.mode(path)).toBe('775 64055 64055');
    const { kerbside } = ACCOUNT;
    expect(await dialledBy(libvirtd, kerbside, [LIBVIRT_GROUP], path)).toContain(
      'this account may not open the unix socket; make it a member of its group, and start Kerbside again',
    );
    expect(await dialledBy(libvirtd, kerbside, [LIBVIRT_GROUP, QEMU], path)).toBe('open');
  });

  it('has its guests opened by their unix sockets, through a whole Kerbside on the same host', async () => {
    const site = await Site.start({}, undefined, libvirtd.within);
    try {
      await site.source({ source: 'kvm1', type: 'libvirt', uri: libvirtd.uri } as { source: string });
      const vv = await site.kerbside.vv('kvm1', uuid);
      const viewer = new SpiceClient({ ...site.clientOptions(), password: vv.password });
      const main = await viewer.openMain();
      main.send(CLIENT_MESSAGE.main.ATTACH_CHANNELS);
      const display = await viewer.open('display');
      display.send(CLIENT_MESSAGE.display.INIT, Buffer.alloc(14));
      await waitFor('a picture', () => display.receivedBytes > 1000);
      await viewer.close();
    } finally {
      await site.stop();
    }
  });
});

describe('a libvirtd that wants a login by SASL', () => {
  let libvirtd: Libvirtd;
  let tls: TlsLibvirtd['ours'];
  beforeAll(async () => {
    ({ libvirtd, ours: tls } = await startTlsLibvirtd({ auth: 'sasl' }));
  });
  afterAll(() => libvirtd.stop());

  const faultOf = (url: string, options: Record<string, string> = {}): Promise<unknown> => {
    const consoles = { reported: () => Promise.resolve([]) } as unknown as Consoles;
    const driver = new LibvirtDriver({ name: 'kvm1', type: 'libvirt', url, options }, { consoles });
    return driver.discover(AbortSignal.timeout(30_000)).then(
      () => 'none',
      (error: unknown) => (error as Error).message,
    );
  };

  it('is named with the option that asks for it, on its socket', async () => {
    expect(await faultOf(libvirtd.uri)).toBe(
      'libvirt at localhost wants a login by SASL, which Kerbside does not have; in its libvirtd.conf set auth_unix_rw and auth_unix_ro to "polkit", or to "none" where unix_sock_group keeps others away',
    );
  });

  it('is named with the option that asks for it, by TLS', async () => {
    expect(await faultOf(`qemu+tls://127.0.0.1:${libvirtd.tlsPort}/session`, tls)).toBe(
      'libvirt at 127.0.0.1 wants a login by SASL, which Kerbside does not have; in its libvirtd.conf set auth_tls to "none": the client certificate says who asks (tls_allowed_dn_list)',
    );
  });
});
