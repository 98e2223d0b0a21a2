// SPDX-License-Identifier: Apache-2.0
// Which files are read, and how an unreadable one is named.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { readFiles } from '../../../src/conf/files.js';
import { StartupFaults } from '../../../src/exception.js';

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

  it('names all of them, and what is wrong in the others', () => {
    const broken = join(folder, 'broken.conf');
    writeFileSync(broken, 'x\n');
    expect(() => readFiles({ configFiles: [folder, known, broken], configDirs: ['/absent.d'] })).toThrow(
      new StartupFaults([
        'configuration directory /absent.d cannot be read: there is no such file or directory',
        `configuration file ${folder} cannot be read: it is a directory, not a file`,
        `${broken} line 1: neither a [group], nor "option = value", nor a comment`,
      ]),
    );
  });
});
