// SPDX-License-Identifier: Apache-2.0
// What the page around a desktop in the browser offers, tried in Chromium on desktops of QEMU: the keyboard and the look of a phone,
// sound, the size of the guest, and the way back after the connection was lost.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { scancodesOf } from '../boot-target/decode.js';
import { accessFaults, overhang } from '../fixtures/access-faults.js';
import { SpicePage, startChromium } from '../fixtures/chromium.js';
import { GuestAgent } from '../fixtures/guest-agent.js';
import {
  CONSOLE,
  guestConsole,
  HYPERVISOR_ADDRESS,
  type Lab,
  SOURCE,
  startLab,
  staticSource,
} from '../fixtures/lab.js';
import { freePort, waitFor } from '../fixtures/program.js';
import { startGuest, type Guest } from '../fixtures/qemu.js';

jest.setTimeout(180_000);

/** A guest with an agent. */
const WITH_AGENT = '00000000-0000-4000-8000-0000000000b1';
/** `VD_AGENT_MONITORS_CONFIG`; u32 of monitors and flags, and for each u32 height, width, depth, x, y (vd_agent.h). */
const MONITORS = 2;
/** Scan codes of keys without a character. */
const [BACKSPACE, ENTER] = [0x0e, 0x1c];
const DESK = { width: 1280, height: 800 };
const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true } as const;

const dir = mkdtempSync(join(tmpdir(), 'kerbside-e2e-'));
const pages: SpicePage[] = [];
let lab: Lab;
let withAgent: Guest;
let browser: Browser;
let line: Line;

/** The network between the browser and the service, which a test cuts. */
class Line {
  private readonly sockets = new Set<Socket>();
  private constructor(private readonly server: Server) {}

