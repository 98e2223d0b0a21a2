// SPDX-License-Identifier: Apache-2.0
// The admin UI in Chromium, on the built kerbside with fake hypervisors: signing in, searching, opening and ending desktops, and
// every page in light and dark, on a desk and on a phone. KERBSIDE_SCREENSHOTS names a folder for pictures of them
// (tox-style-scripts/screenshots).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { aConsole } from '../fixtures/api-site.js';
import { startChromium } from '../fixtures/chromium.js';
import { Site, SOURCE, type Desk } from '../fixtures/kerbside.js';
import { telling, type WireDaemon } from '../fixtures/libvirt-wire.js';
import { freePort, waitFor } from '../fixtures/program.js';
import { parseVvFile } from '../fixtures/vv-file.js';
import { UiPage } from '../fixtures/ui-page.js';
import { AuditEvents } from '../../src/objects/audit-event.js';
import { Consoles } from '../../src/objects/console.js';
import { Sources } from '../../src/objects/source.js';
import { Users } from '../../src/objects/user.js';

jest.setTimeout(180_000);

const PASSWORD = 'the password of root';
const EVIL = '<img src=x onerror="window.owned = 1">';
const EVIL_XML = EVIL.replace('<', '&lt;');
const LIBVIRT_GUEST = '33333333-3333-4333-8333-333333333333';
const pages: UiPage[] = [];
let site: Site;
let browser: Browser;
let desk: Desk;
let libvirt: WireDaemon;

beforeAll(async () => {
  const port = await freePort();
  browser = await startChromium();
  site = await Site.start({
    OS_API__TRUSTED_PROXIES: '127.0.0.1',
    OS_HTML5PROXY__ENABLED: 'true',
    OS_HTML5PROXY__ADDRESS: '127.0.0.1',
    OS_HTML5PROXY__PORT: `${port}`,
    OS_HTML5PROXY__PUBLIC_URL: `http://127.0.0.1:${port}/`,
  });
  const db = await site.database();
  await new Users(db).create('root', PASSWORD, { admin: true });
  desk = await site.desk({}, { name: 'reception-01', concurrent_sessions: 'refuse' });
  const rows = Array.from({ length: 120 }, (_, n) => ({
    name: `office-${String(n).padStart(3, '0')}`,
    insecure_port: 5900,
  }));
  await site.consoles(...rows, { name: EVIL, insecure_port: 5900 });
  await aDay(db);
  await new AuditEvents(db).record({ source: SOURCE, uuid: desk.uuid, message: `Noted ${EVIL}` });
  await db.close();
  libvirt = await telling([
    {
      ...{ name: EVIL, uuid: LIBVIRT_GUEST },
      xml: `<domain><name>${EVIL_XML}</name><uuid>${LIBVIRT_GUEST}</uuid><title>${EVIL_XML}\u202e\n%0a${'W'.repeat(5000)}</title><devices><graphics type='spice' port='5900' listen='127.0.0.1'/></devices></domain>`,
    },
  ]);
  await site.source({ source: 'kvm', type: 'libvirt', uri: libvirt.uri } as { source: string });
});
afterEach(async () => {
  await Promise.all(pages.splice(0).map((page) => page.close()));
});
afterAll(async () => {
  await Promise.all([browser.close(), site.stop()]);
  await libvirt.close();
});

/** What channels carried, and who was refused, in the last hours. */
async function aDay(db: Awaited<ReturnType<Site['database']>>): Promise<void> {
  const now = Date.now() / 1000;
  for (let hours = 0; hours < 24; hours += 1) {
    const at = now - hours * 3600;
    const bytes = Math.round(4e9 * (1 + Math.sin(hours / 4)));
    await db.execute(
      'INSERT INTO console_connections (connection_ref, session_id, generation, node, pid, created, client_ip, client_port, ' +
        'channel_type, channel_id, state, closed, bytes_up, bytes_down) ' +
        "VALUES (?, ?, 1, 'node', 1, ?, '192.0.2.1', 1, 1, 0, 'closed', ?, ?, ?)",
      [`past-${hours}`, `past${hours}`, at, at, Math.round(bytes / 50), bytes],
    );
    const refused = Array.from({ length: (hours * 5) % 7 }, () => ({
      ...{ source: SOURCE, uuid: desk.uuid, timestamp: at },
      message: 'Channel refused: the token has expired',
    }));
    await new AuditEvents(db).recordMany(refused);
  }
}

