// SPDX-License-Identifier: Apache-2.0
// The certificate of the CA that clients are to trust: [spice] cacert_path. The file is checked once a second
// while there are requests, so that a renewed one needs no restart and a .vv file no reading.
import { statSync } from 'node:fs';
import { ConfError } from '../exception.js';
import { loggerFor } from '../log.js';
import { shownPath } from '../option-file.js';
import { readCaFile, type CaFile } from './ca-file.js';
import { validAt } from './chain.js';

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
   * @throws ConfError when the file cannot be read, holds no certificate, none that is valid today, or a private key
   */
  static async load(path: string, now: () => number = () => performance.now()): Promise<CaCertificate> {
    if (path === '') return new CaCertificate(path, now, undefined, '');
    const seen = markOf(path);
    return new CaCertificate(path, now, await readPem(path), seen);
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
      this.lastGood = await readPem(this.path);
      log.info('CA certificate taken up', { path: this.path });
    } catch (error) {
      log.warning('the CA certificate is not taken up; the last good one is used', {
        fault: (error as Error).message,
      });
    }
  }
}

/** Changes when the file does; '' when there is none to be seen. */
function markOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? '' : `${stat.ino}:${stat.size}:${stat.mtimeMs}`;
}

async function readPem(path: string): Promise<string> {
  const file = await readCaFile(path);
  if (file.certificates.some((certificate) => validAt(certificate, Date.now()))) return file.pem;
  throw outdated(file);
}

function outdated({ path, certificates }: CaFile): ConfError {
  const [{ validFrom, validTo } = { validFrom: '', validTo: '' }] = certificates;
  return new ConfError(
    ...(['spice', 'cacert_path'] as const),
    `no certificate of the file ${shownPath(path)} is valid today (the first one is from ${validFrom} to ${validTo})`,
    'renew it, or set the clock of this machine',
  );
}
