// SPDX-License-Identifier: Apache-2.0
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { initramfs } from '../../../bench/slow-link/initramfs.js';

interface Entry {
  readonly name: string;
  readonly mode: number;
  readonly content: string;
}

/** Reads an archive as the kernel does. */
function entries(archive: Buffer): Entry[] {
  const found: Entry[] = [];
  for (let at = 0; at < archive.length;) {
    expect(archive.toString('latin1', at, at + 6)).toBe('070701');
    const field = (index: number): number =>
      Number.parseInt(archive.toString('latin1', at + 6 + index * 8, at + 14 + index * 8), 16);
    const [mode, size, nameSize] = [field(1), field(6), field(11)];
    const name = archive.toString('latin1', at + 110, at + 110 + nameSize - 1);
    const start = at + Math.ceil((110 + nameSize) / 4) * 4;
    found.push({ name, mode, content: archive.toString('latin1', start, start + size) });
    at = start + Math.ceil(size / 4) * 4;
  }
  return found;
}

describe('an initramfs', () => {
  const archive = gunzipSync(
    initramfs([
      { path: 'init', content: Buffer.from('program'), executable: true },
      { path: 'modules/drm/one.ko', content: Buffer.from('x') },
    ]),
  );

  test('holds the folders on the way before the files, and ends as cpio does', () => {
    expect(entries(archive).map(({ name }) => name)).toEqual([
      'dev',
      'modules',
      'modules/drm',
      'init',
      'modules/drm/one.ko',
      'TRAILER!!!',
    ]);
  });

  test('holds the bytes and the rights of its files', () => {
    const [init, module] = entries(archive).slice(3);
    expect(init).toEqual({ name: 'init', mode: 0o100755, content: 'program' });
    expect(module).toEqual({ name: 'modules/drm/one.ko', mode: 0o100644, content: 'x' });
  });
});
