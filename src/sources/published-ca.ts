// SPDX-License-Identifier: Apache-2.0
// The CA that a platform publishes for its hypervisors, compared with ca_cert of the source: another one would only show when
// desktops fail.
import { certificateBlocks } from '../tls/pem.js';

/**
 * Whether the certificates of a source are those of its platform.
 * @param published PEM, the CA that signs now first; null, or without a certificate: not published
 * @param caCert PEM; null: the source goes by the CAs of the system
 */
export function isKnownCa(published: string | null, caCert: string | null): boolean {
  const [now] = certificateBlocks(published ?? '');
  if (now === undefined || caCert === null) return true;
  return certificateBlocks(caCert).map(bare).includes(bare(now));
}

/** The base64 of a certificate alone: line ends differ. */
function bare(pem: string): string {
  return pem.replace(/-----[^-]*-----|\s/g, '');
}
