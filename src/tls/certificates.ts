// SPDX-License-Identifier: Apache-2.0
// The proxy's certificates: read and checked at the start, read again on SIGHUP and when a file changes. A bad new
// certificate is logged and the good old one stays in use.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { ConfError } from '../exception.js';
import { loggerFor } from '../log.js';

const log = loggerFor('kerbside.console.certificates');

/** Certificates and keys as PEM, in pairs. */
export interface TlsMaterial {
  readonly cert: readonly string[];
  readonly key: readonly string[];
}

/** Between two checks of the files. */
const CHECK_INTERVAL_MS = 5000;

/** The group whose cert_path and key_path they are, for faults. */
export type CertificateGroup = 'spice' | 'html5proxy';

/**
 * Reads and checks all pairs.
 *
 * @throws ConfError naming option, path and fault
 */
export async function loadCertificates(
  certPaths: readonly string[],
  keyPaths: readonly string[],
  group: CertificateGroup = 'spice',
): Promise<TlsMaterial> {
  if (certPaths.length === 0 || certPaths.length !== keyPaths.length) {
    throw new ConfError(
      group,
      'key_path',
      `${certPaths.length} certificates and ${keyPaths.length} keys are configured`,
      'give one key for each certificate, in the same order',
    );
  }
  const cert: string[] = [];
  const key: string[] = [];
  for (const [index, certPath] of certPaths.entries()) {
    const keyPath = keyPaths[index] ?? '';
    const pair = {
      cert: await read(group, 'cert_path', certPath),
      key: await read(group, 'key_path', keyPath),
    };
    check(group, pair, certPath, keyPath);
    cert.push(pair.cert);
    key.push(pair.key);
  }
  return { cert, key };
}

/** Watches the files; calls `use` with each new good state. */
export class CertificateWatch {
  private readonly timer: NodeJS.Timeout;
  private seen = '';
  private reading = false;

  constructor(
    private readonly certPaths: readonly string[],
    private readonly keyPaths: readonly string[],
    private current: TlsMaterial,
    private readonly use: (material: TlsMaterial) => void,
    private readonly group: CertificateGroup = 'spice',
  ) {
    this.timer = setInterval(() => void this.checkFiles(), CHECK_INTERVAL_MS);
    void this.fingerprint().then((seen) => (this.seen = seen));
  }

  /** Reads the files now, changed or not. */
  async reload(): Promise<void> {
    if (this.reading) return;
    this.reading = true;
    try {
      const material = await loadCertificates(this.certPaths, this.keyPaths, this.group);
      if (JSON.stringify(material) === JSON.stringify(this.current)) return;
      this.current = material;
      this.use(material);
      log.info('certificates reloaded; running sessions keep theirs', {
        cert_path: this.certPaths.join(','),
      });
    } catch (error) {
      log.error('certificates were not reloaded; the old ones stay in use', {
        error: (error as Error).message,
      });
    } finally {
      this.reading = false;
    }
  }

  /** Stops watching. */
  close(): void {
    clearInterval(this.timer);
  }

  private async checkFiles(): Promise<void> {
    const now = await this.fingerprint();
    if (now === this.seen) return;
    this.seen = now;
    await this.reload();
  }

  private async fingerprint(): Promise<string> {
    const stats = await Promise.all(
      [...this.certPaths, ...this.keyPaths].map((path) =>
        stat(path).then(
          (found) => `${found.ino}:${found.mtimeMs}:${found.size}`,
          () => 'absent',
        ),
      ),
    );
    return stats.join('|');
  }
}

async function read(group: CertificateGroup, option: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const what =
      code === 'ENOENT'
        ? 'does not exist'
        : code === 'EACCES'
          ? 'is not readable'
          : `cannot be read (${message})`;
    throw new ConfError(group, option, `the file ${path} ${what}`, 'create it or name another one');
  }
}

function check(
  group: CertificateGroup,
  pair: { cert: string; key: string },
  certPath: string,
  keyPath: string,
): void {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pair.cert);
  } catch {
    throw new ConfError(
      group,
      'cert_path',
      `the file ${certPath} holds no PEM certificate`,
      'name a PEM file',
    );
  }
  let matches: boolean;
  try {
    matches = certificate.checkPrivateKey(createPrivateKey(pair.key));
    // OpenSSL refuses a key of another certificate too, in words of its own.
    if (matches) createSecureContext(pair);
  } catch {
    throw new ConfError(
      group,
      'key_path',
      `the file ${keyPath} holds no usable PEM key`,
      'name an unencrypted PEM key',
    );
  }
  if (!matches) {
    throw new ConfError(
      group,
      'key_path',
      `the key ${keyPath} does not belong to ${certPath}`,
      'name its own key',
    );
  }
  if (Date.parse(certificate.validTo) < Date.now()) {
    log.warning('the certificate has expired; clients will refuse it', {
      cert_path: certPath,
      expired: certificate.validTo,
    });
  }
}
