// SPDX-License-Identifier: Apache-2.0
// Which encryption key is in use: the key file holds the keys, the table encryption_keys says which of them is the
// current one, so that all nodes agree. Finds the state at start-up, and changes it by rotation (rotate-encryption.ts).
import { DatabaseError } from '../exception.js';
import { addKey, currentKeyId, holdsEncryptedRows } from './api/encryption-keys.js';
import { Cipher } from './encryption.js';
import { createKeyFile, keyFile, newKey, readKeyFile } from './key-file.js';
import type { EncryptionKey } from './key-file.js';
import type { Statements } from './statements.js';

/**
 * The cipher of this database. Makes the key file on the first start.
 * @throws DatabaseError when values are encrypted and the key file is missing or is another database's
 */
export async function openCipher(db: Statements, path: string): Promise<Cipher> {
  const { cipher, keys } = await agreed(db, path);
  return cipher ?? firstUse(db, path, keys ?? createKeyFile(path, newKey()));
}

/**
 * The same, without making or writing anything.
 * @throws DatabaseError also when there is no key file yet
 */
export async function findCipher(db: Statements, path: string): Promise<Cipher> {
  const { cipher, keys } = await agreed(db, path);
  if (cipher !== null) return cipher;
  const [first] = keys ?? [];
  if (keys !== null && first !== undefined) return new Cipher(path, keys, first.id);
  throw new DatabaseError(
    `${keyFile(path)} is missing; copy it from another node, or have "kerbside-manage db sync" make the first one`,
  );
}

/** The keys of the file, and the cipher when the one that the database names is among them. */
async function agreed(
  db: Statements,
  path: string,
): Promise<{ cipher: Cipher | null; keys: EncryptionKey[] | null }> {
  const current = await currentKeyId(db);
  const keys = readKeyFile(path);
  if (keys !== null && current !== null && keys.some(({ id }) => id === current)) {
    return { cipher: new Cipher(path, keys, current), keys };
  }
  if (current !== null && (await holdsEncryptedRows(db))) {
    const fault = keys === null ? 'is missing' : `does not hold the key ${current}`;
    throw new DatabaseError(
      `${keyFile(path)} ${fault}, but ${db.place} holds values encrypted with it; ` +
        'restore the file from a backup, or copy it from another node',
    );
  }
  return { cipher: null, keys };
}

/** Makes the key of new values the one that the database names; call it before a batch of writes. */
export async function refreshKey(db: Statements & { readonly cipher: Cipher }): Promise<void> {
  const current = await currentKeyId(db);
  if (current !== null && current !== db.cipher.current) db.cipher.use(current);
}

async function firstUse(db: Statements, path: string, keys: readonly EncryptionKey[]): Promise<Cipher> {
  const id = keys[0]?.id ?? '';
  await addKey(db, id, Date.now() / 1000);
  return new Cipher(path, keys, id);
}
