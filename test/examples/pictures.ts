// SPDX-License-Identifier: Apache-2.0
// The pictures: what people see in remote-viewer and in a browser, when it works and when it has ended.
import { join } from 'node:path';
import { crop } from '../boot-target/image.js';
import { SpicePage } from '../fixtures/chromium.js';
import { CONSOLE, guestConsole, SOURCE, staticSource } from '../fixtures/lab.js';
import { freePort, waitFor } from '../fixtures/program.js';
import { savePng, startViewer } from '../fixtures/x11.js';
import { DESKTOP, type Scene } from './scene.js';

const FRAME = 5;
/** Where the question stands in the middle of the viewer's window; its title would show a path of this machine. */
const QUESTION = { left: 312, top: 304, width: 408, height: 216 };

/** remote-viewer's window around a message screen. */
const SCREEN_WINDOW = { width: 810, height: 656 };

/** Writes all of them into a folder; gives their paths. */
export async function takePictures(scene: Scene, folder: string): Promise<string[]> {
  const of = (name: string): string => join(folder, `${name}.png`);
  await inViewer(scene, of('remote-viewer'));
  await askedForPassword(scene, of('remote-viewer-password'));
  await inBrowser(scene, of('browser'), of('browser-ended'));
  return ['remote-viewer', 'remote-viewer-password', 'browser', 'browser-ended'].map(of);
}

async function inViewer(scene: Scene, file: string): Promise<void> {
  const vv = await scene.vv();
  const viewer = await startViewer(scene.x, vv.text, join(scene.dir, 'viewer'));
  try {
    await viewer.sees();
    await viewer.type('hello');
    const { x, y, state } = await viewer.sees(({ state: { scancodes } }) => scancodes.length >= 5);
    // The viewer's window stands in the corner, and ends a few pixels behind the guest's screen.
    savePng(crop(scene.x.screenshot(), 0, 0, x + state.width + FRAME, y + state.height + FRAME), file);
  } finally {
    await viewer.stop();
  }
}

/** What remote-viewer does with a file whose token is worth nothing any more. */
async function askedForPassword(scene: Scene, file: string): Promise<void> {
  const vv = await scene.vv();
  await scene.lab.kerbside.terminate(scene.lab.kerbside.sessionId(vv));
  const viewer = await startViewer(scene.x, vv.text, join(scene.dir, 'refused'));
  try {
    await waitFor('question for a password', async () => (await viewer.windows()).length > 1);
    await standsStill(scene);
    const { left, top, width, height } = QUESTION;
    savePng(crop(scene.x.screenshot(), left, top, width, height), file);
  } finally {
    await viewer.stop();
  }
}

/** Writes what remote-viewer shows while the machine's host is away; the last picture, for it takes the host away. Gives its path. */
export async function takeFailure(scene: Scene, folder: string): Promise<string> {
  const { lab } = scene;
  const file = join(folder, 'message-screen.png');
  const away = { insecure_port: await freePort(), message_screen: 'on' };
  lab.writeSources([staticSource([guestConsole(lab.guest, { name: DESKTOP, ...away })])]);
  await waitFor('the changed console', async () =>
    (await lab.kerbside.audit(SOURCE, CONSOLE)).some((message) => message.includes('insecure_port')),
  );
  const vv = await scene.vv();
  const viewer = await startViewer(scene.x, vv.text, join(scene.dir, 'told-why'));
  try {
    await waitFor('screen of the reason', () => lab.kerbside.program.output().includes('channel=3'));
    await standsStill(scene);
    savePng(crop(scene.x.screenshot(), 0, 0, SCREEN_WINDOW.width, SCREEN_WINDOW.height), file);
    return file;
  } finally {
    await viewer.stop();
  }
}

async function standsStill({ x }: Scene): Promise<void> {
  let before = '';
  await waitFor(
    'picture that stands still',
    () => {
      const now = Buffer.from(x.screenshot().rgb).toString('base64');
      const still = now === before;
      before = now;
      return still;
    },
    { everyMs: 1000 },
  );
}

async function inBrowser(scene: Scene, file: string, ended: string): Promise<void> {
  const vv = await scene.vv();
  const origin = `http://127.0.0.1:${scene.html5Port}`;
  const page = await SpicePage.open(scene.browser, `${origin}/spice_auto.html?token=${vv.password}`);
  try {
    await page.sees();
    await page.page.screenshot({ path: file });
    await scene.lab.kerbside.terminate(scene.lab.kerbside.sessionId(vv));
    await page.said();
    await page.page.screenshot({ path: ended });
  } finally {
    await page.close();
  }
}
