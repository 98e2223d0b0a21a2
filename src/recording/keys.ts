// SPDX-License-Identifier: Apache-2.0
// The operator's key pair, and the key of one recording that follows from it: X25519 (RFC 7748) with a key pair made for the
// recording alone, then HKDF with SHA-256 (RFC 5869). Who records has the public key only, and can read nothing back.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import { PUBLIC_KEY_PATTERN } from '../conf/recording-key.js';
import { InvalidInput } from '../exception.js';

/** DER of an X25519 SubjectPublicKeyInfo in front of its 32 bytes (RFC 8410, section 4). */
const SPKI_PREFIX = Buffer.from('302a300506032b656e032100', 'hex');
const RAW_BYTES = 32;
const FINGERPRINT_BYTES = 16;
const INFO = Buffer.from('kerbside recording 1', 'ascii');

/** A public key that recordings are made for. */
export interface PublicKey {
  readonly key: KeyObject;
  readonly raw: Buffer;
  /** The first 16 bytes of the SHA-256 of `raw`. */
  readonly fingerprint: Buffer;
}

/** Makes a key pair: the text of the public key, and the private key as PEM (PKCS #8). */
export function makeKeyPair(): { readonly publicKey: string; readonly privateKey: string } {
  const pair = generateKeyPairSync('x25519');
  return {
    publicKey: rawOf(pair.publicKey).toString('base64'),
    privateKey: pair.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  };
}

/** Reads the text of a public key. @throws InvalidInput */
export function publicKeyOf(text: string): PublicKey {
  if (text === '' || !PUBLIC_KEY_PATTERN.accepts.test(text))
    throw new InvalidInput(`the public key is not ${PUBLIC_KEY_PATTERN.expected}`);
  const raw = Buffer.from(text, 'base64');
  const key = publicKeyObject(raw);
  try {
    diffieHellman({ publicKey: key, privateKey: generateKeyPairSync('x25519').privateKey });
  } catch {
    throw new InvalidInput('the public key protects nothing (a point of small order); make one with keygen');
  }
  return { key, raw, fingerprint: fingerprintOf(raw) };
}

/** Reads a private key. @throws InvalidInput, without a word of the text */
export function privateKeyOf(pem: string): { readonly key: KeyObject; readonly publicKey: PublicKey } {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw new InvalidInput('the file holds no private key; give the one that "recording keygen" has written');
  }
  if (key.asymmetricKeyType !== 'x25519')
    throw new InvalidInput('the private key is not of the kind X25519; give the one of "recording keygen"');
  const publicKey = createPublicKey(key);
  const raw = rawOf(publicKey);
  return { key, publicKey: { key: publicKey, raw, fingerprint: fingerprintOf(raw) } };
}

/** A pair for one recording. */
export function ephemeralPair(): { readonly key: KeyObject; readonly raw: Buffer } {
  const pair = generateKeyPairSync('x25519');
  return { key: pair.privateKey, raw: rawOf(pair.publicKey) };
}

/** The key of the X25519 point with these 32 bytes. */
export function publicKeyObject(raw: Buffer): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: 'der', type: 'spki' });
}

/**
 * The AES-256 key of a recording.
 *
 * @param mine the private half of one pair, and `theirs` the public half of the other one
 * @param operator the 32 bytes of the operator's public key
 * @param header all bytes of the recording's header: another header gives another key
 * @throws Error for a point of small order
 */
export function recordingKey(mine: KeyObject, theirs: KeyObject, operator: Buffer, header: Buffer): Buffer {
  const shared = diffieHellman({ privateKey: mine, publicKey: theirs });
  const salt = createHash('sha256').update(header).digest();
  const key = hkdfSync('sha256', shared, salt, Buffer.concat([INFO, operator]), 32);
  shared.fill(0);
  return Buffer.from(key);
}

function rawOf(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' }).subarray(-RAW_BYTES);
}

function fingerprintOf(raw: Buffer): Buffer {
  return createHash('sha256').update(raw).digest().subarray(0, FINGERPRINT_BYTES);
}
