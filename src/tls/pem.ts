// SPDX-License-Identifier: Apache-2.0
// PEM texts (RFC 7468): which of their blocks may be handed out. A file made for a server often holds its private key
// beside the certificates, and what clients are given must never hold one.

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;
/** PKCS#8 (plain and encrypted), PKCS#1, SEC 1 and OpenSSH keys. */
const PRIVATE_KEY = /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----/;

/** The CERTIFICATE blocks of a text, in their order; empty when it has none. */
export function certificateBlocks(text: string): string[] {
  return text.match(CERTIFICATE) ?? [];
}

/** The CERTIFICATE blocks of a text and nothing else, each on lines of its own; null when it has none. */
export function onlyCertificates(text: string | null): string | null {
  const blocks = certificateBlocks(text ?? '');
  return blocks.length === 0 ? null : blocks.map((block) => `${block}\n`).join('');
}

/** Whether a text holds a certificate in a form that OpenSSL reads as one of a CA. */
export function holdsCertificate(text: string): boolean {
  return /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/.test(text);
}

/** Whether a text holds a private key, of whatever form. */
export function holdsPrivateKey(text: string): boolean {
  return PRIVATE_KEY.test(text);
}
