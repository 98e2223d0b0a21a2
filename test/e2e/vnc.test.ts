// SPDX-License-Identifier: Apache-2.0
// A VNC desktop in a browser: Chromium, noVNC, kerbside with its HTML5 proxy, and a QEMU with -vnc: without protection, with a
// password, and with VeNCrypt that wants a client's certificate.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { scancodesOf } from '../boot-target/decode.js';
import { differingPixels, readPpm } from '../boot-target/image.js';
import { makeAuthority } from '../fixtures/authority.js';
import { linkOf, openConsole } from '../fixtures/browser-link.js';
import { SpicePage, startChromium } from '../fixtures/chromium.js';
import {
  guestConsole,
  HYPERVISOR_ADDRESS,
  type Lab,
  SOURCE,
  startLab,
  staticSource,
} from '../fixtures/lab.js';
import { freePort, waitFor } from '../fixtures/program.js';
import { type Guest, startGuest } from '../fixtures/qemu.js';

jest.setTimeout(180_000);

/** Consoles by how their server is protected. */
const WAYS = {
  plain: '00000000-0000-4000-8000-0000000000a1',
  password: '00000000-0000-4000-8000-0000000000a2',
  vencrypt: '00000000-0000-4000-8000-0000000000a3',
  wrongPassword: '00000000-0000-4000-8000-0000000000a4',
  spice: '00000000-0000-4000-8000-0000000000a5',
} as const;

const dir = mkdtempSync(join(tmpdir(), 'kerbside-e2e-'));
const pages: SpicePage[] = [];
const guests = {} as Record<'plain' | 'password' | 'vencrypt', Guest>;
let lab: Lab;
let browser: Browser;
let origin: string;

beforeAll(async () => {
  const authority = await makeAuthority(join(dir, 'pki'), 'O=Lab,CN=Hypervisor CA');
  const named = { subject: 'O=Lab,CN=hv-17', names: [`IP:${HYPERVISOR_ADDRESS}`] };
  const x509Dir = await authority.x509Dir('server', named);
  const client = await authority.issue('client', { subject: 'O=Lab,CN=kerbside', names: ['DNS:kerbside'] });
  const guest = (name: string, options: Partial<Parameters<typeof startGuest>[0]>): Promise<Guest> => {
    mkdirSync(join(dir, name));
    return startGuest({ dir: join(dir, name), vga: 'std', vnc: {}, password: null, ...options });
  };
  [guests.plain, guests.password, guests.vencrypt] = await Promise.all([
    guest('plain', {}),
    guest('password', { password: 'sesame42' }),
    guest('vencrypt', { vnc: { x509Dir, verify: true } }),
  ]);
  const port = await freePort();
  origin = `http://127.0.0.1:${port}`;
  const labDir = join(dir, 'lab');
  mkdirSync(labDir);
  [lab, browser] = await Promise.all([
    startLab({
      dir: labDir,
      env: {
        OS_HTML5PROXY__ENABLED: 'true',
        OS_HTML5PROXY__ADDRESS: '127.0.0.1',
        OS_HTML5PROXY__PORT: `${port}`,
        OS_HTML5PROXY__PUBLIC_URL: origin,
        OS_PROXY__PROXY_PROTOCOL_FROM: '127.0.0.1',
        OS_VNC__VENCRYPT_CLIENT_CERT: client.certFile,
        OS_VNC__VENCRYPT_CLIENT_KEY: client.keyFile,
      },
      sources: (spice) => [
        staticSource(
          [
            guestConsole(guests.plain, { uuid: WAYS.plain, protocol: 'vnc' }),
            guestConsole(guests.password, { uuid: WAYS.password, protocol: 'vnc' }),
            guestConsole(guests.vencrypt, { uuid: WAYS.vencrypt, protocol: 'vnc' }),
            guestConsole(guests.password, { uuid: WAYS.wrongPassword, protocol: 'vnc', ticket: 'other' }),
            guestConsole(spice, { uuid: WAYS.spice }),
          ],
          readFileSync(authority.caFile, 'utf8'),
        ),
      ],
    }),
    startChromium(),
  ]);
  await waitFor('the consoles in Kerbside', async () => {
    const { status } = await lab.kerbside.api('GET', `/console/${SOURCE}/${WAYS.spice}/audit`);
    return status === 200;
  });
});
afterEach(async () => {
  await Promise.all(pages.splice(0).map((page) => page.close()));
});
afterAll(async () => {
  await Promise.all([browser.close(), lab.stop(), ...Object.values(guests).map((guest) => guest.stop())]);
  rmSync(dir, { recursive: true, force: true });
});

