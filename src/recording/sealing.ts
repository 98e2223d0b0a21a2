// SPDX-License-Identifier: Apache-2.0
// Seals and opens chunks with AES-256-GCM. A chunk's number is its nonce and its header is authenticated with it: one that is
// changed, missing, moved or of another recording does not open, and the last one says so under the seal.
import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';
import { ephemeralPair, publicKeyObject, recordingKey, type PublicKey } from './keys.js';
import {
  BrokenRecording,
  encodeChunkHeader,
  encodeHeader,
  TAG_BYTES,
  type ChunkHeader,
  type Compression,
} from './layout.js';
import type { RecordingMetadata } from './metadata.js';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
/** Bytes that are sealed at once: the memory of larger results would be mapped and cleared anew for each. */
const PIECE_BYTES = 64 * 1024;

/** Seals the chunks of a new recording. */
export class Sealer {
  /** What the file begins with. */
  readonly header: Buffer;
  readonly #key: Buffer;
  private next = 0;

  constructor(operator: PublicKey, compression: Compression, metadata: RecordingMetadata) {
    const pair = ephemeralPair();
    const { fingerprint } = operator;
    this.header = encodeHeader({ compression, ephemeralKey: pair.raw, fingerprint, metadata });
    this.#key = recordingKey(pair.key, operator.key, operator.raw, this.header);
  }

  /** The next chunk: header, sealed bytes, tag. */
  seal(bytes: Buffer, facts: Omit<ChunkHeader, 'length'>): Buffer[] {
    const header = encodeChunkHeader({ ...facts, length: bytes.length });
    const cipher = createCipheriv(CIPHER, this.#key, nonceOf(this.next));
    this.next += 1;
    cipher.setAAD(header);
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += PIECE_BYTES)
      pieces.push(cipher.update(bytes.subarray(at, at + PIECE_BYTES)));
    cipher.final();
    return [header, ...pieces, cipher.getAuthTag()];
  }
}

/** Opens the chunks of one recording. */
export class Opener {
  readonly #key: Buffer;
  private next = 0;

  /**
   * @param header all bytes of the header
   * @throws BrokenRecording when its key is none
   */
  constructor(
    operator: { readonly key: KeyObject; readonly publicKey: PublicKey },
    header: Buffer,
    ephemeralKey: Buffer,
  ) {
    try {
      this.#key = recordingKey(operator.key, publicKeyObject(ephemeralKey), operator.publicKey.raw, header);
    } catch {
      throw new BrokenRecording('its header has no usable key; it is damaged');
    }
  }

  /** The bytes of the next chunk. @throws BrokenRecording when it is not that chunk of this recording */
  open(header: Buffer, sealed: Buffer): Buffer {
    const body = sealed.subarray(0, sealed.length - TAG_BYTES);
    const decipher = createDecipheriv(CIPHER, this.#key, nonceOf(this.next));
    decipher.setAAD(header);
    decipher.setAuthTag(sealed.subarray(body.length));
    try {
      const bytes = decipher.update(body);
      decipher.final();
      this.next += 1;
      return bytes;
    } catch {
      throw new BrokenRecording(
        `chunk ${this.next} does not open: it was changed, or it is not the chunk that belongs there`,
      );
    }
  }
}

function nonceOf(number: number): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeBigUInt64LE(BigInt(number), 4);
  return nonce;
}
