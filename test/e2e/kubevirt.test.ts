// SPDX-License-Identifier: Apache-2.0
// A desktop of KubeVirt in a browser: Chromium, noVNC, kerbside with its HTML5 proxy, an API that speaks as the cluster's does, and a
// real QEMU with -vnc behind its WebSocket.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { scancodesOf } from '../boot-target/decode.js';
import { differingPixels, readPpm } from '../boot-target/image.js';
import { makeAuthority } from '../fixtures/authority.js';
import { linkOf, openConsole } from '../fixtures/browser-link.js';
import { SpicePage, startChromium } from '../fixtures/chromium.js';
import { FakeKubeVirt, type FakeMachine } from '../fixtures/kubevirt.js';
import { type Lab, startLab } from '../fixtures/lab.js';
import { freePort, waitFor } from '../fixtures/program.js';

jest.setTimeout(180_000);

const SOURCE = 'k8s';
const TOKEN = 'token-of-the-account';
const dir = mkdtempSync(join(tmpdir(), 'kerbside-e2e-'));
let lab: Lab;
let browser: Browser;
let k8s: FakeKubeVirt;
let machine: FakeMachine;

beforeAll(async () => {
  const authority = await makeAuthority(join(dir, 'k8s-pki'), 'O=Lab,CN=Cluster CA');
  const api = await authority.issue('api', { subject: 'CN=kubernetes', names: ['IP:127.0.0.1'] });
  k8s = await FakeKubeVirt.start({
    cert: readFileSync(api.certFile, 'utf8'),
    key: readFileSync(api.keyFile, 'utf8'),
  });
  k8s.tokens.set(TOKEN, { list: true, vnc: true });
  const port = await freePort();
  const labDir = join(dir, 'lab');
  mkdirSync(labDir);
  [lab, browser] = await Promise.all([
    startLab({
      dir: labDir,
      guest: { vga: 'std', vnc: {}, password: null },
      env: {
        OS_HTML5PROXY__ENABLED: 'true',
        OS_HTML5PROXY__ADDRESS: '127.0.0.1',
        OS_HTML5PROXY__PORT: `${port}`,
        OS_HTML5PROXY__PUBLIC_URL: `http://127.0.0.1:${port}`,
        OS_PROXY__PROXY_PROTOCOL_FROM: '127.0.0.1',
      },
      sources: (guest) => {
        machine = k8s.add({ vnc: { host: guest.address, port: guest.port ?? 0 } });
        const ca = readFileSync(authority.caFile, 'utf8');
        return [{ source: SOURCE, type: 'kubevirt', url: k8s.url, token: TOKEN, ca_cert: ca }];
      },
    }),
    startChromium(),
  ]);
  await waitFor('the console in Kerbside', async () => {
    const { status } = await lab.kerbside.api('GET', `/console/${SOURCE}/${machine.uid}/audit`);
    return status === 200;
  });
});
afterAll(async () => {
  await Promise.all([browser.close(), lab.stop()]);
  await k8s.close();
  rmSync(dir, { recursive: true, force: true });
});

it('a desktop of KubeVirt: its picture, pixel for pixel, what is typed comes back, and it ends with its session', async () => {
  const opened = await openConsole(lab.kerbside, SOURCE, machine.uid);
  const page = await SpicePage.open(browser, linkOf(opened, 'console_browser'));
  await page.sees();
  const text = 'hello kubevirt';
  await page.type(text);
  const expected = scancodesOf(text);
  await page.sees(
    ({ state }) => state.scancodes.slice(-expected.length).join() === expected.slice(-16).join(),
  );
  const dump = join(dir, 'screen.ppm');
  await waitFor('the picture of the guest, pixel for pixel', async () => {
    await lab.guest.qmp('screendump', { filename: dump });
    const screen = await page.screen();
    return screen !== null && differingPixels(screen, readPpm(readFileSync(dump))) === 0;
  });
  await lab.kerbside.terminate(opened.session_id);
  expect(await page.said()).toMatch(/^This desktop session was ended\n/);
  await waitFor('the WebSocket of the cluster is closed', () => k8s.sockets.size === 0);
  expect(await lab.kerbside.audit(SOURCE, machine.uid)).toContain('Session terminated by request');
  await page.close();
});
