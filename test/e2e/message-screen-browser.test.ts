// SPDX-License-Identifier: Apache-2.0
// Message screens in a browser: Chromium, the client of Debian's spice-html5, kerbside with its HTML5 proxy, and a QEMU.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { drawScreen } from '../../src/console/message-screen/picture.js';
import { screenText } from '../../src/console/message-screen/screen-text.js';
import type { Explained } from '../../src/service/explanation.js';
import { differingPixels, type Image } from '../boot-target/image.js';
import { SpicePage, startChromium } from '../fixtures/chromium.js';
import { imageOf } from '../fixtures/indexed-picture.js';
import {
  CONSOLE,
  CONSOLE_NAME,
  guestConsole,
  type Lab,
  SOURCE,
  startLab,
  staticSource,
} from '../fixtures/lab.js';
import { freePort, waitFor } from '../fixtures/program.js';
import type { VvFile } from '../fixtures/vv-file.js';

jest.setTimeout(180_000);

const SCREEN_TIME = 20;
/** A console whose hypervisor is away. */
const DEAD = 'b7c1d9f4-7a5e-4b0a-8b6e-3c9a2f51d604';
const dir = mkdtempSync(join(tmpdir(), 'kerbside-e2e-'));
const pages: SpicePage[] = [];
let lab: Lab;
let browser: Browser;
let origin: string;

beforeAll(async () => {
  const port = await freePort();
  const deadPort = await freePort();
  origin = `http://127.0.0.1:${port}`;
  const env = {
    OS_HTML5PROXY__ENABLED: 'true',
    OS_HTML5PROXY__ADDRESS: '127.0.0.1',
    OS_HTML5PROXY__PORT: `${port}`,
    OS_PROXY__PROXY_PROTOCOL_FROM: '127.0.0.1',
    OS_CONSOLE__MESSAGE_SCREEN: 'on',
    OS_CONSOLE__MESSAGE_SCREEN_TIME: String(SCREEN_TIME),
  };
  const labDir = join(dir, 'lab');
  mkdirSync(labDir);
  const sources: Parameters<typeof startLab>[0]['sources'] = (guest) => [
    staticSource([guestConsole(guest), guestConsole(guest, { uuid: DEAD, insecure_port: deadPort })]),
  ];
  [lab, browser] = await Promise.all([startLab({ dir: labDir, env, sources }), startChromium()]);
});
afterEach(async () => {
  await Promise.all(pages.splice(0).map((page) => page.close()));
});
afterAll(async () => {
  await Promise.all([browser.close(), lab.stop()]);
  rmSync(dir, { recursive: true, force: true });
});

async function open(uuid: string): Promise<{ page: SpicePage; vv: VvFile }> {
  const vv = await waitFor('console in Kerbside', () => lab.kerbside.vv(SOURCE, uuid), { everyMs: 200 });
  const page = await SpicePage.open(browser, `${origin}/spice_auto.html?token=${vv.password}`);
  pages.push(page);
  return { page, vv };
}

/** Whether a canvas shows the screen about this, pixel for pixel: the time on it is that of a minute. */
function isScreen(shown: Image, about: Explained, vv: VvFile): boolean {
  const sessionId = lab.kerbside.sessionId(vv);
  return [0, 1].some((minutes) => {
    const text = screenText(
      { about, sessionId, name: CONSOLE_NAME },
      Date.now() - minutes * 60_000,
      SCREEN_TIME,
    );
    return differingPixels(imageOf(drawScreen(text, shown)), shown) === 0;
  });
}

function shows(page: SpicePage, about: Explained, vv: VvFile): Promise<boolean> {
  return waitFor(`the screen about ${about} on the page`, async () => {
    const shown = await page.screen();
    return shown !== null && isScreen(shown, about, vv);
  });
}

it('a console whose hypervisor is away shows its reason on the page', async () => {
  const { page, vv } = await open(DEAD);
  expect(await shows(page, 'unreachable', vv)).toBe(true);
});

it('a desktop that an administrator ends shows why on the page, and the page says it after that', async () => {
  const { page, vv } = await open(CONSOLE);
  await page.sees();
  await waitFor('all four channels', () => page.open === 4);
  expect((await lab.kerbside.terminate(lab.kerbside.sessionId(vv))).status).toBe(200);
  expect(await shows(page, 'terminated', vv)).toBe(true);
  expect(await page.said()).toContain('This desktop session was ended');
  expect(page.console.filter((line) => line.startsWith('pageerror'))).toEqual([]);
});
