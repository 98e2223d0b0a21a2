// SPDX-License-Identifier: Apache-2.0
// The certificate of the CA that clients are to trust: [spice] cacert_path. The file is checked once a second
// while there are requests, so that a renewed one needs no restart and a .vv file no reading.
import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { StartupError } from '../exception.js';
import { loggerFor } from '../log.js';
import { holdsPrivateKey, onlyCertificates } from './pem.js';

const log = loggerFor('kerbside.ca');
/** How often the file is checked. */
const CHECK_INTERVAL_MS = 1000;

/** The CA certificate. */
export class CaCertificate {
  private seen: string;
  private checkedAt: number;

  private constructor(
    private readonly path: string,
    private readonly now: () => number,
    private lastGood: string | undefined,
    seen: string,
  ) {
    this.seen = seen;
    this.checkedAt = now();
  }

  /**
   * @param path the file; '' for a site whose clients know the CA already
   * @param now milliseconds of any clock that goes forward; tests replace it
   * @throws StartupError when the file cannot be read, holds no certificate, or holds a private key
   */
  static async load(path: string, now: () => number = () => performance.now()): Promise<CaCertificate> {
    if (path === '') return new CaCertificate(path, now, undefined, '');
    try {
      const seen = markOf(path);
      return new CaCertificate(path, now, await read(path), seen);
    } catch (error) {
      const fault = faultOf(error);
      throw new StartupError(
        `[spice] cacert_path: cannot read ${path} (${fault}); name a readable PEM file, or leave the option empty`,
        { cause: error },
      );
    }
  }

  /** The certificates in PEM, or undefined if there is none to hand out. A file that went away leaves the last good text. */
  async pem(): Promise<string | undefined> {
    const now = this.now();
    if (this.path !== '' && now - this.checkedAt >= CHECK_INTERVAL_MS) {
      this.checkedAt = now;
      await this.checkFile();
    }
    return this.lastGood;
  }

  private async checkFile(): Promise<void> {
    // The mark first: what is written after it is another file at the next check.
    const mark = markOf(this.path);
    if (mark === this.seen) return;
    this.seen = mark;
    try {
      this.lastGood = await read(this.path);
      log.info('CA certificate taken up', { path: this.path });
    } catch (error) {
      log.warning('cannot read the CA certificate; the last good one is used', {
        path: this.path,
        fault: faultOf(error),
      });
    }
  }
}

/** Changes when the file does; '' when there is none to be seen. */
function markOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? '' : `${stat.ino}:${stat.size}:${stat.mtimeMs}`;
}

async function read(path: string): Promise<string> {
  const text = await readFile(path, 'utf8');
  if (holdsPrivateKey(text))
    throw new Error('it holds a private key, and clients are given this file; keep the certificates alone');
  const certificates = onlyCertificates(text);
  if (certificates === null) throw new Error('it holds no PEM certificate');
  return certificates;
}

function faultOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}