async function open(options: Parameters<typeof UiPage.open>[2] = {}): Promise<UiPage> {
  const ui = await UiPage.open(browser, site.kerbside.apiUrl, options);
  pages.push(ui);
  return ui;
}

async function signedIn(options: Parameters<typeof UiPage.open>[2] = {}): Promise<UiPage> {
  const ui = await open(options);
  await ui.signIn('root', PASSWORD);
  await ui.page.getByRole('navigation').waitFor();
  return ui;
}

it('a wrong password says so; the right one leads to the page that was asked for', async () => {
  const ui = await open();
  await ui.page.goto(`${site.kerbside.apiUrl}/session`);
  await ui.signIn('root', 'wrong');
  await ui.page.getByRole('alert').getByText('The user name or the password is wrong.').waitFor();
  await ui.signIn('root', PASSWORD);
  await ui.page.getByRole('heading', { name: 'Sessions', exact: true }).waitFor();
  await ui.page.getByRole('button', { name: 'Sign out' }).click();
  await ui.page.getByLabel('Username').waitFor();
});

it('a search finds by a part of the name, in order, and remembers what it looked for', async () => {
  const ui = await signedIn();
  await ui.go('#/consoles');
  await ui.page.getByLabel('Name contains').fill('CE-01');
  await waitFor('the search', async () => (await ui.names())[0] === 'office-010');
  expect(await ui.names()).toHaveLength(10);
  await ui.page.getByRole('button', { name: 'Name' }).click();
  await waitFor('the other order', async () => (await ui.names())[0] !== 'office-010');
  expect((await ui.names()).at(-1)).toBe('office-010');
  await ui.page.reload();
  await waitFor('the same after loading it again', async () => (await ui.names()).at(-1) === 'office-010');
  await ui.page.getByLabel('Name contains').fill('nothing');
  await ui.page.getByText('No console matches').waitFor();
  await ui.page.getByRole('button', { name: 'Clear the search' }).click();
  await waitFor('the first page', async () => (await ui.names()).length === 50);
  await ui.page.getByRole('button', { name: 'Show more' }).click();
  await waitFor('the second page', async () => (await ui.names()).length === 100);
});

it('a search of 10,000 consoles finds one, in a moment, and pages stay small', async () => {
  const db = await site.database();
  // What another source has found, which nobody asks again.
  await new Sources(db).upsert({ name: 'campus', type: 'static' });
  await new Consoles(db).reconcile(
    'campus',
    Array.from({ length: 10_000 }, (_, n) =>
      aConsole({
        uuid: `00000000-0000-4000-8001-${String(n).padStart(12, '0')}`,
        name: `seat-${String(n).padStart(5, '0')}`,
      }),
    ),
  );
  await db.close();
  const ui = await signedIn();
  await ui.go('#/consoles');
  await waitFor('a page', async () => (await ui.names()).length === 50);
  const before = performance.now();
  await ui.page.getByLabel('Name contains').fill('AT-0777');
  await waitFor('what was looked for', async () => (await ui.names()).length === 10);
  // A person takes it for at once; the machine of a test may be slow.
  expect(performance.now() - before).toBeLessThan(10_000);
  expect((await ui.names())[0]).toBe('seat-07770');
  await ui.page.getByLabel('Name contains').fill('seat');
  await ui.page.getByRole('button', { name: 'Name' }).click();
  await waitFor('the last one first', async () => (await ui.names())[0] === 'seat-09999');
  for (const shown of [100, 150]) {
    await ui.page.getByRole('button', { name: 'Show more' }).click();
    await waitFor(`${shown} rows`, async () => (await ui.names()).length === shown);
  }
  expect((await ui.names()).at(-1)).toBe('seat-09850');
  expect(ui.complaints).toEqual([]);
});

