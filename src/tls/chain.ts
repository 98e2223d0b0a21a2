// SPDX-License-Identifier: Apache-2.0
// From a server's certificate upwards, as far as its issuers are at hand. It explains what OpenSSL has decided in a
// handshake (client-view.ts), and says which certificates are in use; it decides nothing itself.
import type { X509Certificate } from 'node:crypto';

/** A certificate and the file that it is in. */
export interface Link {
  readonly certificate: X509Certificate;
  readonly path: string;
  /** Among those that clients trust. */
  readonly trusted: boolean;
}

/** The way upwards. */
export interface Chain {
  /** The server's own certificate first. */
  readonly links: readonly [Link, ...Link[]];
  /**
   * Where it ends: `root`, a self-signed certificate that clients trust; `stranger`, one that they do not; `gap`: the issuer
   * of the last one is not there.
   */
  readonly end: 'root' | 'stranger' | 'gap';
}

/** More than any site has: the chain ends in a circle. */
const MAX_LINKS = 16;

/** Whether the certificate is within its dates. @param now epoch milliseconds */
export function validAt(certificate: X509Certificate, now: number): boolean {
  return Date.parse(certificate.validFrom) <= now && now <= Date.parse(certificate.validTo);
}

/**
 * Follows the issuers.
 * @param own the server's own certificate
 * @param others all that may be above it
 * @param now epoch milliseconds
 */
export function followChain(own: Link, others: readonly Link[], now: number): Chain {
  const links: [Link, ...Link[]] = [own];
  // Where a CA is cross-signed there are several issuers: clients look at those that they trust first.
  const sorted = [...others].sort((a, b) => rank(b, now) - rank(a, now));
  for (let last = own; links.length < MAX_LINKS;) {
    const { certificate } = last;
    if (certificate.checkIssued(certificate))
      return { links, end: isTrusted(last, others) ? 'root' : 'stranger' };
    const issuer = sorted.find((link) => issued(link, certificate));
    if (issuer === undefined) return { links, end: 'gap' };
    links.push(issuer);
    last = issuer;
  }
  return { links, end: 'gap' };
}

function rank({ certificate, trusted }: Link, now: number): number {
  return (trusted ? 2 : 0) + (validAt(certificate, now) ? 1 : 0);
}

function issued({ certificate: issuer }: Link, certificate: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function isTrusted({ certificate, trusted }: Link, others: readonly Link[]): boolean {
  return trusted || others.some((link) => link.trusted && link.certificate.raw.equals(certificate.raw));
}
