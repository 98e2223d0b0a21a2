// SPDX-License-Identifier: Apache-2.0
// The example of a broker in front of the built kerbside and a real QEMU: people in Chromium sign in, pick the desktop, open it in
// remote-viewer by the file that they download and in the browser, take it over from each other, and end it.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { Users } from '../../src/objects/user.js';
import { scancodesOf } from '../boot-target/decode.js';
import { startChromium } from '../fixtures/chromium.js';
import { startDesk, type Desk } from '../fixtures/desk.js';
import { CONSOLE, guestConsole, SOURCE, staticSource } from '../fixtures/lab.js';
import { openDatabase } from '../fixtures/open-database.js';
import { freePort, startProgram, waitFor, waitForOutput, type Program } from '../fixtures/program.js';
import { repositoryRoot } from '../fixtures/repository.js';
import { parseVvFile } from '../fixtures/vv-file.js';

jest.setTimeout(240_000);

const PASSWORD = 'a good long password';
let folder: string;
let desk: Desk;
let portal: Program;
let url: string;
let browser: Browser;
const contexts: BrowserContext[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kerbside-broker-'));
  const html5 = await freePort();
  const port = await freePort();
  const browserUrl = `http://127.0.0.1:${String(html5)}`;
  desk = await startDesk(() => ({
    sources: (guest) => [staticSource([guestConsole(guest, { concurrent_sessions: 'refuse' })])],
    env: {
      OS_API__TRUSTED_PROXIES: '127.0.0.1',
      OS_HTML5PROXY__ENABLED: 'true',
      OS_HTML5PROXY__ADDRESS: '127.0.0.1',
      OS_HTML5PROXY__PORT: String(html5),
      OS_HTML5PROXY__PUBLIC_URL: browserUrl,
    },
  }));
  const db = await openDatabase(
    {
      connection: `sqlite:///${join(desk.lab.dir, 'kerbside.sqlite')}`,
      encryptionKeyFile: join(desk.lab.dir, 'encryption.key'),
      maxPoolSize: 1,
    },
    { sync: false },
  );
  for (const name of ['ann', 'bob']) await new Users(db).create(name, PASSWORD, { admin: false });
  await db.close();
  const script = join(repositoryRoot(), 'clients/broker-example/portal.py');
  const args = ['--plain', '--port', String(port), '--kerbside', desk.lab.kerbside.apiUrl];
  portal = await startProgram('/usr/bin/python3', ['-B', script, ...args, '--browser', browserUrl], {
    logFile: join(folder, 'portal.log'),
  });
  await waitForOutput(portal, 'portal on');
  url = `http://127.0.0.1:${String(port)}/`;
  browser = await startChromium();
});
afterAll(async () => {
  await Promise.all(contexts.map((context) => context.close()));
  await browser.close();
  await portal.stop();
  await desk.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A page of somebody with a browser of their own. */
async function aPage(): Promise<Page> {
  const context = await browser.newContext();
  contexts.push(context);
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

async function signIn(page: Page, name: string, password = PASSWORD): Promise<void> {
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

const row = (page: Page) => page.getByRole('row', { name: 'boot-target' });

it('opens, shares out and ends a real desktop', async () => {
  const ann = await aPage();
  await signIn(ann, 'ann', 'wrong');
  await ann.getByRole('alert').getByText('The name or the password is wrong.').waitFor();
  await signIn(ann, 'ann');
  await ann.getByText('Signed in as ann.').waitFor();
  await waitFor('the desktop', async () => {
    await ann.reload();
    return (await row(ann).count()) === 1;
  });

  // In a viewer.
  const [download] = await Promise.all([
    ann.waitForEvent('download'),
    row(ann).getByRole('button', { name: 'Open in a viewer' }).click(),
  ]);
  const vv = parseVvFile(readFileSync(await download.path(), 'utf8'));
  const viewer = await desk.open(vv);
  await viewer.type('spice');
  const typed = scancodesOf('spice').join();
  await viewer.sees(({ state }) => state.scancodes.join().endsWith(typed));

  // Somebody else is told so, takes it over, and has it in the browser.
  const bob = await aPage();
  await signIn(bob, 'bob');
  await row(bob).getByRole('button', { name: 'Open in the browser' }).click();
  await bob.getByRole('heading', { name: 'Somebody else has this desktop open' }).waitFor();
  await bob.getByRole('button', { name: 'Take it over' }).click();
  await bob.locator('canvas').first().waitFor();
  const { kerbside } = desk.lab;
  await waitFor('the session of bob alone', async () => {
    const sessions = Object.keys(await kerbside.sessions());
    return sessions.length === 1 && sessions[0] !== kerbside.sessionId(vv);
  });
  expect(await kerbside.audit(SOURCE, CONSOLE)).toContain('Session replaced by bob');

  // And ends it.
  await bob.goto(url);
  await row(bob).getByRole('button', { name: 'End' }).click();
  await waitFor('no session', async () => Object.keys(await kerbside.sessions()).length === 0);
  await waitFor('the end in the audit', async () =>
    (await kerbside.audit(SOURCE, CONSOLE)).includes('Session terminated by request'),
  );
  await bob.getByRole('button', { name: 'Sign out' }).click();
  await bob.getByRole('heading', { name: 'Sign in' }).waitFor();
});

it('changes nothing for a page of another site, or for one that is out of date', async () => {
  const page = await aPage();
  await signIn(page, 'ann');
  await page.getByText('Signed in as ann.').waitFor();
  const [cookie] = await page.context().cookies();
  expect(cookie).toMatchObject({ name: 'portal', httpOnly: true, sameSite: 'Lax' });
  const csrf = await page.locator('input[name=csrf]').first().inputValue();
  const post = async (form: Record<string, string>, origin?: string): Promise<number> => {
    const headers = {
      cookie: `portal=${cookie!.value}`,
      'content-type': 'application/x-www-form-urlencoded',
      ...(origin === undefined ? {} : { origin }),
    };
    const body = new URLSearchParams(form).toString();
    return (await fetch(`${url}open`, { method: 'POST', headers, body, redirect: 'manual' })).status;
  };
  expect(await post({ instance: CONSOLE })).toBe(403);
  expect(await post({ instance: CONSOLE, csrf: `${csrf}x` })).toBe(403);
  expect(await post({ instance: CONSOLE, csrf }, 'https://evil.example.org')).toBe(403);
  expect(await post({ instance: CONSOLE, csrf, pad: 'x'.repeat(20_000) })).toBe(413);
  expect(await post({ instance: 'none', csrf })).toBe(400);
  expect(await post({ instance: CONSOLE, csrf }, url.slice(0, -1))).toBe(200);
  // The cookie of before the login is worth nothing.
  const stranger = await aPage();
  const [planted] = await stranger.context().cookies();
  await signIn(stranger, 'bob');
  await stranger.getByText('Signed in as bob.').waitFor();
  const answer = await fetch(url, { headers: { cookie: `portal=${planted!.value}` } });
  expect(await answer.text()).toContain('<h1>Sign in</h1>');
  // Neither does the log hold what opens anything.
  expect(portal.output()).not.toContain(PASSWORD);
  expect(portal.output()).not.toContain(csrf);
});
