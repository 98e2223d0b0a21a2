// SPDX-License-Identifier: Apache-2.0
// Horizon with its plugin in Chromium: people sign in at Debian's Horizon, and open the desktop of an instance with a viewer and in
// the browser, through the built kerbside and, where the catalog has none, through Nova. The cloud and its hypervisor are fakes.
// KERBSIDE_SCREENSHOTS names a folder for pictures (tox-style-scripts/screenshots).
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { startChromium } from '../fixtures/chromium.js';
import { Cloud, SERVICE_PASSWORD } from '../fixtures/cloud.js';
import { startHorizon, type Horizon } from '../fixtures/horizon.js';
import { Site } from '../fixtures/kerbside.js';
import { startNeutron } from '../fixtures/neutron.js';
import type { FakeServer } from '../fixtures/nova.js';
import { freePort, waitFor } from '../fixtures/program.js';
import { encodeMessage } from '../fixtures/spice-messages.js';
import { SERVER_MESSAGE } from '../../src/console/spice/message-types.js';
import { parseVvFile, type VvFile } from '../fixtures/vv-file.js';
import { WireServer } from '../fixtures/wire-server.js';

jest.setTimeout(240_000);

const PASSWORD = 'the password of ann';
const SHOTS = process.env['KERBSIDE_SCREENSHOTS'];
const contexts: BrowserContext[] = [];
let folder: string;
let cloud: Cloud;
let neutron: WireServer;
/** What Nova's URLs lead to: the address of the service, which is known later than they are. */
let direct: WireServer;
let site: Site;
let horizon: Horizon;
let browser: Browser;
let desktop: FakeServer;
let stopped: FakeServer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kerbside-horizon-'));
  const html5 = await freePort();
  const browserUrl = `http://127.0.0.1:${String(html5)}`;
  direct = await WireServer.start(
    ({ path, query }) => ({
      status: 302,
      headers: { Location: `${site.kerbside.apiUrl}${path}?${query.toString()}` },
    }),
    (status) => ({ status }),
  );
  cloud = await Cloud.start({
    directUrl: `${direct.origin}/nova`,
    html5Url: `${browserUrl}/spice_auto.html`,
  });
  neutron = await startNeutron(cloud.keystone);
  site = await Site.start({
    ...cloud.serviceOptions(),
    OS_API__TRUSTED_PROXIES: '127.0.0.1',
    OS_HTML5PROXY__ENABLED: 'true',
    OS_HTML5PROXY__ADDRESS: '127.0.0.1',
    OS_HTML5PROXY__PORT: String(html5),
    OS_HTML5PROXY__PUBLIC_URL: browserUrl,
    OS_PROXY__CONTROL_TIMEOUT: '3',
  });
  await site.source({
    ...{ source: 'cloud', type: 'openstack', url: cloud.keystone.url, username: 'kerbside' },
    ...{ password: SERVICE_PASSWORD, project_name: 'service' },
  });
  inCatalog();
  cloud.keystone.addAccount('ann', PASSWORD, cloud.project, 'member', 'reader');
  cloud.keystone.addAccount('rob', PASSWORD, cloud.project, 'reader');
  desktop = cloud.server({ name: 'reception', tlsPort: null });
  stopped = cloud.server({ name: 'archive', status: 'SHUTOFF' });
  [horizon, browser] = await Promise.all([startHorizon(folder, cloud.keystone.url), startChromium()]);
});
// An instance whose guest shows its UUID.
beforeEach(async () => {
  const bytes = Buffer.from(desktop.id.replaceAll('-', ''), 'hex');
  const uuid = encodeMessage(SERVER_MESSAGE.main.UUID, bytes, { miniHeader: true });
  const { host, plainPort: port } = await site.hypervisor({ password: '', greeting: { main: uuid } });
  Object.assign(desktop, { host, port });
});
afterEach(async () => {
  await Promise.all(contexts.splice(0).map((context) => context.close()));
  await site.tidy();
});
afterAll(async () => {
  await browser.close();
  await horizon.stop();
  await Promise.all([site.stop(), neutron.close(), direct.close()]);
  await cloud.close();
  rmSync(folder, { recursive: true, force: true });
});

