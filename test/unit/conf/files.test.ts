// SPDX-License-Identifier: Apache-2.0
// Which files are read, and how an unreadable one is named.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { readFiles } from '../../../src/conf/files.js';

const folder = mkdtempSync(join(tmpdir(), 'kerbside-files-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('readFiles', () => {
  const known = join(folder, 'known.conf');
  writeFileSync(known, '[api]\nport = 1\n');

  it('reads the default file only when it exists and no other is named', () => {
    const groups = (configFiles: string[], fallback: string): number =>
      readFiles({ configFiles, configDirs: [] }, fallback).length;
    expect(groups([], known)).toBe(1);
    expect(groups([], join(folder, 'absent.conf'))).toBe(0);
    expect(groups([known], known)).toBe(1);
  });

  it('names a file or directory that is not there', () => {
    const absent = join(folder, 'absent');
    expect(() => readFiles({ configFiles: [absent], configDirs: [] })).toThrow(
      `configuration file ${absent} cannot be read: there is no such file or directory`,
    );
    expect(() => readFiles({ configFiles: [], configDirs: [absent] }, absent)).toThrow(
      `configuration directory ${absent} cannot be read: there is no such file or directory`,
    );
    expect(() => readFiles({ configFiles: [folder], configDirs: [] })).toThrow(
      'it is a directory, not a file',
    );
  });
});
