// SPDX-License-Identifier: Apache-2.0
// The files of the admin UI as `npm run build` has made them: read once, compressed once, found by their names alone. No
// path of a request ever reaches the file system.
import { readdir, readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

/** A file as it is sent. */
export interface UiFile {
  readonly type: string;
  readonly plain: Buffer;
  readonly gzip: Buffer;
}

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.md': 'text/plain; charset=utf-8',
  '.svg': 'image/svg+xml',
};
const BUILT = fileURLToPath(new URL('../../../dist/ui/', import.meta.url));

/** The files of the UI. */
export class UiFiles {
  private constructor(
    /** The page; undefined: the UI has not been built. */
    readonly page: UiFile | undefined,
    private readonly assets: ReadonlyMap<string, UiFile>,
  ) {}

  /** Reads them. @param folder where the build has put them */
  static async load(folder: string = BUILT): Promise<UiFiles> {
    const assets = new Map<string, UiFile>();
    for (const name of await namesIn(`${folder}/assets`)) {
      const file = await fileAt(`${folder}/assets/${name}`);
      if (file !== undefined) assets.set(name, file);
    }
    const licenses = await fileAt(`${folder}/licenses.md`);
    if (licenses !== undefined) assets.set('licenses.md', licenses);
    return new UiFiles(await fileAt(`${folder}/index.html`), assets);
  }

  /** One asset by its name. */
  asset(name: string): UiFile | undefined {
    return this.assets.get(name);
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    return ignoreAbsence(error, []);
  }
}

async function fileAt(path: string): Promise<UiFile | undefined> {
  const type = TYPES[extname(path)];
  if (type === undefined) return undefined;
  try {
    const plain = await readFile(path);
    return { type, plain, gzip: gzipSync(plain, { level: 9 }) };
  } catch (error) {
    return ignoreAbsence<UiFile | undefined>(error, undefined);
  }
}

function ignoreAbsence<T>(error: unknown, instead: T): T {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return instead;
  throw error;
}
