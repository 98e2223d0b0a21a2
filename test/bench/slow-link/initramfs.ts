// SPDX-License-Identifier: Apache-2.0
// The file system that a guest's kernel starts with, as bytes: an archive of plain files in cpio's "new ASCII" form, which
// is all that the kernel reads, so that no archiver has to be installed.
import { gzipSync } from 'node:zlib';

/** A file of the archive; folders on its way are made. */
export interface InitramfsFile {
  /** Without a leading slash. */
  readonly path: string;
  readonly content: Buffer;
  readonly executable?: boolean;
}

const [FOLDER_MODE, FILE_MODE, PROGRAM_MODE] = [0o040755, 0o100644, 0o100755];
const TRAILER = 'TRAILER!!!';

/**
 * The archive, compressed.
 *
 * @see Documentation/driver-api/early-userspace/buffer-format.rst of Linux
 */
export function initramfs(files: readonly InitramfsFile[]): Buffer {
  const folders = new Set(['dev', ...files.flatMap(({ path }) => parents(path))]);
  const entries = [
    ...[...folders].sort().map((path) => [path, FOLDER_MODE, Buffer.alloc(0)] as const),
    ...files.map((file) => {
      return [file.path, file.executable === true ? PROGRAM_MODE : FILE_MODE, file.content] as const;
    }),
    [TRAILER, 0, Buffer.alloc(0)] as const,
  ];
  const parts = entries.map(([path, mode, content], at) => entry(path, mode, content, at + 1));
  return gzipSync(Buffer.concat(parts), { level: 1 });
}

function parents(path: string): string[] {
  const names = path.split('/').slice(0, -1);
  return names.map((_, at) => names.slice(0, at + 1).join('/'));
}

function entry(path: string, mode: number, content: Buffer, inode: number): Buffer {
  const name = Buffer.from(`${path}\0`, 'latin1');
  const links = mode === FOLDER_MODE ? 2 : 1;
  // Inode, mode, owner, group, links, time, size, device (2), special device (2), length of the name, check sum.
  const fields = [inode, mode, 0, 0, links, 0, content.length, 0, 0, 0, 0, name.length, 0];
  const header = `070701${fields.map((value) => value.toString(16).padStart(8, '0')).join('')}`;
  return Buffer.concat([padded(Buffer.concat([Buffer.from(header, 'latin1'), name])), padded(content)]);
}

/** Filled up to whole words of four bytes. */
function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
