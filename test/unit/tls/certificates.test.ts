// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync } from 'node:crypto';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { loadCertificates, CertificateWatch } from '../../../src/tls/certificates.js';
import type { TlsMaterial } from '../../../src/tls/certificates.js';
import { StartupError, StartupFaults } from '../../../src/exception.js';
import { spiceCertificates, type CertificateSettings } from '../../../src/tls/inspection.js';
import { makeCertificates, PROXY_SUBJECT, type Certificates } from '../../fixtures/certificates.js';

// Programs are run: only a hang ends here.
jest.setTimeout(120_000);

let made: Certificates;

beforeAll(() => {
  made = makeCertificates();
});
afterAll(() => made.remove());

function file(name: string, ...texts: string[]): string {
  const path = join(made.folder, name);
  writeFileSync(path, texts.join(''));
  return path;
}

function settings(
  certPath: string[],
  keyPath: string[],
  cacertPath = made.authority.caPath,
): CertificateSettings {
  return spiceCertificates({
    certPath,
    keyPath,
    cacertPath,
    hostSubject: PROXY_SUBJECT,
    publicFqdn: 'localhost',
  });
}

function anotherRsaKey(): string {
  return generateKeyPairSync('rsa', { modulusLength: 2048 })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString();
}

const BROKEN = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';

function lockedKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const locked = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' } as const;
  return privateKey.export(locked).toString();
}

describe('loadCertificates', () => {
  it('reads all pairs in their order', async () => {
    const { ecdsa, rsa } = made;
    const material = await loadCertificates(
      settings([ecdsa.certPath, rsa.certPath], [ecdsa.keyPath, rsa.keyPath]),
    );
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
    [
      'a key with a passphrase',
      () => [[made.ecdsa.certPath], [file('locked.pem', lockedKey())]],
      /locked\.pem holds a key with a passphrase; take it off: openssl pkey/,
    ],
    [
      'the key in place of the certificate',
      () => [[made.ecdsa.keyPath], [made.ecdsa.keyPath]],
      /holds a private key, and no PEM certificate/,
    ],
    [
      'a second certificate that cannot be read',
      () => [[file('broken.pem', made.ecdsa.cert, BROKEN)], [made.ecdsa.keyPath]],
      /^\[spice\] cert_path: the file .*broken\.pem has a certificate that cannot be read, number 2 of it/,
    ],
    [
      'a certificate of a foreign CA',
      () => [[made.wrongCa.certPath], [made.wrongCa.keyPath]],
      /"O=Lab,CN=stranger CA"/,
    ],
  ])('refuses %s, naming option, path and fault', async (_what, paths, message) => {
    const error: unknown = await loadCertificates(settings(...paths())).catch((fault: unknown) => fault);
    expect(error).toBeInstanceOf(StartupError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toContain('\n');
    expect((error as Error).message).not.toContain('PRIVATE KEY');
  });

  it('tells all faults', async () => {
    const { wrongCa } = made;
    const attempt = loadCertificates(
      settings([wrongCa.certPath, '/absent.pem'], [wrongCa.keyPath, '/absent-key.pem']),
    );
    await expect(attempt).rejects.toThrow(StartupFaults);
    await expect(attempt).rejects.toThrow(
      /^\[spice\] cert_path: the file \/absent\.pem .* \[spice\] key_path: .* is signed by .*; \[spice\] host_subject: /,
    );
  });
});

describe('CertificateWatch', () => {
  it('gives a new state once, and keeps the old one when the new one is bad', async () => {
    const pair = { cert: join(made.folder, 'watched.pem'), key: join(made.folder, 'watched-key.pem') };
    copyFileSync(made.ecdsa.certPath, pair.cert);
    copyFileSync(made.ecdsa.keyPath, pair.key);
    const given: TlsMaterial[] = [];
    const watched = settings([pair.cert], [pair.key]);
    const watch = new CertificateWatch(watched, await loadCertificates(watched), (material) =>
      given.push(material),
    );
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

  it('keeps the old state while the new one does not fit the CA file, and takes it up when that follows', async () => {
    const at = (name: string): string => join(made.folder, name);
    const place = (from: string, to: string): void => copyFileSync(from, at(to));
    place(made.ecdsa.certPath, 'moved.pem');
    place(made.ecdsa.keyPath, 'moved-key.pem');
    place(made.authority.caPath, 'moved-ca.pem');
    const watched = settings([at('moved.pem')], [at('moved-key.pem')], at('moved-ca.pem'));
    const given: TlsMaterial[] = [];
    const watch = new CertificateWatch(watched, await loadCertificates(watched), (material) =>
      given.push(material),
    );
    const renewed = made.wrongAuthority.issue();
    try {
      place(renewed.certPath, 'moved.pem');
      place(renewed.keyPath, 'moved-key.pem');
      await watch.reload();
      expect(given).toHaveLength(0);
      place(made.wrongAuthority.caPath, 'moved-ca.pem');
      await watch.reload();
      expect(given).toEqual([{ cert: [renewed.cert], key: [renewed.key] }]);
    } finally {
      watch.close();
    }
  });
});