function inCatalog(): void {
  cloud.keystone.directory.addService('console', 'kerbside', site.kerbside.apiUrl);
}

/** Somebody's own browser, signed in and at a place of Horizon. */
async function at(place: string, name = 'ann'): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  contexts.push(context);
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  await page.goto(`${horizon.url}/auth/login/?next=${place}`);
  await page.locator('#id_username').fill(name);
  await page.locator('#id_password').fill(PASSWORD);
  await page.locator('#loginBtn').click();
  await page.waitForURL((url) => url.pathname.startsWith('/project/'));
  return page;
}

const INSTANCES = '/project/instances/';
const place = ({ id }: FakeServer): string => `${INSTANCES}${id}/`;
const tabOf = (server: FakeServer): string => `${place(server)}?tab=instance_details__desktop`;
const row = (page: Page, { id }: FakeServer) => page.locator(`tr[data-object-id="${id}"]`);
const tab = (page: Page, name: string) => page.locator('.nav-tabs a', { hasText: name });
const action = (page: Page, server: FakeServer) => row(page, server).locator('a[id$="action_desktop"]');

async function shot(page: Page, name: string): Promise<void> {
  if (SHOTS !== undefined) await page.screenshot({ path: join(SHOTS, `${name}.png`) });
}

/** The .vv file that a click brings. */
async function downloaded(page: Page, click: () => Promise<void>): Promise<VvFile> {
  const [download] = await Promise.all([page.waitForEvent('download'), click()]).catch(
    async (error: unknown) => {
      const said = await page.locator('body').innerText();
      throw new Error(`no file; ${page.url()} says: ${said.slice(0, 2000)}`, { cause: error });
    },
  );
  expect(download.suggestedFilename()).toBe('console.vv');
  return parseVvFile(readFileSync(await download.path(), 'utf8'));
}

async function connects(vv: VvFile): Promise<void> {
  const client = await site.client(desktop.id, {}, vv);
  expect((await client.openMain()).linked).toBe(true);
}

it('one click in the list of instances brings a .vv file that connects', async () => {
  const page = await at(INSTANCES);
  await row(page, desktop).locator('.dropdown-toggle').click();
  await shot(page, 'horizon-instances');
  await connects(await downloaded(page, () => action(page, desktop).click()));
  // The list is there as before, with all of its buttons.
  expect(new URL(page.url()).pathname).toBe(INSTANCES);
  expect(await action(page, stopped).count()).toBe(0);
  const audit = await site.kerbside.audit('cloud', desktop.id);
  expect(audit.length).toBeGreaterThan(0);
});

it('the tab opens the desktop with a viewer and in the browser; the other tabs are what they were', async () => {
  const page = await at(place(desktop));
  expect(await page.locator('.nav-tabs a').allInnerTexts()).toEqual(
    expect.arrayContaining(['Overview', 'Log', 'Console', 'Desktop']),
  );
  await tab(page, 'Desktop').click();
  const open = page.getByRole('link', { name: 'Open desktop', exact: true });
  await open.waitFor();
  await shot(page, 'horizon-tab');
  await connects(await downloaded(page, () => open.click()));
  await site.tidy();
  const [popup] = await Promise.all([
    page.waitForEvent('popup'),
    page.getByRole('link', { name: 'Open in browser', exact: true }).click(),
  ]);
  await popup.waitForURL((url) => url.pathname === '/spice_auto.html');
  await waitFor('a session in the browser', async () => (await site.sessionIds()).length > 0);
});

it('a stopped instance says so, and what to do', async () => {
  const page = await at(tabOf(stopped));
  await page
    .getByRole('alert')
    .getByText('The instance is stopped. Start it, then open its desktop.')
    .waitFor();
  await shot(page, 'horizon-stopped');
  expect(await page.getByRole('link', { name: 'Open desktop', exact: true }).count()).toBe(0);
});

