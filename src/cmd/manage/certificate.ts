// SPDX-License-Identifier: Apache-2.0
// kerbside-manage certificate generate: the certificates of the SPICE TLS port and an authority that clients check them with,
// for sites that have none. Prints the lines that kerbside.conf needs.
import { X509Certificate } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join, resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { Conflict, InvalidInput } from '../../exception.js';
import { belongTogether, isCertificateName, issueServer, makeAuthority } from '../../tls/issue.js';
import type { Issued, KeyType } from '../../tls/issue.js';
import { configure, say } from './run.js';

const AUTHORITY_DAYS = 3650;
const SERVER_DAYS = 825;
const MOST_DAYS = 36_500;
const DAY_MS = 86_400_000;
/** The longest common name that a certificate can have (RFC 5280, appendix A.1, ub-common-name). */
const LONGEST_COMMON_NAME = 64;
const OWNER_ONLY = 0o600;
const FOR_ALL = 0o644;
const CA_CERTIFICATE = 'ca-cert.pem';
const CA_KEY = 'ca-key.pem';
const KEY_TYPES: readonly KeyType[] = ['ecdsa', 'rsa'];

interface GenerateOptions {
  readonly directory: string;
  readonly name?: readonly string[];
  readonly subject?: string;
  readonly days: number;
  readonly force?: true;
}

/** A file to be put into the directory. */
interface NewFile {
  readonly name: string;
  readonly text: string;
  readonly mode: number;
}

const certificateFile = (type: KeyType): string => `proxy-${type}.pem`;
const keyFile = (type: KeyType): string => `proxy-${type}-key.pem`;

function collectName(text: string, before: readonly string[] = []): string[] {
  if (!isCertificateName(text)) throw new InvalidArgumentError('Give a host name or an address.');
  return [...new Set([...before, text])];
}

function readDays(text: string): number {
  const days = Number(text);
  if (/^\d+$/.test(text) && days >= 1 && days <= MOST_DAYS) return days;
  throw new InvalidArgumentError(`Give whole days from 1 to ${MOST_DAYS}.`);
}

/** The addresses of this machine that other machines, or itself, can name: those of one link only are left out. */
function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  return all.map(({ address }) => address).filter((address) => !/^(fe[89ab].:|169\.254\.)/i.test(address));
}

/** The authority of the directory; null when there is none. @throws Conflict when half of it is there */
function authorityIn(directory: string): Issued | null {
  const [certPath, keyPath] = [join(directory, CA_CERTIFICATE), join(directory, CA_KEY)];
  const there = [certPath, keyPath].filter((path) => existsSync(path));
  const [only] = there;
  if (only === undefined) return null;
  if (there.length === 1) {
    const missing = only === certPath ? keyPath : certPath;
    throw new Conflict(
      `${only} is there and ${missing} is not; put it back for certificates of the same authority, or remove the first for a new one`,
    );
  }
  const authority = { cert: readFileSync(certPath, 'utf8'), key: readFileSync(keyPath, 'utf8') };
  if (!belongTogether(authority)) throw new Conflict(`${keyPath} is not the key of ${certPath}`);
  return authority;
}

function demandFree(directory: string): void {
  const names = KEY_TYPES.flatMap((type) => [certificateFile(type), keyFile(type)]);
  const there = names.filter((name) => existsSync(join(directory, name)));
  if (there.length === 0) return;
  throw new Conflict(
    `${there.join(', ')} in ${directory} would be overwritten; --force replaces them, and keeps the authority`,
  );
}

/**
 * Puts files in the place of those that are there, each as a whole. Owner and mode stay: Kerbside runs as another user than
 * the operator, and has to go on reading them.
 */
function putFiles(directory: string, workplace: string, files: readonly NewFile[]): void {
  const fresh = files.map(({ name, text, mode }, index) => {
    const [path, target] = [join(workplace, `new-${index}`), join(directory, name)];
    writeFileSync(path, text, { mode: OWNER_ONLY });
    const old = statSync(target, { throwIfNoEntry: false });
    const own = statSync(path);
    if (old !== undefined && (old.uid !== own.uid || old.gid !== own.gid)) chownSync(path, old.uid, old.gid);
    chmodSync(path, old === undefined ? mode : old.mode & 0o777);
    return { path, target };
  });
  for (const { path, target } of fresh) renameSync(path, target);
}

