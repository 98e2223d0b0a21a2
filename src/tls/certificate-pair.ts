// SPDX-License-Identifier: Apache-2.0
// A certificate file and its key file: read, and checked for what can be seen without knowing who verifies it. The
// server's own certificate comes first in its file, the intermediates behind it.
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContext } from 'node:tls';
import { ConfError } from '../exception.js';
import { shownPath, unreadableOption } from '../option-file.js';
import { certificateBlocks, holdsPrivateKey } from './pem.js';

/** The group whose cert_path and key_path they are, for faults. */
export type CertificateGroup = 'spice' | 'html5proxy';

/** A certificate with what lies behind it in its file, and its key. */
export interface CertificatePair {
  readonly certPath: string;
  /** PEM, as in the file. */
  readonly cert: string;
  /** PEM, as in the file. */
  readonly key: string;
  /** The server's own certificate, then the others of the file. */
  readonly certificates: readonly [X509Certificate, ...X509Certificate[]];
  /** To serve with. */
  readonly context: SecureContext;
}

type Files = Omit<CertificatePair, 'context'>;

/**
 * Reads a pair.
 * @returns the pair, or everything that is wrong with it
 */
export async function readPair(
  group: CertificateGroup,
  certPath: string,
  keyPath: string,
): Promise<CertificatePair | ConfError[]> {
  const faults: ConfError[] = [];
  const attempt = async <T>(read: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof ConfError)) throw error;
      faults.push(error);
      return undefined;
    }
  };
  const found = await attempt(() => readCertificates(group, certPath));
  const key = await attempt(() => readKey(group, keyPath));
  if (found === undefined || key === undefined) return faults;
  const files = { certPath, cert: found.text, key: key.text, certificates: found.certificates };
  const fault = keyFault(group, files, key.key, keyPath);
  if (fault !== undefined) return [fault];
  const context = contextOf(group, files);
  return context instanceof ConfError ? [context] : { ...files, context };
}

/**
 * The certificates of a PEM text, in their order.
 * @throws Error when there is none, or one cannot be read; the message completes "the file ..."
 */
export function parseCertificates(text: string): [X509Certificate, ...X509Certificate[]] {
  const parsed = certificateBlocks(text).map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch {
      throw new Error(`has a certificate that cannot be read, number ${index + 1} of it`);
    }
  });
  const [first, ...others] = parsed;
  if (first !== undefined) return [first, ...others];
  throw new Error(
    holdsPrivateKey(text) ? 'holds a private key, and no PEM certificate' : 'holds no PEM certificate',
  );
}

async function readText(group: CertificateGroup, option: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw unreadableOption(group, option, path, error);
  }
}

async function readCertificates(
  group: CertificateGroup,
  path: string,
): Promise<{ text: string; certificates: CertificatePair['certificates'] }> {
  const text = await readText(group, 'cert_path', path);
  try {
    return { text, certificates: parseCertificates(text) };
  } catch (error) {
    throw new ConfError(
      ...([group, 'cert_path', `the file ${shownPath(path)} ${(error as Error).message}`] as const),
      'name a PEM file with the certificate of the server and, behind it, its intermediates',
    );
  }
}

async function readKey(group: CertificateGroup, path: string): Promise<{ text: string; key: KeyObject }> {
  const text = await readText(group, 'key_path', path);
  try {
    return { text, key: createPrivateKey(text) };
  } catch {
    const [what, remedy] = isLocked(text)
      ? ['holds a key with a passphrase', 'take it off: openssl pkey -in LOCKED.pem -out KEY.pem']
      : ['holds no usable PEM key', 'name the file of the private key, an unencrypted PEM key'];
    throw new ConfError(group, 'key_path', `the file ${shownPath(path)} ${what}`, remedy);
  }
}

/** PKCS#8 says so in its label, the older forms in a header (RFC 1421). */
function isLocked(text: string): boolean {
  return /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text);
}

function keyFault(
  group: CertificateGroup,
  { certPath, certificates }: Files,
  key: KeyObject,
  keyPath: string,
): ConfError | undefined {
  const at = certificates.findIndex((certificate) => certificate.checkPrivateKey(key));
  if (at === 0) return undefined;
  if (at < 0) {
    return new ConfError(
      ...([
        group,
        'key_path',
        `the key ${shownPath(keyPath)} does not belong to ${shownPath(certPath)}`,
      ] as const),
      'name its own key, in the same place of the list',
    );
  }
  return new ConfError(
    ...([group, 'cert_path'] as const),
    `the file ${shownPath(certPath)} has the server's own certificate as number ${at + 1}, behind an intermediate`,
    'put the certificate that the key belongs to first, then its intermediates from below to above',
  );
}

/** Fails with what OpenSSL does not serve with, such as a key that is too short for it. */
function contextOf(group: CertificateGroup, { cert, key, certPath }: Files): SecureContext | ConfError {
  try {
    return createSecureContext({ cert, key, minVersion: 'TLSv1.2' });
  } catch (error) {
    const { reason, message } = error as Error & { reason?: string };
    return new ConfError(
      ...([group, 'cert_path'] as const),
      `OpenSSL does not serve with the file ${shownPath(certPath)} (${reason ?? message})`,
      'have a certificate issued with an ECDSA key, or an RSA key of 2048 bits or more, and SHA-256',
    );
  }
}