it('what is written in names and audit events does not run', async () => {
  const ui = await signedIn();
  await ui.go('#/consoles?name=img');
  const fromLibvirt = `${EVIL} %0a${'W'.repeat(5000)}`.slice(0, 255);
  expect((await ui.names()).sort()).toEqual([EVIL, fromLibvirt]);
  await ui.go(`#/consoles/kvm/${LIBVIRT_GUEST}`);
  await ui.page.getByText(fromLibvirt).first().waitFor();
  expect(await ui.overhang()).toBe(0);
  await ui.go(`#/consoles/${SOURCE}/${desk.uuid}`);
  await ui.page.getByText(`Noted ${EVIL}`).waitFor();
  expect(await ui.page.evaluate<boolean>("'owned' in window")).toBe(false);
});

it('what data may enter and leave a desktop is told with who says so', async () => {
  const ui = await signedIn();
  await ui.go(`#/consoles/${SOURCE}/${desk.uuid}`);
  const rows = ui.page.getByRole('table', { name: 'Guest data policy' }).getByRole('row');
  await rows
    .filter({ hasText: 'USB devices' })
    .filter({ hasText: 'any' })
    .filter({ hasText: 'the deployment' })
    .waitFor();
  expect(await rows.count()).toBe(10);
});

it('a desktop is opened, is seen live, and is ended in two steps', async () => {
  const ui = await signedIn();
  await ui.go('#/consoles?name=reception');
  const [download] = await Promise.all([
    ui.page.waitForEvent('download'),
    ui.page.getByRole('button', { name: 'Open desktop' }).click(),
  ]);
  const vv = parseVvFile(readFileSync(await download.path(), 'utf8'));
  await ui.go('#/sessions');
  await ui.page.getByText('Nobody is at a desktop right now.').waitFor();
  await ui.page.getByText('Live', { exact: true }).first().waitFor();
  const client = await site.client(desk.uuid, {}, vv);
  await client.openMain();
  await ui.page.getByRole('link', { name: 'reception-01' }).waitFor();
  await ui.page.getByRole('button', { name: 'End session' }).click();
  const dialog = ui.page.getByRole('alertdialog');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await dialog.waitFor({ state: 'detached' });
  expect(await site.sessionIds()).toEqual([client.session]);
  await ui.page.getByRole('button', { name: 'End session' }).click();
  await dialog.getByRole('button', { name: 'End session' }).click();
  await ui.page.getByText('The session of root at reception-01 has been ended.').waitFor();
  await ui.page.getByText('Nobody is at a desktop right now.').waitFor();
  await waitFor('the end', async () => (await site.sessionIds()).length === 0);
  expect(await site.auditOf(desk.uuid)).toContain('Session terminated by request');
  expect(ui.complaints).toEqual([]);
});

it('a desktop that somebody else has is taken over in two steps', async () => {
  const holder = await site.client(desk.uuid);
  await holder.openMain();
  const ui = await signedIn();
  await ui.go('#/consoles?name=reception');
  const open = ui.page.getByRole('button', { name: 'Open desktop' });
  const dialog = ui.page.getByRole('alertdialog');
  await open.click();
  await dialog.getByText(/has this desktop open$/).waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await dialog.waitFor({ state: 'detached' });
  expect(await site.sessionIds()).toEqual([holder.session]);
  await open.click();
  const [download] = await Promise.all([
    ui.page.waitForEvent('download'),
    dialog.getByRole('button', { name: 'Take over' }).click(),
  ]);
  const client = await site.client(desk.uuid, {}, parseVvFile(readFileSync(await download.path(), 'utf8')));
  await client.openMain();
  await waitFor('the session of the new one alone', async () =>
    (await site.sessionIds()).join() === client.session ? true : null,
  );
  await site.audited(desk.uuid, 'Session replaced by root');
  await client.close();
  expect(ui.complaints.filter((text) => !text.includes('409'))).toEqual([]);
});

it('a desktop opens in another tab, which knows nothing of the page', async () => {
  const ui = await signedIn();
  await ui.go('#/consoles?name=reception');
  const [tab] = await Promise.all([
    ui.page.context().waitForEvent('page'),
    ui.page.getByRole('button', { name: 'Open in browser' }).click(),
  ]);
  // Neither the link's key nor a password stays in its URL.
  await tab.waitForURL(/\/spice_auto\.html$/);
  expect(await tab.evaluate<unknown>('window.opener')).toBe(null);
});

