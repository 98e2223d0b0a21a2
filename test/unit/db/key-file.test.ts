// SPDX-License-Identifier: Apache-2.0
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createKeyFile, newKey, readKeyFile, writeKeyFile } from '../../../src/db/key-file.js';

describe('the key file', () => {
  let folder = '';
  let path = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kerbside-keys-'));
    path = join(folder, 'encryption.key');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is made for its owner only, whatever the umask, and leaves nothing beside it', () => {
    const umask = process.umask(0);
    try {
      const key = newKey();
      expect(createKeyFile(path, key)).toEqual([key]);
    } finally {
      process.umask(umask);
    }
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['encryption.key']);
  });

  it('that another process made first is the one that counts', () => {
    const first = newKey();
    createKeyFile(path, first);
    expect(createKeyFile(path, newKey())).toEqual([first]);
  });

  it('keeps several keys in order, under a comment that says what it is', () => {
    const keys = [newKey(), newKey()];
    writeKeyFile(path, keys);
    expect(readKeyFile(path)).toEqual(keys);
    expect(readFileSync(path, 'utf8')).toMatch(/^# Encryption keys of Kerbside/);
  });

  it('may be missing', () => {
    expect(readKeyFile(path)).toBeNull();
  });

  it.each([0o640, 0o604, 0o666, 0o610])('is refused with mode %s', (mode) => {
    createKeyFile(path, newKey());
    chmodSync(path, mode);
    expect(() => readKeyFile(path)).toThrow(/is open to others .*; chmod 600/);
  });

  it.each([
    ['', /holds no key/],
    ['# only a comment\n', /holds no key/],
    ['0a1b2c3d short\n', /line 1 is no key/],
    ['# x\n\nnonsense\n', /line 3 is no key/],
    ['x'.repeat(70_000), /too large/],
  ])('with other text in it is refused, without showing the text', (text, message) => {
    writeFileSync(path, text, { mode: 0o600 });
    expect(() => readKeyFile(path)).toThrow(message);
    expect(() => readKeyFile(path)).not.toThrow(/nonsense|short/);
  });

  it('in a folder that does not exist cannot be written, and says so', () => {
    expect(() => createKeyFile('/nonexistent/encryption.key', newKey())).toThrow(
      /cannot be written \(ENOENT\)/,
    );
    expect(() => readKeyFile(folder)).toThrow(/is open to others|cannot be read/);
  });
});
