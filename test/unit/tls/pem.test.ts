// SPDX-License-Identifier: Apache-2.0
// Which blocks of a PEM text may be handed out (RFC 7468).
import { describe, expect, it } from '@jest/globals';
import { certificateBlocks, holdsPrivateKey, onlyCertificates } from '../../../src/tls/pem.js';

const block = (label: string, text = 'AAAA'): string =>
  `-----BEGIN ${label}-----\n${text}\n-----END ${label}-----\n`;

describe('a PEM text', () => {
  it.each([
    'PRIVATE KEY',
    'ENCRYPTED PRIVATE KEY',
    'RSA PRIVATE KEY',
    'EC PRIVATE KEY',
    'OPENSSH PRIVATE KEY',
  ])('with a %s holds a private key, and gives its certificates alone', (label) => {
    const text = `${block('CERTIFICATE', 'one')}${block(label)}${block('CERTIFICATE', 'two')}`;
    expect(holdsPrivateKey(text)).toBe(true);
    expect(onlyCertificates(text)).toBe(block('CERTIFICATE', 'one') + block('CERTIFICATE', 'two'));
  });

  it.each(['PUBLIC KEY', 'CERTIFICATE', 'X509 CRL', 'DH PARAMETERS'])(
    'with a %s holds no private key',
    (label) => {
      expect(holdsPrivateKey(block(label))).toBe(false);
    },
  );

  it.each([null, '', 'hello', block('PRIVATE KEY'), '-----BEGIN CERTIFICATE-----\nhalf'])(
    'without a whole certificate gives nothing: %j',
    (text) => {
      expect(onlyCertificates(text)).toBeNull();
      expect(certificateBlocks(text ?? '')).toEqual([]);
    },
  );

  it('with other line ends keeps the blocks as they are', () => {
    const text = block('CERTIFICATE').replaceAll('\n', '\r\n');
    expect(onlyCertificates(text)).toBe(`${text.trimEnd()}\n`);
  });
});
