// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Cipher, keyIdOf } from '../../../src/db/encryption.js';
import { newKey, writeKeyFile } from '../../../src/db/key-file.js';
import { passwordContext, ticketContext } from '../../../src/db/encryption-contexts.js';

describe('Cipher', () => {
  let folder = '';
  let path = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kerbside-keys-'));
    path = join(folder, 'encryption.key');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const key = newKey();
  const place = ticketContext('lab', 'one');
  const aCipher = (): Cipher => new Cipher(path, [key], key.id);

  it.each(['', 'sesame', 'ünïcode ✓', 'x'.repeat(5000)])('gives back what it sealed', (value) => {
    const cipher = aCipher();
    const sealed = cipher.seal(place, value);
    expect(sealed.startsWith(`v1:${key.id}:`)).toBe(true);
    expect(keyIdOf(sealed)).toBe(key.id);
    expect(cipher.open(place, sealed)).toBe(value);
  });

  it('seals the same value differently each time', () => {
    const cipher = aCipher();
    expect(cipher.seal(place, 'x')).not.toBe(cipher.seal(place, 'x'));
  });

  it('opens a value at its own place only', () => {
    const cipher = aCipher();
    const sealed = cipher.seal(place, 'sesame');
    for (const other of [ticketContext('lab', 'two'), ticketContext('la', 'bone'), passwordContext('lab')]) {
      expect(() => cipher.open(other, sealed)).toThrow(/it was changed or moved/);
    }
  });

  it('refuses a value of which any byte was changed, without naming it', () => {
    const cipher = aCipher();
    const sealed = cipher.seal(place, 'sesame');
    const head = sealed.lastIndexOf(':') + 1;
    const body = Buffer.from(sealed.slice(head), 'base64url');
    for (let at = 0; at < body.length; at += 1) {
      const changed = Buffer.from(body);
      changed[at] = changed[at]! ^ 1;
      const text = sealed.slice(0, head) + changed.toString('base64url');
      expect(() => cipher.open(place, text)).toThrow(
        'an encrypted value of consoles.ticket (lab/one) cannot be read',
      );
    }
    for (let length = 0; length < body.length; length += 1) {
      const text = sealed.slice(0, head) + body.subarray(0, length).toString('base64url');
      expect(() => cipher.open(place, text)).toThrow(/cannot be read/);
    }
    for (const text of ['', 'sesame', 'v2:x:y', 'v1:only'])
      expect(() => cipher.open(place, text)).toThrow(/cannot be read/);
  });

  it('rereads the key file for a key that it does not know yet', () => {
    const cipher = aCipher();
    const next = newKey();
    writeKeyFile(path, [key, next]);
    const sealed = new Cipher(path, [key, next], next.id).seal(place, 'sesame');
    expect(cipher.open(place, sealed)).toBe('sesame');
    cipher.use(next.id);
    expect(keyIdOf(cipher.seal(place, 'x'))).toBe(next.id);
    expect(cipher.open(place, aCipher().seal(place, 'old'))).toBe('old');
  });

  it('names the key and the file when the file lacks the key', () => {
    const cipher = aCipher();
    const other = newKey();
    expect(() => cipher.use(other.id)).toThrow(
      `encryption key ${other.id} is not in ${path}; copy the key file`,
    );
    expect(() => cipher.open(place, 'v1:<script>:AAAA')).toThrow(
      /cannot be read|encryption key \? is not in/,
    );
  });
});
