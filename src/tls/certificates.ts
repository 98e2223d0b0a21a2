// SPDX-License-Identifier: Apache-2.0
// The certificates of a port: read and checked at the start, read again on SIGHUP and when a file changes. A bad new
// certificate is logged and the good old one stays in use.
import { stat } from 'node:fs/promises';
import { throwFaults } from '../exception.js';
import { loggerFor } from '../log.js';
import { inspectCertificates, type CertificateSettings } from './inspection.js';

const log = loggerFor('kerbside.console.certificates');

/** Certificates and keys as PEM, in pairs. */
export interface TlsMaterial {
  readonly cert: readonly string[];
  readonly key: readonly string[];
}

/** Between two checks of the files. */
const CHECK_INTERVAL_MS = 5000;

/**
 * Reads and checks all pairs; what is odd about them is logged.
 * @throws StartupError naming each fault, when a file cannot be used, or nobody could verify a certificate
 */
export async function loadCertificates(settings: CertificateSettings): Promise<TlsMaterial> {
  const { pairs, faults, warnings } = await inspectCertificates(settings);
  for (const warning of warnings) log.warning(warning);
  throwFaults(faults);
  return { cert: pairs.map(({ cert }) => cert), key: pairs.map(({ key }) => key) };
}

/** Watches the files; calls `use` with each new good state. */
export class CertificateWatch {
  private readonly timer: NodeJS.Timeout;
  private seen = '';
  private reading = false;

  constructor(
    private readonly settings: CertificateSettings,
    private current: TlsMaterial,
    private readonly use: (material: TlsMaterial) => void,
  ) {
    this.timer = setInterval(() => void this.checkFiles(), CHECK_INTERVAL_MS);
    void this.fingerprint().then((seen) => (this.seen = seen));
  }

  /** Reads the files now, changed or not. */
  async reload(): Promise<void> {
    if (this.reading) return;
    this.reading = true;
    try {
      const material = await loadCertificates(this.settings);
      if (JSON.stringify(material) === JSON.stringify(this.current)) return;
      this.current = material;
      this.use(material);
      log.info('certificates reloaded; running sessions keep theirs', {
        cert_path: this.settings.certPaths.join(','),
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

  // The CA's file too: a certificate that came before its CA is taken up with it.
  private async fingerprint(): Promise<string> {
    const { certPaths, keyPaths, trust } = this.settings;
    const stats = await Promise.all(
      [...certPaths, ...keyPaths, trust?.cacertPath ?? ''].map((path) =>
        stat(path).then(
          (found) => `${found.ino}:${found.mtimeMs}:${found.size}`,
          () => 'absent',
        ),
      ),
    );
    return stats.join('|');
  }
}
