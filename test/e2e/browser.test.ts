// SPDX-License-Identifier: Apache-2.0
// A desktop in a browser: Chromium, the client of Debian's spice-html5, kerbside with its HTML5 proxy, and a QEMU.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { scancodesOf } from '../boot-target/decode.js';
import { differingPixels, readPpm } from '../boot-target/image.js';
import { SpicePage, startChromium } from '../fixtures/chromium.js';
import { CONSOLE, type Lab, SOURCE, startLab } from '../fixtures/lab.js';
import { freePort, waitFor } from '../fixtures/program.js';
import type { VvFile } from '../fixtures/vv-file.js';

jest.setTimeout(180_000);

const dir = mkdtempSync(join(tmpdir(), 'kerbside-e2e-'));
const pages: SpicePage[] = [];
let lab: Lab;
let browser: Browser;
let origin: string;

beforeAll(async () => {
  const port = await freePort();
  origin = `http://127.0.0.1:${port}`;
  const env = {
    OS_HTML5PROXY__ENABLED: 'true',
    OS_HTML5PROXY__ADDRESS: '127.0.0.1',
    OS_HTML5PROXY__PORT: `${port}`,
    OS_PROXY__PROXY_PROTOCOL_FROM: '127.0.0.1',
  };
  const labDir = join(dir, 'lab');
  mkdirSync(labDir);
  [lab, browser] = await Promise.all([startLab({ dir: labDir, env }), startChromium()]);
});
afterEach(async () => {
  await Promise.all(pages.splice(0).map((page) => page.close()));
});
afterAll(async () => {
  await Promise.all([browser.close(), lab.stop()]);
  rmSync(dir, { recursive: true, force: true });
});

/** A fresh token for the guest's console. */
function fresh(): Promise<VvFile> {
  return waitFor('console in Kerbside', () => lab.kerbside.vv(SOURCE, CONSOLE), { everyMs: 200 });
}

/** Keeps what is seen for people: KERBSIDE_SCREENSHOTS names the folder. */
async function keep({ page }: SpicePage, name: string): Promise<void> {
  const folder = process.env['KERBSIDE_SCREENSHOTS'];
  if (folder !== undefined) await page.screenshot({ path: join(folder, name) });
}

/** Opens a link as a dashboard makes it. */
async function open(token: string, query = ''): Promise<SpicePage> {
  const page = await SpicePage.open(browser, `${origin}/spice_auto.html?token=${token}${query}`);
  pages.push(page);
  return page;
}

it('a link opens a desktop: its picture, pixel for pixel, and what is typed comes back', async () => {
  const vv = await fresh();
  const page = await open(vv.password);
  await page.sees();
  const text = 'hello from a browser';
  await page.type(text);
  const expected = scancodesOf(text);
  await page.sees(
    ({ state }) => state.scancodes.slice(-expected.length).join() === expected.slice(-16).join(),
  );
  const typed = lab.guest.serial().filter((line) => line.startsWith('KEY '));
  expect(typed.map((line) => parseInt(line.slice(4), 16)).slice(-expected.length)).toEqual(expected);
  const dump = join(dir, 'screendump.ppm');
  // A screen comes in parts: the part that shows the keys may be there before the others.
  await waitFor('the picture of the guest, pixel for pixel', async () => {
    await lab.guest.qmp('screendump', { filename: dump });
    const screen = await page.screen();
    return screen !== null && differingPixels(screen, readPpm(readFileSync(dump))) === 0;
  });
  await keep(page, 'browser.png');

  const session = (await lab.kerbside.sessions())[lab.kerbside.sessionId(vv)];
  expect(session?.channels.map(({ channel_type }) => channel_type).sort()).toEqual([
    'cursor',
    'display',
    'inputs',
    'main',
  ]);
  expect(page.console.filter((line) => /Content Security Policy|pageerror/.test(line))).toEqual([]);
});

it('what stands in the title of a link does not run', async () => {
  const { password } = await fresh();
  const evil = encodeURIComponent(
    '<img src=x onerror="window.owned = 1"><script>window.owned = 1</script>desk (1)',
  );
  const page = await open(password, `&title=${evil}&host=evil.example.org&port=1`);
  await page.sees();
  expect(await page.page.locator('#hostname').innerText()).toContain('desk');
  expect(await page.page.evaluate<boolean>("'owned' in window")).toBe(false);
  expect(page.console.filter((line) => /Content Security Policy|pageerror/.test(line))).toEqual([]);
  expect(page.page.url()).toBe(`${origin}/spice_auto.html`);
});

it('a link without a token, and a page whose token is refused, say so', async () => {
  await fresh();
  const absent = await open('');
  expect(await absent.said()).toContain('This link has no console token');
  const refused = await open('x'.repeat(48));
  expect(await refused.said()).toContain('This console link is not valid any more');
  expect([refused.dialogs, await refused.screen()]).toEqual([[], null]);
});

it('terminating the session ends it on the page at once, which says so; loading it again, too', async () => {
  const vv = await fresh();
  const page = await open(vv.password);
  await page.sees();
  await waitFor('all four channels', () => page.open === 4);
  await lab.kerbside.terminate(lab.kerbside.sessionId(vv));
  await waitFor('the end of all WebSockets', () => page.open === 0);
  expect(await page.said()).toMatch(/^This desktop session was ended\n[^]*Ended: /);
  await keep(page, 'browser-ended.png');
  expect(await lab.kerbside.audit(SOURCE, CONSOLE)).toContain('Session terminated by request');
  await Promise.all([page.page.waitForEvent('load'), page.page.keyboard.press('Enter')]);
  expect(await page.said()).toContain('This desktop session was ended');
});

it('a machine whose host does not answer is named, and one that ends', async () => {
  const vv = await fresh();
  const page = await open(vv.password);
  await page.sees();
  await lab.guest.stop();
  expect(await page.said()).toMatch(/The machine closed its screen|cannot be reached/);
  const late = await open((await fresh()).password);
  expect(await late.said()).toContain('The screen of the machine cannot be reached');
});