it('an expired login leads to the form, and back to the page', async () => {
  const ui = await signedIn();
  await ui.go('#/sources');
  await ui.page.context().clearCookies();
  // No other page has read what stands there.
  await ui.page.getByRole('link', { name: 'Audit' }).click();
  await ui.page.getByText('Your login has expired').waitFor();
  await ui.signIn('root', PASSWORD);
  await ui.page.getByRole('heading', { name: 'Audit', exact: true }).waitFor();
});

it('the last hours are charts, and tables for those whom a picture tells nothing', async () => {
  const ui = await signedIn();
  const chart = ui.page.getByRole('figure').filter({ hasText: '24 hours' }).nth(1);
  await chart
    .getByRole('img', { name: /to clients and .* from clients in 24 hours, \d+ channels/ })
    .waitFor();
  expect(await chart.locator('rect').count()).toBe(24);
  await chart.getByText('As a table').click();
  const rows = chart.getByRole('table').getByRole('row');
  expect(await rows.count()).toBe(25);
  expect(await rows.allInnerTexts()).toContainEqual(expect.stringMatching(/:00( [AP]M)?\s+4 GB\s+80 MB$/));
  await ui.go('#/sources');
  const source = ui.page.getByRole('row').filter({ hasText: SOURCE });
  await source.getByRole('link', { name: '122', exact: true }).waitFor();
  expect(ui.complaints).toEqual([]);
});

it('what a search of the audit trail finds is downloaded, for a spreadsheet and for a program', async () => {
  const ui = await signedIn();
  await ui.go(`#/audit?uuid=${desk.uuid}&source=${SOURCE}`);
  const download = async (name: string): Promise<string> => {
    const [file] = await Promise.all([
      ui.page.waitForEvent('download'),
      ui.page.getByRole('button', { name }).click(),
    ]);
    return readFileSync(await file.path(), 'utf8');
  };
  const events = JSON.parse(await download('Export JSON')) as { message: string }[];
  expect(events.length).toBeGreaterThan(50);
  expect(events.map(({ message }) => message)).toContain(`Noted ${EVIL}`);
  const lines = (await download('Export CSV')).split('\r\n');
  expect(lines.length - 2).toBe(events.length);
  await ui.page.getByText('The browser downloads the events that match, all of them.').first().waitFor();
  await ui.page.context().clearCookies();
  await ui.page.getByRole('button', { name: 'Export CSV' }).click();
  await ui.page.getByText('Your login has expired').waitFor();
});

describe('every page', () => {
  const PLACES = ['', 'consoles', 'console', 'sessions', 'session', 'sources', 'services', 'audit', 'about'];
  const DESK = { width: 1280, height: 800 };
  const PHONE = { width: 360, height: 740 };

  it.each([
    ['light', 'desk', DESK],
    ['dark', 'desk', DESK],
    ['light', 'phone', PHONE],
    ['dark', 'phone', PHONE],
  ] as const)('in %s on a %s has no fault that axe finds, and fits', async (colorScheme, name, viewport) => {
    // The one of the test before may not have left yet.
    const client = await waitFor('a free console', () => site.client(desk.uuid));
    await client.openMain();
    const places: Record<string, string> = {
      console: `consoles/${SOURCE}/${desk.uuid}`,
      session: `sessions/${client.session}`,
    };
    const ui = await open({ colorScheme, viewport });
    await ui.page.getByLabel('Username').waitFor();
    const look = async (of: string): Promise<void> => {
      const folder = process.env['KERBSIDE_SCREENSHOTS'];
      if (folder !== undefined)
        await ui.page.screenshot({ path: join(folder, `${of}-${colorScheme}-${name}.png`) });
      expect([of, await ui.accessFaults(), await ui.overhang()]).toEqual([of, [], 0]);
    };
    await look('sign-in');
    await ui.signIn('root', PASSWORD);
    await ui.page.getByRole('navigation').waitFor();
    for (const place of PLACES) {
      await ui.go(`#/${places[place] ?? place}`);
      await look(place === '' ? 'overview' : place);
    }
    await ui.go('#/sessions');
    await ui.page.getByRole('button', { name: 'End session' }).first().click();
    await ui.page.getByRole('alertdialog').waitFor();
    await look('end-session');
    expect(ui.complaints).toEqual([]);
    expect([...ui.hosts]).toEqual([new URL(site.kerbside.apiUrl).host]);
    await client.close();
  });
});
