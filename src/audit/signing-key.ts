// SPDX-License-Identifier: Apache-2.0
// The keys that exports of the audit trail are signed with: Ed25519 (RFC 8032). The private key is PEM (PKCS #8), the public
// one the base64url of its 32 bytes.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { InvalidInput } from '../exception.js';

/** A new pair. */
export function makeSigningKey(): { readonly publicKey: string; readonly privateKey: string } {
  const { privateKey } = generateKeyPairSync('ed25519');
  return {
    publicKey: publicTextOf(privateKey),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** Reads a private key. @throws InvalidInput that repeats nothing of it */
export function readSigningKey(pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // Said below.
  }
  throw new InvalidInput(
    'the file holds no Ed25519 private key in PEM; name one that "kerbside-manage audit keygen" made',
  );
}

/** Reads a public key. @throws InvalidInput */
export function readPublicKey(text: string): KeyObject {
  if (/^[A-Za-z0-9_-]{43}$/.test(text)) {
    try {
      return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: text }, format: 'jwk' });
    } catch {
      // Said below.
    }
  }
  throw new InvalidInput('public key: not the 43 characters that "kerbside-manage audit keygen" prints');
}

/** The public key as text. @param key either key of the pair */
export function publicTextOf(key: KeyObject): string {
  const { x } = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' });
  return x ?? '';
}
