// SPDX-License-Identifier: Apache-2.0
// The files of the page as `npm run build` has made them, held in memory.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loggerFor } from '../log.js';
import { VIEWER } from './viewer-page.js';
import { webFile, type WebFile, type WebRoot } from './web-root.js';

const log = loggerFor('kerbside.html5proxy');
const BUILT = fileURLToPath(new URL('../../dist/viewer/', import.meta.url));

/** The files by their path. @param folder where the build has put them */
export async function readViewer(folder: string = BUILT): Promise<WebRoot> {
  const files = new Map<string, WebFile>();
  try {
    for (const name of await readdir(folder))
      files.set(`/${VIEWER}/${name}`, webFile(name, await readFile(join(folder, name))));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    log.error('the viewer of browsers has not been built: run "npm run build"', { folder, code });
  }
  return files;
}
