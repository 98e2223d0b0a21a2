// SPDX-License-Identifier: Apache-2.0
// Why clients refuse a certificate, in words of the operator: what of the chain is out of date, missing or foreign, in which
// file, and what to do. Where nothing of that kind is found, OpenSSL's own words.
import type { X509Certificate } from 'node:crypto';
import { ConfError } from '../exception.js';
import { shownPath } from '../option-file.js';
import type { CaFile } from './ca-file.js';
import type { CertificateGroup, CertificatePair } from './certificate-pair.js';
import { followChain, validAt, type Chain, type Link } from './chain.js';
import type { Refusal } from './client-view.js';
import { pinOf } from './host-subject.js';

/** Names of CAs that a message lists at most. */
const SHOWN_CAS = 5;

/** The chain of a pair. @param ca what clients trust; null when that is not known */
export function chainOf({ certPath, certificates }: CertificatePair, ca: CaFile | null, now: number): Chain {
  const [own, ...others] = certificates;
  const link = (certificate: X509Certificate): Link => ({ certificate, path: certPath, trusted: false });
  const trusted = (ca?.certificates ?? []).map((certificate): Link => ({
    ...{ certificate, path: ca?.path ?? '', trusted: true },
  }));
  return followChain(link(own), [...trusted, ...others.map(link)], now);
}

/** The faults of the certificates of a chain that have expired, or are not valid yet. */
export function outdatedFaults(
  group: CertificateGroup,
  { links }: Pick<Chain, 'links'>,
  now: number,
): ConfError[] {
  return links
    .filter(({ certificate }) => !validAt(certificate, now))
    .map(({ certificate, path, trusted }) => {
      const option = trusted ? 'cacert_path' : 'cert_path';
      const what = `the certificate ${named(certificate.subject)} of ${shownPath(path)}`;
      return now > Date.parse(certificate.validTo)
        ? new ConfError(group, option, `${what} expired on ${certificate.validTo}`, 'renew it')
        : new ConfError(
            ...([group, option] as const),
            `${what} is valid from ${certificate.validFrom} on, and it is ${new Date(now).toUTCString()}`,
            'set the clock of this machine, or wait',
          );
    });
}

/** Why clients that trust the CAs of a file refuse the certificate. */
export function explainRefusal(
  refusal: Refusal,
  pair: CertificatePair,
  ca: CaFile,
  now: number,
): ConfError[] {
  const chain = chainOf(pair, ca, now);
  const faults = outdatedFaults('spice', chain, now);
  if (chain.end !== 'root' && !isSignedByMisfit(chain, ca)) faults.push(brokenChain(chain, pair, ca));
  if (faults.length > 0) return faults;
  const remedy =
    refusal.code === 'INVALID_PURPOSE'
      ? 'have it issued for servers (extended key usage serverAuth), by a certificate that is one of a CA'
      : 'have another certificate issued';
  return [
    new ConfError(
      ...(['spice', 'cert_path'] as const),
      `clients refuse the certificate of ${shownPath(pair.certPath)}: ${wordsOf(refusal)}`,
      remedy,
    ),
  ];
}

/** OpenSSL's words with its code, where that says more. */
export function wordsOf({ code, words }: Refusal): string {
  return code === '' || code === 'UNSPECIFIED' ? words : `${words} (${code})`;
}

/** Whether a CA of the file did sign the last one, and may not have: one that is not for signing certificates, for example. */
function isSignedByMisfit({ links }: Chain, ca: CaFile): boolean {
  const { certificate } = links.at(-1) ?? links[0];
  return ca.certificates.some(
    ({ subject, publicKey }) => subject === certificate.issuer && certificate.verify(publicKey),
  );
}

function brokenChain(chain: Chain, { certPath }: CertificatePair, ca: CaFile): ConfError {
  const { certificate, trusted } = chain.links.at(-1) ?? chain.links[0];
  const { subject, issuer } = certificate;
  const [file, caFile] = [shownPath(certPath), shownPath(ca.path)];
  const holds = `has ${listed(ca.certificates)}`;
  if (chain.end === 'stranger') {
    const what =
      chain.links.length === 1
        ? `the certificate of ${file} is signed by itself, and cacert_path (${caFile}) does not have it`
        : `the chain of ${file} ends at ${named(subject)}, and cacert_path (${caFile}) ${holds}`;
    return new ConfError('spice', 'cacert_path', what, 'name the file of the CA that signed it');
  }
  if (ca.certificates.some((other) => other.subject === issuer)) {
    return new ConfError(
      ...(['spice', 'cacert_path'] as const),
      `${caFile} has a CA of the name ${named(issuer)}, but it did not sign the certificate ${named(subject)} of ${file}: its key is another one`,
      'name the file of the CA that did',
    );
  }
  if (trusted) {
    return new ConfError(
      ...(['spice', 'cacert_path'] as const),
      `${caFile} has the intermediate ${named(subject)}, but not ${named(issuer)} above it, and clients want the chain up to ` +
        'a self-signed certificate',
      'append that one to the file',
    );
  }
  return new ConfError(
    ...(['spice', 'cert_path'] as const),
    `the certificate ${named(subject)} of ${file} is signed by ${named(issuer)}, which is neither behind it in that file nor in cacert_path ` +
      `(${caFile}, which ${holds})`,
    'append the certificate of that CA to the file of cert_path if it is an intermediate, or name the file of the CA in cacert_path',
  );
}

function named(name: string): string {
  const pin = pinOf(name);
  return pin === '' ? 'without a subject' : `"${pin}"`;
}

function listed(certificates: readonly X509Certificate[]): string {
  const names = certificates.slice(0, SHOWN_CAS).map(({ subject }) => named(subject));
  const more = certificates.length - names.length;
  return more === 0 ? names.join(', ') : `${names.join(', ')} and ${more} more`;
}
