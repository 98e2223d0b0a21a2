// SPDX-License-Identifier: Apache-2.0
// Real viewers whose desktop does not come up: what they show, that it is the picture that was drawn, and that a key brings the
// desktop.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { drawScreen, USUAL_SIZE } from '../../src/console/message-screen/picture.js';
import { screenText } from '../../src/console/message-screen/screen-text.js';
import type { Explained } from '../../src/service/explanation.js';
import { crop, differingPixels, type Image } from '../boot-target/image.js';
import { type Desk, startDesk } from '../fixtures/desk.js';
import { imageOf } from '../fixtures/indexed-picture.js';
import { CONSOLE, CONSOLE_NAME, guestConsole, SOURCE, staticSource } from '../fixtures/lab.js';
import { delay, freePort, type Program, runProgram, startProgram, waitFor } from '../fixtures/program.js';
import { DISPLAY_AT_REST_MS } from '../fixtures/qemu.js';
import type { VvFile } from '../fixtures/vv-file.js';
import { clientEnvironment, savePng } from '../fixtures/x11.js';

jest.setTimeout(180_000);

const SCREEN_TIME = 60;
/** Of the guest's screen, and so of the window that shows it. */
const GUEST_SIZE = { width: 640, height: 480 };
/** A console whose hypervisor is away. */
const DEAD = 'b7c1d9f4-7a5e-4b0a-8b6e-3c9a2f51d604';

let desk: Desk;
let deadPort: number;

beforeAll(async () => {
  deadPort = await freePort();
  desk = await startDesk(() => ({
    env: { OS_CONSOLE__MESSAGE_SCREEN: 'on', OS_SPICE__WORKERS: '2' },
    sources: (guest) => [
      staticSource([guestConsole(guest), guestConsole(guest, { uuid: DEAD, insecure_port: deadPort })]),
    ],
  }));
});

afterAll(async () => {
  await desk.stop();
});

/** Keeps a screenshot for the documentation, where this variable names a file. */
function keep(shown: Image, variable: string): void {
  const file = process.env[variable];
  if (file !== undefined) savePng(shown, file);
}

/** The pictures that a screen about this may have now: the time on it is that of a minute. */
function pictures(about: Explained, vv: VvFile, size = USUAL_SIZE): Image[] {
  const sessionId = desk.lab.kerbside.sessionId(vv);
  return [0, 1, 2].map((minutes) => {
    const text = screenText(
      { about, sessionId, name: CONSOLE_NAME },
      Date.now() - minutes * 60_000,
      SCREEN_TIME,
    );
    return imageOf(drawScreen(text, size));
  });
}

/** Whether the picture stands at this place of the screen; its own letters are compared first. */
function standsAt(picture: Image, inked: readonly number[], screen: Image, x: number, y: number): boolean {
  const same = (pixel: number): boolean => {
    const at = ((y + Math.floor(pixel / picture.width)) * screen.width + x + (pixel % picture.width)) * 3;
    return [0, 1, 2].every((part) => screen.rgb[at + part] === picture.rgb[pixel * 3 + part]);
  };
  if (!inked.every(same)) return false;
  return differingPixels(picture, crop(screen, x, y, picture.width, picture.height)) === 0;
}

/** Whether the X screen shows the picture pixel for pixel, below and beside the viewer's own bars. */
function isShown(picture: Image, screen: Image): boolean {
  const ground = picture.rgb[0];
  const inked = Array.from({ length: picture.width * picture.height }, (_unused, pixel) => pixel).filter(
    (pixel) => picture.rgb[pixel * 3] !== ground,
  );
  for (let y = 0; y <= screen.height - picture.height; y += 1)
    for (let x = 0; x <= Math.min(40, screen.width - picture.width); x += 1)
      if (standsAt(picture, inked, screen, x, y)) return true;
  return false;
}

