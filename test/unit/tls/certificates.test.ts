// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loadCertificates, CertificateWatch } from '../../../src/tls/certificates.js';
import type { TlsMaterial } from '../../../src/tls/certificates.js';
import { ConfError } from '../../../src/exception.js';
import { makeCertificates, type Certificates } from '../../fixtures/certificates.js';

let made: Certificates;

beforeAll(() => {
  made = makeCertificates();
});
afterAll(() => made.remove());

function file(name: string, text: string): string {
  const path = join(made.folder, name);
  writeFileSync(path, text);
  return path;
}

function anotherRsaKey(): string {
  return generateKeyPairSync('rsa', { modulusLength: 2048 })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString();
}

describe('loadCertificates', () => {
  it('reads all pairs in their order', async () => {
    const { ecdsa, rsa } = made;
    const material = await loadCertificates([ecdsa.certPath, rsa.certPath], [ecdsa.keyPath, rsa.keyPath]);
    expect(material).toEqual({ cert: [ecdsa.cert, rsa.cert], key: [ecdsa.key, rsa.key] });
  });

  it.each<[string, () => [string[], string[]], RegExp]>([
    ['no pair', () => [[], []], /^\[spice\] key_path: 0 certificates and 0 keys/],
    [
      'more certificates than keys',
      () => [[made.ecdsa.certPath, made.rsa.certPath], [made.ecdsa.keyPath]],
      /2 certificates and 1 keys/,
    ],
    [
      'a certificate that does not exist',
      () => [['/nowhere/cert.pem'], [made.ecdsa.keyPath]],
      /^\[spice\] cert_path: the file \/nowhere\/cert\.pem does not exist/,
    ],
    [
      'a key that does not exist',
      () => [[made.ecdsa.certPath], ['/nowhere/key.pem']],
      /^\[spice\] key_path: the file \/nowhere\/key\.pem does not exist/,
    ],
    ['a folder', () => [[made.folder], [made.ecdsa.keyPath]], /cannot be read/],
    [
      'a file that holds no certificate',
      () => [[file('text.pem', 'hello')], [made.ecdsa.keyPath]],
      /text\.pem holds no PEM certificate/,
    ],
    [
      'a file that holds no key',
      () => [[made.ecdsa.certPath], [file('key.pem', 'hello')]],
      /key\.pem holds no usable PEM key/,
    ],
    [
      'the key of another certificate',
      () => [[made.ecdsa.certPath], [made.rsa.keyPath]],
      /does not belong to/,
    ],
    [
      'the key of another certificate of the same kind',
      () => [[made.rsa.certPath], [file('other.pem', anotherRsaKey())]],
      /does not belong to/,
    ],
  ])('refuses %s, naming option, path and fault', async (_what, paths, message) => {
    const error: unknown = await loadCertificates(...paths()).catch((fault: unknown) => fault);
    expect(error).toBeInstanceOf(ConfError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toContain('\n');
    expect((error as Error).message).not.toContain('PRIVATE KEY');
  });

  it('names a file that may not be read', async () => {
    const path = file('secret.pem', made.ecdsa.cert);
    chmodSync(path, 0);
    const outcome: unknown = await loadCertificates([path], [made.ecdsa.keyPath]).catch(
      (fault: unknown) => fault,
    );
    // The superuser may read everything.
    if (process.getuid?.() !== 0)
      expect(outcome).toMatchObject({ message: expect.stringContaining('is not readable') });
  });
});

describe('CertificateWatch', () => {
  it('gives a new state once, and keeps the old one when the new one is bad', async () => {
    const pair = { cert: join(made.folder, 'watched.pem'), key: join(made.folder, 'watched-key.pem') };
    copyFileSync(made.ecdsa.certPath, pair.cert);
    copyFileSync(made.ecdsa.keyPath, pair.key);
    const given: TlsMaterial[] = [];
    const current = await loadCertificates([pair.cert], [pair.key]);
    const watch = new CertificateWatch([pair.cert], [pair.key], current, (material) => given.push(material));
    try {
      await watch.reload();
      expect(given).toHaveLength(0);
      copyFileSync(made.rsa.certPath, pair.cert);
      await watch.reload();
      expect(given).toHaveLength(0);
      copyFileSync(made.rsa.keyPath, pair.key);
      await watch.reload();
      await watch.reload();
      expect(given).toEqual([{ cert: [made.rsa.cert], key: [made.rsa.key] }]);
    } finally {
      watch.close();
    }
  });
});
