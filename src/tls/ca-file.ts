// SPDX-License-Identifier: Apache-2.0
// The file of [spice] cacert_path, as it is handed out to clients: its certificates and nothing else of it.
import type { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ConfError } from '../exception.js';
import { shownPath, unreadable } from '../option-file.js';
import { parseCertificates } from './certificate-pair.js';
import { holdsPrivateKey, onlyCertificates } from './pem.js';

/** What clients get. */
export interface CaFile {
  readonly path: string;
  /** The CERTIFICATE blocks. */
  readonly pem: string;
  readonly certificates: readonly X509Certificate[];
}

/** The file is not there. */
export class CaFileAbsent extends ConfError {}

/**
 * Reads it.
 * @throws CaFileAbsent when there is none
 * @throws ConfError when it cannot be read, holds no certificate, one that cannot be read, or a private key
 */
export async function readCaFile(path: string): Promise<CaFile> {
  const text = await readText(path);
  if (holdsPrivateKey(text)) {
    throw fault(
      `the file ${shownPath(path)} holds a private key, and clients are given this file`,
      'keep the certificates alone in it',
    );
  }
  try {
    const certificates = parseCertificates(text);
    return { path, pem: onlyCertificates(text) ?? '', certificates };
  } catch (error) {
    throw fault(
      `the file ${shownPath(path)} ${(error as Error).message}`,
      'name a PEM file with the certificate of the CA, or leave the option empty',
    );
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { fault: what, remedy } = unreadable(path, error);
    const Kind = (error as NodeJS.ErrnoException).code === 'ENOENT' ? CaFileAbsent : ConfError;
    throw new Kind('spice', 'cacert_path', what, `${remedy}, or leave the option empty`);
  }
}

function fault(what: string, remedy: string): ConfError {
  return new ConfError('spice', 'cacert_path', what, remedy);
}
