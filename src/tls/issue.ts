// SPDX-License-Identifier: Apache-2.0
// Makes a certificate authority and certificates of it for servers, with the openssl program: the one thing that Node's own
// crypto has no function for. Keys are made here, and lie in the folder that the caller gives, readable for their owner only.
import { execFile } from 'node:child_process';
import { createPrivateKey, generateKeyPair, X509Certificate } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { InvalidInput, StartupError } from '../exception.js';
import { parsePin, subjectMatches } from './host-subject.js';

/** The kind of a server's key: clients choose the one that they can do. */
export type KeyType = 'ecdsa' | 'rsa';

/** A certificate and its key, in PEM. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
}

/** What a certificate of a server says. */
export interface ServerCertificate {
  readonly keyType: KeyType;
  /** As `[spice] host_subject` has it. */
  readonly subject: string;
  /** Host names and addresses. */
  readonly names: readonly string[];
  readonly days: number;
}

/** A host name that a certificate can have. */
const HOST_NAME =
  /^(?=.{1,253}$)(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/i;
/** An RSA authority: clients that cannot do ECDSA can check it, too, and a server never signs with its key. */
const AUTHORITY_BITS = 3072;
const SERVER_BITS = 2048;
const TIMEOUT_MS = 60_000;
const FAULT_CHARACTERS = 300;

const run = promisify(execFile);
const newKeyPair = promisify(generateKeyPair);

/** Whether a text is a host name or an address that can stand in a certificate. */
export function isCertificateName(text: string): boolean {
  return isIP(text) !== 0 || HOST_NAME.test(text);
}

/**
 * Makes an authority that signs its own certificate.
 *
 * @param folder a folder that nobody else can read, for the files that openssl works with
 * @throws StartupError when the openssl program is missing or fails
 */
export async function makeAuthority(folder: string, subject: string, days: number): Promise<Issued> {
  const key = await newKey('rsa', AUTHORITY_BITS);
  const extensions = [
    'basicConstraints = critical,CA:TRUE,pathlen:0',
    'keyUsage = critical,keyCertSign,cRLSign',
    'subjectKeyIdentifier = hash',
  ];
  return { key, cert: await sign({ folder, key, subject, days, extensions }) };
}

/**
 * Makes a certificate of a server.
 *
 * @param authority signs it
 * @throws InvalidInput when the subject is none that certificates can have
 * @throws StartupError when the openssl program is missing or fails
 */
export async function issueServer(
  folder: string,
  authority: Issued,
  { keyType, subject, names, days }: ServerCertificate,
): Promise<Issued> {
  const key = await newKey(keyType, SERVER_BITS);
  const extensions = [
    'basicConstraints = critical,CA:FALSE',
    `keyUsage = critical,digitalSignature${keyType === 'rsa' ? ',keyEncipherment' : ''}`,
    'extendedKeyUsage = serverAuth',
    'subjectKeyIdentifier = hash',
    'authorityKeyIdentifier = keyid',
    `subjectAltName = ${names.map((name) => `${isIP(name) === 0 ? 'DNS' : 'IP'}:${name}`).join(',')}`,
  ];
  const cert = await sign({ folder, key, subject, days, extensions, authority });
  // openssl leaves out what it does not know the name of.
  if (!subjectMatches(subject, new X509Certificate(cert)))
    throw new InvalidInput(`the subject "${subject}" names an attribute that openssl does not know`);
  return { key, cert };
}

async function newKey(type: KeyType, bits: number): Promise<string> {
  const { privateKey } =
    type === 'rsa'
      ? await newKeyPair('rsa', { modulusLength: bits })
      : await newKeyPair('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

interface Signing {
  readonly folder: string;
  readonly key: string;
  readonly subject: string;
  readonly days: number;
  /** In the words of x509v3_config(5). */
  readonly extensions: readonly string[];
  /** Absent: the key signs its own certificate. */
  readonly authority?: Issued;
}

async function sign({ folder, key, subject, days, extensions, authority }: Signing): Promise<string> {
  const place = (name: string): string => join(folder, name);
  const config = [
    ...['[req]', 'distinguished_name = subject', 'string_mask = utf8only', '[subject]'],
    ...['[extensions]', ...extensions, ''],
  ];
  await writeFile(place('openssl.cnf'), config.join('\n'), { mode: 0o600 });
  await writeFile(place('key.pem'), key, { mode: 0o600 });
  const signer =
    authority === undefined ? [] : ['-CA', place('signer.pem'), '-CAkey', place('signer-key.pem')];
  if (authority !== undefined) {
    await writeFile(place('signer.pem'), authority.cert, { mode: 0o600 });
    await writeFile(place('signer-key.pem'), authority.key, { mode: 0o600 });
  }
  await openssl([
    ...['req', '-x509', '-sha256', '-config', place('openssl.cnf'), '-extensions', 'extensions'],
    ...['-key', place('key.pem'), '-days', String(days), '-utf8', '-subj', slashed(subject), ...signer],
    ...['-out', place('certificate.pem')],
  ]);
  return readFile(place('certificate.pem'), 'utf8');
}

/** The subject in the form of openssl's -subj. @throws InvalidInput when it is none */
function slashed(subject: string): string {
  const entries = parsePin(subject);
  if (entries === null)
    throw new InvalidInput(`"${subject}" is not a subject; write it as O=Example,CN=kerbside.example.com`);
  return entries.map(({ key, value }) => `/${key}=${value.replace(/[/+\\]/g, '\\$&')}`).join('');
}

async function openssl(args: readonly string[]): Promise<void> {
  try {
    await run('openssl', args, { timeout: TIMEOUT_MS });
  } catch (error) {
    const { code, stderr = '' } = error as { readonly code?: unknown; readonly stderr?: string };
    if (code === 'ENOENT')
      throw new StartupError(
        'the program openssl, which signs certificates, is not there; install it (Debian: openssl)',
      );
    const fault = stderr.trim().replace(/\s+/g, ' ').slice(-FAULT_CHARACTERS);
    throw new StartupError(`openssl made no certificate: ${fault}`);
  }
}

/** Whether a key is the one of a certificate; both in PEM. false also for what is no key or no certificate. */
export function belongTogether({ cert, key }: Issued): boolean {
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}
