// SPDX-License-Identifier: Apache-2.0
// The certificate of the CA that clients are told to trust: [spice] cacert_path, read anew for every .vv file so
// that a renewed one needs no restart.
import { readFile } from 'node:fs/promises';
import { StartupError } from '../exception.js';
import { loggerFor } from '../log.js';

const LOG = loggerFor('kerbside.ca');

/** The CA certificate. */
export class CaCertificate {
  private constructor(
    private readonly path: string,
    private lastGood: string | undefined,
  ) {}

  /**
   * @param path the file; '' for a site whose clients know the CA already
   * @throws StartupError when the file cannot be read or holds no certificate
   */
  static async load(path: string): Promise<CaCertificate> {
    if (path === '') return new CaCertificate(path, undefined);
    try {
      return new CaCertificate(path, await read(path));
    } catch (error) {
      const fault = faultOf(error);
      throw new StartupError(
        `[spice] cacert_path: cannot read ${path} (${fault}); name a readable PEM file, or leave the option empty`,
        { cause: error },
      );
    }
  }

  /** The PEM text, or undefined if there is none to hand out. A file that went away leaves the last good text. */
  async pem(): Promise<string | undefined> {
    if (this.path === '') return undefined;
    try {
      this.lastGood = await read(this.path);
    } catch (error) {
      LOG.warning('cannot read the CA certificate; the last good one is used', {
        path: this.path,
        fault: faultOf(error),
      });
    }
    return this.lastGood;
  }
}

async function read(path: string): Promise<string> {
  const text = await readFile(path, 'utf8');
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw new Error('it holds no PEM certificate');
  return text;
}

function faultOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}
