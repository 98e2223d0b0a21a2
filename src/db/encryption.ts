// SPDX-License-Identifier: Apache-2.0
// Encryption at rest of single values: AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce.
//   v1:<key id>:<base64url of nonce(12) | tag(16) | ciphertext>
// The additional data names version, table, column and row, so that a value moved to another row does not decrypt.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { DatabaseError } from '../exception.js';
import { shownPath } from '../option-file.js';
import { readKeyFile } from './key-file.js';
import type { EncryptionKey } from './key-file.js';

/** The column and row of a value: it decrypts with no other. */
export interface EncryptionContext {
  readonly table: string;
  readonly column: string;
  /** The row's primary key, in order. */
  readonly row: readonly string[];
}

const VERSION = 'v1';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The keys of this process, reread from their file when a value names one that is not known yet. */
export class Cipher {
  readonly #path: string;
  #keys: ReadonlyMap<string, Buffer>;
  #current: string;

  /** `keys` is what the file at `path` holds; `current` is the id of the key for new values. */
  constructor(path: string, keys: readonly EncryptionKey[], current: string) {
    this.#path = path;
    this.#keys = new Map(keys.map(({ id, key }) => [id, key]));
    this.#current = current;
  }

  /** Path of the key file. */
  get path(): string {
    return this.#path;
  }

  /** Id of the key that seal() uses. */
  get current(): string {
    return this.#current;
  }

  /**
   * Makes `id` the key of new values.
   * @throws DatabaseError when the key file does not hold it
   */
  use(id: string): void {
    this.#key(id);
    this.#current = id;
  }

  /** Encrypts a value with its context. */
  seal(context: EncryptionContext, value: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key(this.#current), nonce);
    cipher.setAAD(additionalData(context));
    const body = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()]);
    const sealed = Buffer.concat([nonce, cipher.getAuthTag(), body]);
    return `${VERSION}:${this.#current}:${sealed.toString('base64url')}`;
  }

  /**
   * Decrypts a value with its context.
   * @throws DatabaseError when the key is missing, or the value was changed or moved
   */
  open(context: EncryptionContext, sealed: string): string {
    const [version, id, body] = sealed.split(':');
    if (version !== VERSION || id === undefined || body === undefined) throw damaged(context);
    const bytes = Buffer.from(body, 'base64url');
    if (bytes.length < NONCE_BYTES + TAG_BYTES) throw damaged(context);
    const decipher = createDecipheriv('aes-256-gcm', this.#key(id), bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(additionalData(context));
    decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    try {
      return (
        decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
      );
    } catch {
      throw damaged(context);
    }
  }

  #key(id: string): Buffer {
    const known = this.#keys.get(id);
    if (known !== undefined) return known;
    const keys = readKeyFile(this.#path) ?? [];
    this.#keys = new Map([...this.#keys, ...keys.map((entry) => [entry.id, entry.key] as const)]);
    const found = this.#keys.get(id);
    if (found !== undefined) return found;
    throw new DatabaseError(
      `encryption key ${/^[0-9a-f]{8}$/.test(id) ? id : '?'} is not in ${shownPath(this.#path)}; ` +
        'copy the key file from the node where it was made or rotated',
    );
  }
}

/** Id of the key that a value was encrypted with; null when it is no encrypted value. */
export function keyIdOf(sealed: string): string | null {
  const [version, id] = sealed.split(':', 2);
  return version === VERSION && id !== undefined ? id : null;
}

function additionalData(context: EncryptionContext): Buffer {
  return Buffer.from(JSON.stringify([VERSION, context.table, context.column, ...context.row]), 'utf8');
}

function damaged(context: EncryptionContext): DatabaseError {
  return new DatabaseError(
    `an encrypted value of ${context.table}.${context.column} (${context.row.join('/')}) cannot be read: ` +
      'it was changed or moved',
  );
}
