// SPDX-License-Identifier: Apache-2.0
// Makes what the documentation shows of real programs: pictures of remote-viewer and a browser, and requests with their
// answers. Kerbside, the guest and the clients are real; the cloud is the fake Keystone and Nova of the tests.
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repositoryRoot } from '../fixtures/repository.js';
import { takeFailure, takePictures } from './pictures.js';
import { showRequests } from './requests.js';
import { startScene } from './scene.js';

const IMAGES = join(repositoryRoot(), 'doc/source/images');
const EXAMPLES = join(repositoryRoot(), 'doc/source/reference/examples');
const LARGEST_PICTURE = 100_000;

const dir = mkdtempSync(join(tmpdir(), 'kerbside-examples-'));
const scene = await startScene(dir);
try {
  for (const folder of [IMAGES, EXAMPLES]) mkdirSync(folder, { recursive: true });
  for (const file of await takePictures(scene, IMAGES)) report(file);
  await showRequests(scene, EXAMPLES);
  report(await takeFailure(scene, IMAGES));
} finally {
  await scene.stop();
  rmSync(dir, { recursive: true, force: true });
}

/** Says what was written. @throws Error for a picture that is too large */
function report(file: string): void {
  const { size } = statSync(file);
  if (size > LARGEST_PICTURE) throw new Error(`${file} has ${size} bytes, more than ${LARGEST_PICTURE}`);
  process.stdout.write(`${file}: ${size} bytes\n`);
}