it('an instance that stops between the page and the click says so on its tab', async () => {
  const page = await at(INSTANCES);
  await row(page, desktop).locator('.dropdown-toggle').click();
  desktop.status = 'SHUTOFF';
  try {
    await action(page, desktop).click();
    await page.waitForURL((url) => url.search.includes('desktop'));
    await page.getByText('The instance is stopped. Start it, then open its desktop.').waitFor();
    await page.locator('.messages .alert-danger').getByText('The instance is not ready').waitFor();
  } finally {
    desktop.status = 'ACTIVE';
  }
});

it('a desktop that somebody else has open can be taken over', async () => {
  const page = await at(tabOf(desktop));
  const open = page.getByRole('link', { name: 'Open desktop', exact: true });
  const first = await site.client(desktop.id, {}, await downloaded(page, () => open.click()));
  const main = await first.openMain();
  const [before = ''] = await site.sessionIds();
  const other = await at(tabOf(desktop));
  await other.getByRole('link', { name: 'Open desktop', exact: true }).click();
  await other.getByText('Somebody else has this desktop open.').waitFor();
  await shot(other, 'horizon-in-use');
  const take = other.getByRole('button', { name: 'Take it over' });
  const second = await site.client(desktop.id, {}, await downloaded(other, () => take.click()));
  expect((await second.openMain()).linked).toBe(true);
  await main.closed;
  expect(await site.sessionIds()).not.toContain(before);
});

it('a user who may only look has no button, and an address typed by hand opens nothing', async () => {
  const page = await at(INSTANCES, 'rob');
  await row(page, desktop).waitFor();
  expect(await action(page, desktop).count()).toBe(0);
  await page.goto(`${horizon.url}${place(desktop)}`);
  await tab(page, 'Overview').waitFor();
  expect(await tab(page, 'Desktop').count()).toBe(0);
  expect(await site.sessionIds()).toEqual([]);
});

it('a page of another site opens nothing', async () => {
  const page = await at(INSTANCES);
  cloud.nova.server.forget();
  await page.route('http://evil.example/**', (route) =>
    route.fulfill({
      contentType: 'text/html',
      body: `<a href="${horizon.url}${place(desktop)}desktop/">win</a>`,
    }),
  );
  await page.goto('http://evil.example/');
  await page.getByText('win').click();
  // Led to the tab, where a click of the user's own would open it.
  await page.getByRole('link', { name: 'Open desktop', exact: true }).waitFor();
  expect(cloud.nova.server.requests.filter(({ path }) => path.endsWith('/remote-consoles'))).toEqual([]);
});

it('without a login the address leads to the sign-in', async () => {
  const answer = await fetch(`${horizon.url}${place(desktop)}desktop/`, { redirect: 'manual' });
  expect(answer.status).toBe(302);
  expect(answer.headers.get('location')).toContain('/auth/login/');
});

it('while Kerbside does not answer the tab says so', async () => {
  const { directory } = cloud.keystone;
  directory.removeService('console');
  directory.addService('console', 'kerbside', `http://127.0.0.1:${String(await freePort())}`);
  try {
    const page = await at(tabOf(desktop));
    await page.getByRole('alert').getByText('The console service does not answer.').waitFor();
    await shot(page, 'horizon-away');
  } finally {
    directory.removeService('console');
    inCatalog();
  }
});

it('without Kerbside in the catalog Nova is asked, and its URL brings the same', async () => {
  cloud.keystone.directory.removeService('console');
  try {
    const page = await at(tabOf(desktop));
    cloud.nova.server.forget();
    await connects(
      await downloaded(page, () => page.getByRole('link', { name: 'Open desktop', exact: true }).click()),
    );
    const asked = cloud.nova.server.requests.find(({ path }) => path.endsWith('/remote-consoles'));
    expect(asked?.headers['openstack-api-version']).toBe('compute 2.99');
    expect(asked?.body).toContain('spice-direct');
  } finally {
    inCatalog();
  }
});