  static async start(port: number): Promise<Line> {
    const server = createServer();
    const line = new Line(server);
    server.on('connection', (near) => {
      const far = connect(port, '127.0.0.1');
      for (const socket of [near, far]) {
        line.sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          line.sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      near.pipe(far).pipe(near);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return line;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  cut(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  close(): void {
    this.cut();
    this.server.close();
  }
}

beforeAll(async () => {
  const port = await freePort();
  line = await Line.start(port);
  const labDir = join(dir, 'lab');
  mkdirSync(labDir);
  mkdirSync(join(dir, 'agent'));
  const sound = ['-audiodev', 'spice,id=sound', '-machine', 'pcspk-audiodev=sound'];
  withAgent = await startGuest({ address: HYPERVISOR_ADDRESS, dir: join(dir, 'agent'), bridge: 'agent' });
  [lab, browser] = await Promise.all([
    startLab({
      dir: labDir,
      guest: { more: sound },
      env: {
        OS_HTML5PROXY__ENABLED: 'true',
        OS_HTML5PROXY__ADDRESS: '127.0.0.1',
        OS_HTML5PROXY__PORT: `${port}`,
        OS_PROXY__PROXY_PROTOCOL_FROM: '127.0.0.1',
      },
      sources: (guest) => [
        staticSource([guestConsole(guest), guestConsole(withAgent, { uuid: WITH_AGENT })]),
      ],
    }),
    startChromium(),
  ]);
});
afterEach(async () => {
  await Promise.all(pages.splice(0).map((page) => page.close()));
});
afterAll(async () => {
  line.close();
  await Promise.all([browser.close(), lab.stop(), withAgent.stop()]);
  rmSync(dir, { recursive: true, force: true });
});

/** Opens a desktop as a dashboard's link does. */
async function open(uuid: string = CONSOLE, options: BrowserContextOptions = {}): Promise<SpicePage> {
  const vv = await waitFor('a free console', () => lab.kerbside.vv(SOURCE, uuid).catch(() => null), {
    everyMs: 200,
  });
  const page = await SpicePage.open(browser, `${line.origin}/spice_auto.html?token=${vv.password}`, options);
  pages.push(page);
  return page;
}

/** Keeps what is seen for people: KERBSIDE_SCREENSHOTS names the folder. */
async function keep({ page }: SpicePage, name: string): Promise<void> {
  const folder = process.env['KERBSIDE_SCREENSHOTS'];
  if (folder !== undefined) await page.screenshot({ path: join(folder, name) });
}

/** The keys that the guest has seen from now on. */
function keysFrom(): () => number[] {
  const before = keys().length;
  return () => keys().slice(before);
}

function keys(): number[] {
  return lab.guest
    .serial()
    .filter((text) => text.startsWith('KEY '))
    .map((text) => parseInt(text.slice(4), 16));
}

const faultsOf = async ({ page }: SpicePage): Promise<unknown> => [
  await accessFaults(page),
  await overhang(page),
];

describe('on a phone', () => {
  it.each(['light', 'dark'] as const)('in %s the page fits, and axe finds no fault', async (colorScheme) => {
    const shown = await open(CONSOLE, { ...PHONE, colorScheme });
    await shown.sees();
    const { page } = shown;
    await page.getByText('Connected', { exact: true }).waitFor();
    expect(await faultsOf(shown)).toEqual([[], 0]);
    await page.getByRole('button', { name: 'Menu' }).tap();
    await page.getByRole('button', { name: 'Text' }).tap();
    expect(await faultsOf(shown)).toEqual([[], 0]);
    await keep(shown, `browser-menu-${colorScheme}-phone.png`);
    for (const button of await page.locator('button:visible').all()) {
      const box = await button.boundingBox();
      expect([await button.innerText(), (box?.height ?? 0) >= 44]).toEqual([await button.innerText(), true]);
    }
    expect(shown.console.filter((text) => /Content Security Policy|pageerror/.test(text))).toEqual([]);
  });

  it('its keyboard types: characters, words that it composes and mends, Enter and the key that deletes', async () => {
    const shown = await open(CONSOLE, PHONE);
    await shown.sees();
    const { page } = shown;
    await page.getByText('Connected', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Menu' }).tap();
    await page.getByRole('button', { name: 'Keyboard' }).tap();
    const typed = keysFrom();
    const expected: number[] = [];
    const told = async (...codes: number[]): Promise<void> => {
      expected.push(...codes);
      await waitFor(`the keys ${codes.join()}`, () => typed().length >= expected.length);
      expect(typed()).toEqual(expected);
    };
    await page.keyboard.insertText('ab1');
    await told(...scancodesOf('ab1'));
    const cdp = await page.context().newCDPSession(page);
    const compose = (text: string): Promise<unknown> =>
      cdp.send('Input.imeSetComposition', { text, selectionStart: text.length, selectionEnd: text.length });
    for (const text of ['t', 'te', 'teh']) await compose(text);
    await told(...scancodesOf('teh'));
    await cdp.send('Input.insertText', { text: 'the ' });
    await told(BACKSPACE, BACKSPACE, ...scancodesOf('he '));
    await page.keyboard.press('Backspace');
    await told(BACKSPACE);
    await page.keyboard.press('Enter');
    await told(ENTER);
  });
});

it('in dark, on a desk, axe finds no fault: connected, with its menus, and ended', async () => {
  const shown = await open(CONSOLE, { colorScheme: 'dark', viewport: DESK });
  await shown.sees();
  const { page } = shown;
  await page.getByText('Connected', { exact: true }).waitFor();
  await page.getByText('Keys', { exact: true }).click();
  await page.getByRole('button', { name: 'Text' }).click();
  expect(await faultsOf(shown)).toEqual([[], 0]);
  await keep(shown, 'browser-dark-desk.png');
  const id = Object.keys(await lab.kerbside.sessions())[0] ?? '';
  await lab.kerbside.terminate(id);
  await shown.said();
  expect(await faultsOf(shown)).toEqual([[], 0]);
  await keep(shown, 'browser-ended-dark-desk.png');
});

it('a desktop whose connection was lost comes back by itself, in the same session', async () => {
  const shown = await open();
  await shown.sees();
  const { page } = shown;
  await page.getByText('Connected', { exact: true }).waitFor();
  const before = Object.keys(await lab.kerbside.sessions());
  expect(before).toHaveLength(1);
  line.cut();
  await page.getByText('Connection lost. Trying again …').waitFor();
  await page.getByText('Connected', { exact: true }).waitFor({ timeout: 30_000 });
  await shown.sees();
  expect(Object.keys(await lab.kerbside.sessions())).toEqual(before);
  const typed = keysFrom();
  await shown.type('back');
  await waitFor('the keys', () => typed().length >= scancodesOf('back').length);
  expect(typed()).toEqual(scancodesOf('back'));
  expect(await page.locator('#kerbside-ended').count()).toBe(0);
});

it('the sound of a desktop is heard, and is silent while its button is off', async () => {
  const shown = await open(CONSOLE, { viewport: DESK });
  await shown.sees();
  const { page } = shown;
  const sound = page.getByRole('button', { name: 'Sound' });
  // The beeper of a PC, by its ports: 440 Hz.
  const port = (address: string, value: number): Promise<unknown> =>
    lab.guest.qmp('human-monitor-command', { 'command-line': `o /b ${address} ${value}` });
  await waitFor('the sound channel', () => shown.open >= 5);
  for (const [address, value] of [
    ['0x43', 0xb6],
    ['0x42', 0x98],
    ['0x42', 0x0a],
    ['0x61', 3],
  ] as const)
    await port(address, value);
  const heard = (): Promise<{ muted: boolean; time: number } | null> =>
    page.evaluate<{ muted: boolean; time: number } | null>(
      `(() => { const audio = document.querySelector('audio'); return audio && { muted: audio.muted, time: audio.currentTime }; })()`,
    );
  await page.locator('canvas').first().click();
  const playing = await waitFor('sound that plays', async () => {
    const now = await heard();
    return now !== null && now.time > 0.2 ? now : null;
  });
  expect(playing.muted).toBe(false);
  expect(await sound.getAttribute('aria-pressed')).toBe('true');
  await sound.click();
  expect([(await heard())?.muted, await sound.getAttribute('aria-pressed')]).toEqual([true, 'false']);
  await sound.click();
  expect((await heard())?.muted).toBe(false);
  await port('0x61', 0);
});

it('a guest with an agent is asked for the size of the window; one without is not', async () => {
  const agent = await GuestAgent.start(withAgent.bridgeSocket ?? '');
  const shown = await open(WITH_AGENT, { viewport: DESK });
  const { page } = shown;
  const resize = page.getByRole('button', { name: 'Resize the desktop' });
  await waitFor('a button that can be pressed', () => resize.isEnabled());
  expect(agent.of(MONITORS)).toHaveLength(0);
  await resize.click();
  const sizeOf = (data: Buffer): number[] => [data.readUInt32LE(12), data.readUInt32LE(8)];
  const wanted = await page.evaluate<number[]>(
    `(({ clientWidth: width, clientHeight: height }) => [width - (width % 8), height - (height % 8)])(document.getElementById('screen'))`,
  );
  await waitFor('the size of the window', () => agent.of(MONITORS).length > 0);
  expect(sizeOf(agent.of(MONITORS).at(-1)!)).toEqual(wanted);
  await page.setViewportSize({ width: 1200, height: 640 });
  await waitFor('the other size', () => sizeOf(agent.of(MONITORS).at(-1)!)[0] === 1200);
  agent.stop();
  const without = await open(CONSOLE, { viewport: DESK });
  await without.sees();
  expect(await without.page.getByRole('button', { name: 'Resize the desktop' }).isDisabled()).toBe(true);
});
