// SPDX-License-Identifier: Apache-2.0
// The pictures: what people see in remote-viewer and in a browser, when it works and when it has ended.
import { join } from 'node:path';
import { crop } from '../boot-target/image.js';
import { SpicePage } from '../fixtures/chromium.js';
import { waitFor } from '../fixtures/program.js';
import { savePng, startViewer } from '../fixtures/x11.js';
import type { Scene } from './scene.js';

const FRAME = 5;
/** Where the question stands in the middle of the viewer's window; its title would show a path of this machine. */
const QUESTION = { left: 312, top: 304, width: 408, height: 216 };

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
    let before = '';
    await waitFor(
      'picture that stands still',
      () => {
        const now = Buffer.from(scene.x.screenshot().rgb).toString('base64');
        const still = now === before;
        before = now;
        return still;
      },
      { everyMs: 500 },
    );
    const { left, top, width, height } = QUESTION;
    savePng(crop(scene.x.screenshot(), left, top, width, height), file);
  } finally {
    await viewer.stop();
  }
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
