// SPDX-License-Identifier: Apache-2.0
// RSA-1024 ticket keys: the one the client encrypts its ticket to, and encryption of the backend's ticket.
// A key serves many links because making one costs about 8 ms of CPU; the ticket travels inside TLS anyway.
// Ticket: RSAES-OAEP (SHA-1, MGF1-SHA-1, empty label) of password + NUL, spice/protocol.h SpiceLinkEncryptedTicket: what
// node:crypto does with a key that no options are given with. Keys are given in the two forms that Node 24 takes without
// throwing and catching an error or two of its own, stack trace included, on the way: a private key by itself, and text.
import { createPublicKey, generateKeyPair, privateDecrypt, publicEncrypt, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { loggerFor } from '../../log.js';

const makeKeyPair = promisify(generateKeyPair);
const log = loggerFor('kerbside.console.ticket-key');

/** A key is replaced after this many seconds, or after {@link KEY_MAX_USES} links. */
export const KEY_MAX_AGE = 60;
export const KEY_MAX_USES = 1000;

/**
 * What precedes the RSAPublicKey (RFC 8017, appendix A.1.1) in the SubjectPublicKeyInfo of every 1024-bit key with a
 * three-byte exponent: OpenSSL reads the bare key 40 times faster than the whole.
 */
const SPKI_PREFIX = Buffer.from('30819f300d06092a864886f70d010101050003818d00', 'hex');

/** Bytes of a ciphertext that spice-html5 may have moved; one more happens once in 16 million links. */
const MOST_SHIFTED = 2;

/** One RSA-1024 key pair. A link keeps the key it was shown, whatever replaces it meanwhile. */
export class TicketKey {
  /** DER SubjectPublicKeyInfo, 162 bytes, as the link reply carries it. */
  readonly publicKey: Buffer;

  private constructor(
    publicKey: KeyObject,
    private readonly privateKey: KeyObject,
  ) {
    this.publicKey = publicKey.export({ format: 'der', type: 'spki' });
  }

  /** Makes a fresh pair on the thread pool. */
  static async create(): Promise<TicketKey> {
    const pair = await makeKeyPair('rsa', { modulusLength: 1024, publicExponent: 65537 });
    return new TicketKey(pair.publicKey, pair.privateKey);
  }

  /**
   * The ticket's text up to its first NUL; null when the block does not decrypt.
   * spice-html5 (0.3 at least, `rsa_encrypt` of ticket.js) drops the zero bytes that a ciphertext starts with, one
   * in 256, and fills up at the end: such a block is opened as it was meant.
   */
  decrypt(ciphertext: Buffer): string | null {
    let block = ciphertext;
    for (let shifted = 0; shifted <= MOST_SHIFTED; shifted += 1) {
      const text = this.open(block);
      if (text !== null || block.at(-1) !== 0) return text;
      block = Buffer.concat([Buffer.of(0), block.subarray(0, -1)]);
    }
    return null;
  }

  private open(block: Buffer): string | null {
    let plain: Buffer;
    try {
      plain = privateDecrypt(this.privateKey, block);
    } catch {
      return null;
    }
    const end = plain.indexOf(0);
    const text = plain.toString('utf8', 0, end === -1 ? plain.length : end);
    plain.fill(0);
    return text;
  }
}

/** The worker's current key; replaces it in the background by age and by uses. */
export class TicketKeys {
  private uses = 0;
  private replacing = false;
  private readonly timer: NodeJS.Timeout;

  private constructor(private key: TicketKey) {
    this.timer = setInterval(() => void this.replace(), KEY_MAX_AGE * 1000);
    this.timer.unref();
  }

  /** Makes the first key. */
  static async create(): Promise<TicketKeys> {
    return new TicketKeys(await TicketKey.create());
  }

  /** The key for one more link. */
  take(): TicketKey {
    this.uses += 1;
    if (this.uses >= KEY_MAX_USES) void this.replace();
    return this.key;
  }

  /** Ends the background replacement. */
  close(): void {
    clearInterval(this.timer);
  }

  private async replace(): Promise<void> {
    if (this.replacing || this.uses === 0) return;
    this.replacing = true;
    try {
      this.key = await TicketKey.create();
      this.uses = 0;
    } catch (error) {
      log.error('ticket key was not replaced; the old one stays in use', { error: String(error) });
    } finally {
      this.replacing = false;
    }
  }
}

/**
 * Encrypts the backend's ticket to the key of its link reply.
 *
 * @param publicKey DER SubjectPublicKeyInfo
 * @returns 128 bytes
 * @throws Error when the key is not a usable RSA key
 */
export function encryptTicket(publicKey: Buffer, ticket: string): Buffer {
  return publicEncrypt(readable(publicKey), Buffer.from(`${ticket}\0`, 'utf8'));
}

function readable(spki: Buffer): string | KeyObject {
  const usual = spki.subarray(0, SPKI_PREFIX.length).equals(SPKI_PREFIX);
  if (!usual) return createPublicKey({ key: spki, format: 'der', type: 'spki' });
  const bare = spki.toString('base64', SPKI_PREFIX.length);
  return `-----BEGIN RSA PUBLIC KEY-----\n${bare}\n-----END RSA PUBLIC KEY-----\n`;
}