class ScreenViewer {
  private constructor(
    readonly program: Program,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  static async open(vv: VvFile, name: string): Promise<ScreenViewer> {
    const dir = join(desk.dir, name);
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const file = join(dir, 'opened.vv');
    writeFileSync(file, vv.text, { mode: 0o600 });
    const env = { ...clientEnvironment(dir), DISPLAY: desk.x.display };
    const log = { logFile: join(dir, 'remote-viewer.log'), env };
    return new ScreenViewer(await startProgram('remote-viewer', [file], log), env);
  }

  /** Waits until it shows the screen about this. */
  async shows(about: Explained, vv: VvFile): Promise<Image> {
    return waitFor(
      `the screen about ${about} in remote-viewer`,
      () => {
        const screen = desk.x.screenshot();
        return pictures(about, vv).some((picture) => isShown(picture, screen)) ? screen : null;
      },
      { everyMs: 1000 },
    );
  }

  async key(name: string): Promise<void> {
    await runProgram('xdotool', ['mousemove', '300', '300'], { env: this.env });
    await delay(150);
    await runProgram('xdotool', ['key', name], { env: this.env });
  }

  async stop(): Promise<void> {
    await this.program.stop(2000);
  }
}

describe('a console whose hypervisor is away', () => {
  it('shows its reason to spicy-screenshot, pixel for pixel', async () => {
    const vv = await desk.vv(DEAD);
    const { image, log } = await desk.screenshot(vv);
    expect(log).not.toContain('WARNING');
    expect(image).not.toBeNull();
    expect(Math.min(...pictures('unreachable', vv).map((picture) => differingPixels(picture, image!)))).toBe(
      0,
    );
  });

  it('shows its reason in remote-viewer, and the desktop after a key once the hypervisor is back', async () => {
    const vv = await desk.vv(DEAD);
    const viewer = await ScreenViewer.open(vv, 'viewer-away');
    const shown = await viewer.shows('unreachable', vv);
    keep(shown, 'KEEP_SCREENSHOT');
    const { guest } = desk.lab;
    desk.lab.writeSources([staticSource([guestConsole(guest), guestConsole(guest, { uuid: DEAD })])]);
    const changed = 'Console configuration changed';
    await waitFor('the changed console', async () =>
      (await desk.lab.kerbside.audit(SOURCE, DEAD)).some((message) => message.startsWith(changed)),
    );
    await delay(1000);
    await viewer.key('a');
    await waitFor('the desktop in the list of sessions', async () => {
      const sessions = Object.values(await desk.lab.kerbside.sessions());
      return sessions.some(({ channels }) => channels.length >= 3);
    });
    expect(viewer.program.ended()).toBeNull();
    await delay(DISPLAY_AT_REST_MS);
    await viewer.stop();
  });
});

describe('a desktop that is open in another window', () => {
  it('says so in the second one, and goes on in the first', async () => {
    await waitFor('no session', async () => Object.keys(await desk.lab.kerbside.sessions()).length === 0);
    const vv = await desk.vv(CONSOLE);
    const first = await desk.open(vv);
    const { image } = await desk.screenshot(vv);
    expect(Math.min(...pictures('in_use', vv).map((picture) => differingPixels(picture, image!)))).toBe(0);
    await first.sees();
    await first.stop();
  });
});

describe('a desktop that an administrator ends', () => {
  it('shows why in the window in which it was', async () => {
    await waitFor('no session', async () => Object.keys(await desk.lab.kerbside.sessions()).length === 0);
    const vv = await desk.vv(CONSOLE);
    const viewer = await desk.open(vv);
    expect((await desk.lab.kerbside.terminate(desk.lab.kerbside.sessionId(vv))).status).toBe(200);
    const shown = await waitFor('the screen in the window of the desktop', () => {
      const screen = desk.x.screenshot();
      return pictures('terminated', vv, GUEST_SIZE).some((picture) => isShown(picture, screen))
        ? screen
        : null;
    });
    keep(shown, 'KEEP_ENDED_SCREENSHOT');
    expect(await desk.lab.kerbside.sessions()).toEqual({});
    await viewer.stop();
  });
});