async function makeFiles(workplace: string, known: Issued | null, of: Wanted): Promise<NewFile[]> {
  const today = new Date().toISOString().slice(0, 10);
  const authority =
    known ?? (await makeAuthority(workplace, `O=Kerbside,CN=Kerbside CA of ${today}`, AUTHORITY_DAYS));
  const left = Math.floor((Date.parse(new X509Certificate(authority.cert).validTo) - Date.now()) / DAY_MS);
  if (left < 1) throw new Conflict(`${CA_CERTIFICATE} has expired; remove it and ${CA_KEY} for a new one`);
  const files: NewFile[] = [];
  for (const keyType of KEY_TYPES) {
    const request = { keyType, subject: of.subject, names: of.names, days: Math.min(of.days, left) };
    const { cert, key } = await issueServer(workplace, authority, request);
    files.push({ name: keyFile(keyType), text: key, mode: OWNER_ONLY });
    files.push({ name: certificateFile(keyType), text: cert, mode: FOR_ALL });
  }
  if (known !== null) return files;
  return [
    { name: CA_KEY, text: authority.key, mode: OWNER_ONLY },
    { name: CA_CERTIFICATE, text: authority.cert, mode: FOR_ALL },
    ...files,
  ];
}

interface Wanted {
  readonly subject: string;
  readonly names: readonly string[];
  readonly days: number;
}

function confLines(directory: string, { subject, names }: Wanted, fqdn: string): string[] {
  // What follows a `$` would be taken for the name of an option.
  const value = (text: string): string => text.replaceAll('$', '$$$$');
  const paths = (file: (type: KeyType) => string): string =>
    KEY_TYPES.map((type) => value(join(directory, file(type)))).join(', ');
  const [first = fqdn] = names;
  return [
    `# Certificates for ${names.join(', ')}, made by "kerbside-manage certificate generate". ${CA_KEY} signs more of them:`,
    '# keep it where Kerbside does not run.',
    '[spice]',
    ...(first === fqdn ? [] : [`public_fqdn = ${first}`]),
    `host_subject = ${value(subject)}`,
    `cert_path = ${paths(certificateFile)}`,
    `key_path = ${paths(keyFile)}`,
    `cacert_path = ${value(join(directory, CA_CERTIFICATE))}`,
  ];
}

async function generate(options: GenerateOptions, command: Command): Promise<void> {
  const { publicFqdn } = configure(command).spice;
  const directory = resolve(options.directory);
  if (directory.includes(',')) throw new InvalidInput(`${directory}: a comma would end the path in a list`);
  const names = options.name ?? [...new Set([publicFqdn, ...ownAddresses()])];
  const [first = publicFqdn] = names;
  const commonName = first.length > LONGEST_COMMON_NAME ? 'kerbside' : first;
  const wanted = { names, days: options.days, subject: options.subject ?? `O=Kerbside,CN=${commonName}` };
  if (options.force !== true) demandFree(directory);
  const known = authorityIn(directory);
  mkdirSync(directory, { recursive: true });
  // Beside the files, so that keys are on no other disk, and readable for nobody else.
  const workplace = mkdtempSync(join(directory, '.certificates-'));
  try {
    putFiles(directory, workplace, await makeFiles(workplace, known, wanted));
  } finally {
    rmSync(workplace, { recursive: true, force: true });
  }
  for (const line of confLines(directory, wanted, publicFqdn)) say(line);
}

/** Adds `certificate generate`. */
export function addCertificateCommands(manage: Command): void {
  const certificate = manage
    .command('certificate')
    .description('certificates of the SPICE TLS port')
    .helpCommand(false);
  certificate
    .command('generate')
    .description(
      'make an authority, unless the directory has one, and an ECDSA and an RSA certificate of it; print the lines for kerbside.conf',
    )
    .option('--directory <folder>', 'where the files go; made when it is missing', '.')
    .option(
      '--name <host>',
      'a host name or address that they are for, may be given again; [spice] public_fqdn and the addresses of this machine when absent',
      collectName,
    )
    .option(
      '--subject <subject>',
      'their subject, as host_subject has it; O=Kerbside,CN=<first name> when absent',
    )
    .option('--days <days>', 'how long they are valid', readDays, SERVER_DAYS)
    .option('--force', 'replace server certificates that are there; the authority is kept')
    .action(generate);
}
