// SPDX-License-Identifier: Apache-2.0
// The files of [vnc]: those of the certificate that hypervisors are shown, and of the CAs that theirs come from. They are read
// for every console; here it is seen at the start whether they can be used.
import { readFile } from 'node:fs/promises';
import { ConfError } from '../exception.js';
import { shownPath, unreadableOption } from '../option-file.js';
import { parseCertificates } from './certificate-pair.js';
import { checkIdentity } from './client-identity.js';

/** Paths; empty: none. */
export interface VncFiles {
  readonly vencryptCaCerts: string;
  readonly vencryptClientCert: string;
  readonly vencryptClientKey: string;
}

/** @throws ConfError a file of [vnc] cannot be used */
export async function checkVncFiles({
  vencryptCaCerts,
  vencryptClientCert,
  vencryptClientKey,
}: VncFiles): Promise<void> {
  await certificatesOf('vencrypt_ca_certs', vencryptCaCerts);
  const cert = await certificatesOf('vencrypt_client_cert', vencryptClientCert);
  const key = await textOf('vencrypt_client_key', vencryptClientKey);
  if (cert === null && key === null) return;
  const [given, missing] =
    cert === null
      ? ['vencrypt_client_key', 'vencrypt_client_cert']
      : ['vencrypt_client_cert', 'vencrypt_client_key'];
  if (cert === null || key === null)
    throw new ConfError('vnc', missing, `is not set, and ${given} is`, 'set both, or none');
  const [certPath, keyPath] = [vencryptClientCert, vencryptClientKey];
  checkIdentity('vnc', 'vencrypt_client_key', { cert, key, certPath, keyPath });
}

async function certificatesOf(option: string, path: string): Promise<string | null> {
  const text = await textOf(option, path);
  if (text === null) return null;
  try {
    parseCertificates(text);
    return text;
  } catch (error) {
    const fault = `the file ${shownPath(path)} ${(error as Error).message}`;
    throw new ConfError('vnc', option, fault, 'name a PEM file with certificates');
  }
}

async function textOf(option: string, path: string): Promise<string | null> {
  if (path === '') return null;
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw unreadableOption('vnc', option, path, error);
  }
}
