// SPDX-License-Identifier: Apache-2.0
// The encryption key file: one key a line, `<id> <32 bytes in base64>`, newest first; `#` begins a comment.
// Mode 0600. It is replaced as a whole (write beside, then rename), so that a reader sees the old or the new file,
// never half of one.
import { randomBytes } from 'node:crypto';
import {
  linkSync,
  openSync,
  closeSync,
  fsyncSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { DatabaseError } from '../exception.js';
import { shownPath } from '../option-file.js';

/** One AES-256 key. */
export interface EncryptionKey {
  /** 8 hex digits. */
  readonly id: string;
  readonly key: Buffer;
}

const KEY_BYTES = 32;
const LARGEST_FILE = 65536;
const HEADER =
  '# Encryption keys of Kerbside. Whoever has this file and the database can read every ticket in it.\n';

/** A fresh random key. */
export function newKey(): EncryptionKey {
  return { id: randomBytes(4).toString('hex'), key: randomBytes(KEY_BYTES) };
}

/**
 * Reads the key file; null when there is none.
 * @throws DatabaseError when others may read it, or it cannot be read, or a line is no key
 */
export function readKeyFile(path: string): EncryptionKey[] | null {
  let text: string;
  try {
    const { mode, size } = statSync(path);
    if ((mode & 0o077) !== 0) {
      const shown = (mode & 0o777).toString(8).padStart(4, '0');
      throw new DatabaseError(`${keyFile(path)} is open to others (mode ${shown}); chmod 600 ${path}`);
    }
    if (size > LARGEST_FILE)
      throw new DatabaseError(`${keyFile(path)} is too large to be one; name another one`);
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof DatabaseError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new DatabaseError(
      `${keyFile(path)} cannot be read (${codeOf(error)}); let the user that Kerbside runs as read it`,
    );
  }
  return parseKeys(path, text);
}

/**
 * Makes the key file with `key` in it, unless another process was faster; either way gives what the file holds.
 * @throws DatabaseError when the folder cannot be written
 */
export function createKeyFile(path: string, key: EncryptionKey): EncryptionKey[] {
  const fresh = writeBeside(path, [key]);
  try {
    // link() refuses an existing name, which rename() would overwrite.
    linkSync(fresh, path);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw cannotWrite(path, error);
  } finally {
    unlinkSync(fresh);
  }
  return readKeyFile(path) ?? [key];
}

/** Replaces the key file. */
export function writeKeyFile(path: string, keys: readonly EncryptionKey[]): void {
  const fresh = writeBeside(path, keys);
  try {
    renameSync(fresh, path);
  } catch (error) {
    unlinkSync(fresh);
    throw cannotWrite(path, error);
  }
}

function writeBeside(path: string, keys: readonly EncryptionKey[]): string {
  const fresh = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    const file = openSync(fresh, 'wx', 0o600);
    try {
      writeSync(file, HEADER + keys.map(({ id, key }) => `${id} ${key.toString('base64')}\n`).join(''));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw cannotWrite(path, error);
  }
  return fresh;
}

function parseKeys(path: string, text: string): EncryptionKey[] {
  const keys: EncryptionKey[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const match = /^([0-9a-f]{8}) ([A-Za-z0-9+/]{43}=)\s*$/.exec(line);
    if (match === null)
      throw new DatabaseError(`${keyFile(path)} line ${index + 1} is no key; restore it from a backup`);
    keys.push({ id: match[1] ?? '', key: Buffer.from(match[2] ?? '', 'base64') });
  }
  if (keys.length === 0) throw new DatabaseError(`${keyFile(path)} holds no key; restore it from a backup`);
  return keys;
}

function cannotWrite(path: string, error: unknown): DatabaseError {
  return new DatabaseError(`${keyFile(path)} cannot be written (${codeOf(error)}); see to its folder`);
}

/** How messages of the file begin. */
export function keyFile(path: string): string {
  return `[database] encryption_key_file: ${shownPath(path)}`;
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | null)?.code ?? 'unknown fault';
}