async function visit(url: string): Promise<SpicePage> {
  const page = await SpicePage.open(browser, url);
  pages.push(page);
  return page;
}

async function open(uuid: string): Promise<{ page: SpicePage; session: string; href: string }> {
  const opened = await openConsole(lab.kerbside, SOURCE, uuid);
  const href = linkOf(opened, 'console_browser');
  return { page: await visit(href), session: opened.session_id, href };
}

describe('a VNC desktop', () => {
  it.each(['plain', 'password', 'vencrypt'] as const)(
    'by a server that is %s: its picture, pixel for pixel, and what is typed comes back',
    async (way) => {
      const { page, session } = await open(WAYS[way]);
      await page.sees();
      const text = 'hello by vnc';
      await page.type(text);
      const expected = scancodesOf(text);
      await page.sees(
        ({ state }) => state.scancodes.slice(-expected.length).join() === expected.slice(-16).join(),
      );
      const dump = join(dir, `${way}.ppm`);
      await waitFor('the picture of the guest, pixel for pixel', async () => {
        await guests[way].qmp('screendump', { filename: dump });
        const screen = await page.screen();
        return screen !== null && differingPixels(screen, readPpm(readFileSync(dump))) === 0;
      });
      await waitFor('a guest that takes sizes', () =>
        page.page.locator('button', { hasText: 'Resize the desktop' }).isEnabled(),
      );
      const channels = (await lab.kerbside.sessions())[session]?.channels ?? [];
      expect(channels.map(({ channel_type }) => channel_type)).toEqual(['main']);
      expect(page.console.filter((line) => /Content Security Policy|pageerror/.test(line))).toEqual([]);
    },
  );

  it('is ended at once where its session is terminated, and the page says so', async () => {
    const { page, session } = await open(WAYS.plain);
    await page.sees();
    await lab.kerbside.terminate(session);
    expect(await page.said()).toMatch(/^This desktop session was ended\n[^]*Ended: /);
    expect(await lab.kerbside.audit(SOURCE, WAYS.plain)).toContain('Session terminated by request');
  });

  it('comes back when its page is loaded again, without a secret in the URL', async () => {
    const { page, href } = await open(WAYS.plain);
    await page.sees();
    expect(page.page.url()).toBe(`${origin}/vnc_lite.html`);
    await page.page.reload();
    await page.sees();
    expect(page.page.url()).toBe(`${origin}/vnc_lite.html`);
    const stale = await visit(href);
    expect(await stale.page.locator('h1').innerText()).toBe('This console link is not valid any more');
  });

  it('whose password is wrong is explained, and its audit names the reason', async () => {
    const { page } = await open(WAYS.wrongPassword);
    expect(await page.said()).toContain('cannot be reached');
    const audit = await waitFor('the reason in the audit', async () => {
      const messages = (await lab.kerbside.audit(SOURCE, WAYS.wrongPassword)).join('\n');
      return messages.includes('the VNC server refuses: Authentication failed') ? messages : null;
    });
    expect(audit).not.toContain('sesame');
  });
});

it('a SPICE console opened as VNC, and a VNC console as SPICE, say that another viewer is needed', async () => {
  const [spice, vnc] = await Promise.all(
    [WAYS.spice, WAYS.plain].map(async (uuid) =>
      linkOf(await openConsole(lab.kerbside, SOURCE, uuid), 'console_browser'),
    ),
  );
  const asVnc = await visit(spice!.replace('spice_auto', 'vnc_lite'));
  expect(await asVnc.said()).toContain('This desktop opens with another viewer');
  const asSpice = await visit(vnc!.replace('vnc_lite', 'spice_auto'));
  await waitFor('the reason in the audit', async () =>
    (await lab.kerbside.audit(SOURCE, WAYS.plain)).some((message) => message.includes('other protocol')),
  );
  expect(await asSpice.said()).toContain('This desktop opens with another viewer');
});

it('no .vv file is made of a VNC console', async () => {
  const { status, body } = await lab.kerbside.api('GET', `/console/proxy/${SOURCE}/${WAYS.plain}/console.vv`);
  expect([status, body]).toEqual([409, expect.stringContaining('speaks VNC')]);
});
