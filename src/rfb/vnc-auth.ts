// SPDX-License-Identifier: Apache-2.0
// VNC authentication (RFC 6143, section 7.2.2): the challenge encrypted with DES, the password's first eight bytes as its
// key, each with its bits in reverse order.
import { createCipheriv } from 'node:crypto';

const KEY_BYTES = 8;

/** The answer to a challenge. @param password a secret; what is behind its first eight bytes does not count */
export function answerTo(challenge: Buffer, password: string): Buffer {
  const key = Buffer.alloc(KEY_BYTES);
  Buffer.from(password, 'utf8').copy(key);
  for (const [at, byte] of key.entries()) key[at] = reversed(byte);
  // OpenSSL 3 has left DES to its legacy provider; three times DES with one key, encrypt, decrypt, encrypt, is the same.
  const cipher = createCipheriv('des-ede3-ecb', Buffer.concat([key, key, key]), null).setAutoPadding(false);
  return Buffer.concat([cipher.update(challenge), cipher.final()]);
}

function reversed(byte: number): number {
  let bits = 0;
  for (let bit = 0; bit < 8; bit += 1) bits |= ((byte >> bit) & 1) << (7 - bit);
  return bits;
}
