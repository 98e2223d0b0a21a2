// SPDX-License-Identifier: Apache-2.0
// The browser's client as it lies in a folder ([html5proxy] web), held in memory: what was not there at the start is
// never served, so that no path of a request ever reaches the file system.
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { ConfError } from '../exception.js';
import { shownPath } from '../option-file.js';

/** The module of the client that the page uses. */
const CLIENT = '/main.js';

/** A file to serve. */
export interface WebFile {
  readonly body: Buffer;
  readonly type: string;
  /** For If-None-Match, with its quotes. */
  readonly etag: string;
  /** Sources of scripts within a page that its policy has to let run; empty for what is no page. */
  readonly scripts: readonly string[];
}

/** The files by their path, `/main.js`. */
export type WebRoot = ReadonlyMap<string, WebFile>;

/** spice-html5 has 2 MiB in 40 files. */
const MAX_FILES = 2000;
const MAX_BYTES = 64 * 1024 * 1024;

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.gif': 'image/gif',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.mjs': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.woff2': 'font/woff2',
};
const OTHER_TYPE = 'application/octet-stream';

/**
 * Reads the folder; '': there is none, and no desktops of SPICE.
 * @throws ConfError when it cannot be read, is too large, or has no main.js
 */
export async function readWebRoot(folder: string): Promise<WebRoot> {
  const files = new Map<string, WebFile>();
  if (folder === '') return files;
  try {
    await readFolder(folder, '', { files, bytes: 0 });
  } catch (error) {
    if (error instanceof ConfError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw fault(`the folder ${shownPath(folder)} cannot be read (${code ?? message})`);
  }
  if (!files.has(CLIENT)) throw fault(`the folder ${shownPath(folder)} has no main.js`);
  return files;
}

interface Reading {
  readonly files: Map<string, WebFile>;
  bytes: number;
}

async function readFolder(folder: string, path: string, reading: Reading): Promise<void> {
  for (const name of (await readdir(folder)).sort()) {
    if (name.startsWith('.')) continue;
    const place = join(folder, name);
    const found = await stat(place);
    if (found.isDirectory()) {
      await readFolder(place, `${path}/${name}`, reading);
      continue;
    }
    if (!found.isFile()) continue;
    reading.bytes += found.size;
    if (reading.bytes > MAX_BYTES || reading.files.size >= MAX_FILES)
      throw fault(`the folder ${folder} has more than ${MAX_FILES} files or ${MAX_BYTES} bytes`);
    reading.files.set(`${path}/${name}`, webFile(name, await readFile(place)));
  }
}

/** A file of that name. */
export function webFile(name: string, body: Buffer): WebFile {
  const type = TYPES[extname(name).toLowerCase()] ?? OTHER_TYPE;
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
  return { body, type, etag, scripts: type.startsWith('text/html') ? scriptsOf(body.toString('utf8')) : [] };
}

/**
 * Hashes of a page's own inline scripts and event handlers, as Content-Security-Policy names them (CSP level 3, section
 * 2.3.1): whatever else gets into the page, by a title in its URL for instance, does not run.
 */
export function scriptsOf(html: string): string[] {
  const scripts = [...html.matchAll(/<script(?:\s[^>]*)?>([\s\S]*?)<\/script\s*>/gi)].map(([, text]) => text);
  const handlers = [...html.matchAll(/\son[a-z]+\s*=\s*"([^"]*)"/gi)].map(([, text]) => text);
  const texts = new Set(
    [...scripts, ...handlers].filter((text): text is string => text !== undefined && text !== ''),
  );
  return [...texts].map((text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`);
}

function fault(text: string): ConfError {
  return new ConfError(
    'html5proxy',
    'web',
    text,
    "name the folder of the browser's client, such as /usr/share/spice-html5 of Debian's package spice-html5, or leave it empty where all consoles speak VNC",
  );
}
