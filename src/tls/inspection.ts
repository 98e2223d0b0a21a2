// SPDX-License-Identifier: Apache-2.0
// Reads the certificates of a port and finds out everything that is wrong with them: the files, the keys, and whether those who
// connect can verify them with what Kerbside tells them.
import { ConfError } from '../exception.js';
import { shownPath } from '../option-file.js';
import { CaFileAbsent, readCaFile, type CaFile } from './ca-file.js';
import { readPair, type CertificateGroup, type CertificatePair } from './certificate-pair.js';
import type { Chain } from './chain.js';
import { clientContext, clientRefusal, type Refusal } from './client-view.js';
import { nameFaults, type ExpectedNames } from './name-fault.js';
import { chainOf, explainRefusal, outdatedFaults, wordsOf } from './refusal.js';

/** What SPICE clients verify the certificates with. */
export interface ClientTrust extends ExpectedNames {
  /** `[spice] cacert_path`; '' when clients go by the authorities of their own machine. */
  readonly cacertPath: string;
}

/** Which certificates, and for whom. */
export interface CertificateSettings {
  readonly group: CertificateGroup;
  readonly certPaths: readonly string[];
  readonly keyPaths: readonly string[];
  /** null: browsers, of which Kerbside does not know what they trust. */
  readonly trust: ClientTrust | null;
}

/** What was found. */
export interface Inspection {
  readonly pairs: readonly CertificatePair[];
  /** From each certificate upwards. */
  readonly chains: readonly Chain[];
  /** What keeps everybody from connecting. */
  readonly faults: readonly ConfError[];
  /** What is odd; one line each. */
  readonly warnings: readonly string[];
}

/** The certificates of the SPICE TLS port. @param spice the options of [spice] */
export function spiceCertificates(
  spice: ClientTrust & { readonly certPath: readonly string[]; readonly keyPath: readonly string[] },
): CertificateSettings {
  return { group: 'spice', certPaths: spice.certPath, keyPaths: spice.keyPath, trust: spice };
}

/** The certificate of the pages for browsers; null: they are served without TLS. */
export function browserCertificates(html5proxy: {
  readonly certPath: string;
  readonly keyPath: string;
}): CertificateSettings | null {
  const { certPath, keyPath } = html5proxy;
  if (certPath === '' && keyPath === '') return null;
  const given = (path: string): string[] => (path === '' ? [] : [path]);
  return { group: 'html5proxy', certPaths: given(certPath), keyPaths: given(keyPath), trust: null };
}

/** Inspects them. @param now epoch milliseconds, for what is said about dates; OpenSSL goes by the clock */
export async function inspectCertificates(
  settings: CertificateSettings,
  now = Date.now(),
): Promise<Inspection> {
  const { group, trust } = settings;
  const faults: ConfError[] = [];
  const warnings: string[] = [];
  const pairs = await readPairs(settings, faults);
  const ca =
    trust === null || trust.cacertPath === '' ? null : await readCa(trust.cacertPath, faults, warnings);
  if (trust === null) {
    for (const { message } of pairs.flatMap((pair) => outdatedFaults(group, ownLink(pair), now)))
      warnings.push(`browsers warn of it: ${message}`);
  } else {
    const found = ca === null ? await withoutCa(pairs, trust, now) : await withCa(pairs, ca, now);
    faults.push(...found.faults, ...nameFaults(pairs, trust));
    warnings.push(...found.warnings);
  }
  return { pairs, chains: pairs.map((pair) => chainOf(pair, ca, now)), faults, warnings };
}

async function readPairs(settings: CertificateSettings, faults: ConfError[]): Promise<CertificatePair[]> {
  const { group, certPaths, keyPaths } = settings;
  if (certPaths.length === 0 || certPaths.length !== keyPaths.length) {
    faults.push(
      new ConfError(
        ...([group, 'key_path'] as const),
        `${certPaths.length} certificates and ${keyPaths.length} keys are configured`,
        'give one key for each certificate, in the same order',
      ),
    );
    return [];
  }
  const pairs: CertificatePair[] = [];
  for (const [index, certPath] of certPaths.entries()) {
    const pair = await readPair(group, certPath, keyPaths[index] ?? '');
    if (Array.isArray(pair)) faults.push(...pair);
    else pairs.push(pair);
  }
  return pairs;
}

async function readCa(path: string, faults: ConfError[], warnings: string[]): Promise<CaFile | null> {
  try {
    return await readCaFile(path);
  } catch (error) {
    if (!(error instanceof ConfError)) throw error;
    // Clients are given the file by kerbside-api, which refuses to start without it; kerbside-proxy alone can do without.
    if (error instanceof CaFileAbsent)
      warnings.push(`whether clients can verify the certificates is not known: ${error.message}`);
    else faults.push(error);
    return null;
  }
}

interface Found {
  readonly faults: ConfError[];
  readonly warnings: string[];
}

async function withCa(pairs: readonly CertificatePair[], ca: CaFile, now: number): Promise<Found> {
  const found: Found = { faults: [], warnings: [] };
  const usual = clientContext(ca.pem, 'usual');
  for (const pair of pairs) {
    const first = await clientRefusal(pair.context, usual);
    if (first === null) continue;
    const refusal = await clientRefusal(pair.context, clientContext(ca.pem, 'any'));
    if (refusal === null) found.warnings.push(tooWeak(pair, first));
    else found.faults.push(...explainRefusal(refusal, pair, ca, now));
  }
  return found;
}

/** Of what clients trust nothing is known but that a certificate must be within its dates. */
async function withoutCa(
  pairs: readonly CertificatePair[],
  { cacertPath }: ClientTrust,
  now: number,
): Promise<Found> {
  const faults = pairs.flatMap((pair) => outdatedFaults('spice', ownLink(pair), now));
  const found: Found = { faults, warnings: [] };
  // The file is named and not here: told already.
  if (cacertPath !== '' || faults.length > 0) return found;
  const client = clientContext(undefined, 'any');
  for (const pair of pairs) {
    const refusal = await clientRefusal(pair.context, client);
    if (refusal !== null) found.warnings.push(unknownCa(pair, refusal));
  }
  return found;
}

function unknownCa({ certPath }: CertificatePair, refusal: Refusal): string {
  return (
    `no public CA vouches for the certificate of ${shownPath(certPath)} (${wordsOf(refusal)}); name its CA in ` +
    '[spice] cacert_path, unless every client has it already'
  );
}

function ownLink({ certPath, certificates: [certificate] }: CertificatePair): Pick<Chain, 'links'> {
  return { links: [{ certificate, path: certPath, trusted: false }] };
}

function tooWeak({ certPath }: CertificatePair, refusal: Refusal): string {
  return (
    `clients of most distributions refuse the certificate of ${shownPath(certPath)}: ${wordsOf(refusal)}; ` +
    'have keys of RSA-2048 or ECDSA and signatures with SHA-256, those of the CA too'
  );
}
