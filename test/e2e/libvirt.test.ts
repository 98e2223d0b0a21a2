// SPDX-License-Identifier: Apache-2.0
// A real desktop of a real libvirtd, whose SPICE server listens on a unix socket alone: through Kerbside on the hypervisor itself, and
// through ssh from elsewhere. No SPICE port is open anywhere but Kerbside's.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { scancodesOf } from '../boot-target/decode.js';
import { differingPixels, readPpm } from '../boot-target/image.js';
import { type Desk, startDesk } from '../fixtures/desk.js';
import { CONSOLE } from '../fixtures/lab.js';
import { type LibvirtGuest, startLibvirtGuest } from '../fixtures/libvirt-guest.js';
import { waitFor } from '../fixtures/program.js';
import { Sshd } from '../fixtures/sshd.js';

jest.setTimeout(180_000);

const LOCAL = 'kvm-local';
const REMOTE = 'kvm-remote';

let desk: Desk;
let sshd: Sshd;
let guest: LibvirtGuest;

beforeAll(async () => {
  sshd = await Sshd.start();
  desk = await startDesk(() => ({
    startGuest: async (dir) =>
      (guest = await startLibvirtGuest({
        dir,
        uuid: CONSOLE,
        address: null,
        password: 's0cket',
        allChannels: true,
      })),
    sources: () => [
      { source: LOCAL, type: 'libvirt', uri: guest.libvirtd.uri },
      {
        ...{ source: REMOTE, type: 'libvirt', ...sshd.keys },
        uri: `qemu+ssh://${sshd.authority}/session?socket=${guest.libvirtd.socket}`,
      },
    ],
  }));
});

afterAll(async () => {
  await desk.stop();
  await sshd.stop();
});

const sessions = () => desk.lab.kerbside.sessions();

describe('a guest of libvirt without any SPICE port', () => {
  it('has no port that a client could dial', async () => {
    const spice = await guest.qmp('query-spice');
    expect(spice).toMatchObject({ enabled: true });
    expect(spice).not.toHaveProperty('port');
    expect(spice).not.toHaveProperty('tls-port');
  });

  it.each([
    ['of its own host', LOCAL, 'kerbside local'],
    ['through ssh', REMOTE, 'kerbside remote'],
  ])('is seen and typed into by remote-viewer, %s', async (_way, source, text) => {
    const vv = await desk.vv(CONSOLE, source);
    const viewer = await desk.open(vv);
    await viewer.type(text);
    const expected = scancodesOf(text);
    await viewer.sees(({ state }) => state.scancodes.slice(-expected.length).join() === expected.join());
    const typed = guest.serial().filter((line) => line.startsWith('KEY '));
    expect(typed.map((line) => parseInt(line.slice(4), 16)).slice(-expected.length)).toEqual(expected);
    const dump = `${guest.libvirtd.folder}/home/${source}.ppm`;
    await guest.qmp('screendump', { filename: dump });
    expect(differingPixels(await viewer.guestScreen(), readPpm(readFileSync(dump)))).toBe(0);
    const channels = await waitFor('all channels', async () => {
      const opened = (await sessions())[desk.lab.kerbside.sessionId(vv)]?.channels ?? [];
      return opened.length >= 9 ? opened : null;
    });
    expect(new Set(channels.map(({ channel_type: type }) => type))).toEqual(
      new Set(['main', 'display', 'inputs', 'cursor', 'playback', 'record', 'usbredir', 'port']),
    );
    await viewer.stop();
    await waitFor('empty session list', async () => Object.keys(await sessions()).length === 0);
  });

  it('ends its desktop when it is stopped, and is a console no more', async () => {
    const viewer = await desk.open(await desk.vv(CONSOLE, LOCAL));
    await guest.libvirtd.virsh('destroy', CONSOLE);
    await waitFor('empty session list', async () => Object.keys(await sessions()).length === 0);
    for (const source of [LOCAL, REMOTE])
      await waitFor('no console', async () => {
        const answer = await desk.lab.kerbside.api('GET', `/console/proxy/${source}/${CONSOLE}/console.vv`);
        return answer.status === 404;
      });
    await viewer.stop();
  });
});
