// SPDX-License-Identifier: Apache-2.0
// A file of lines that is only ever added to and that is whole at every moment: what is written is on the disk before the
// writer goes on, and what a full disk or the end of the process left of a line is cut off. It grows to a size and then makes
// room for a new one, or somebody else moves it away (logrotate).
import {
  closeSync,
  fdatasync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs';
import { rename, unlink } from 'node:fs/promises';
import { promisify } from 'node:util';
import { KerbsideException } from '../exception.js';
import { shownPath } from '../option-file.js';

const synced = promisify(fdatasync);
const LINE_END = 0x0a;
/** How much of the end of a file is searched for its last whole line; a longer line was never written. */
const SEARCHED = 65_536;

/** How a file makes room. */
export interface Rotation {
  /** Bytes from which on a new file is begun; 0: never, somebody else moves it. */
  readonly maxBytes: number;
  /** How many earlier files stay, as PATH.1 (the newest) and so on. */
  readonly keep: number;
}

/** The file cannot be written. */
export class AuditFileFault extends KerbsideException {}

/** A file of lines. */
export class RotatingFile {
  private descriptor: number | undefined;

  constructor(
    private readonly path: string,
    private readonly rotation: Rotation,
    private readonly option: string,
  ) {}

  /** Adds lines, each with its end; all or none. @throws AuditFileFault */
  async append(lines: Buffer): Promise<void> {
    try {
      this.follow();
      await this.makeRoom(lines.length);
      this.descriptor ??= openWhole(this.path);
      const { descriptor } = this;
      writeAll(descriptor, lines);
      await synced(descriptor);
    } catch (error) {
      this.close();
      const code = (error as NodeJS.ErrnoException).code ?? 'fault';
      throw new AuditFileFault(
        `${shownPath(this.path)} cannot be written (${code}); see to its disk and permissions, or change ${this.option}`,
      );
    }
  }

  /** Opens the file by its name at the next line. */
  close(): void {
    const { descriptor } = this;
    this.descriptor = undefined;
    if (descriptor !== undefined) closeSync(descriptor);
  }

  /** The file may have been moved away, or removed. */
  private follow(): void {
    if (this.descriptor === undefined) return;
    const there = statSync(this.path, { throwIfNoEntry: false });
    const ours = fstatSync(this.descriptor);
    if (there?.ino !== ours.ino || there.dev !== ours.dev) this.close();
  }

  private async makeRoom(bytes: number): Promise<void> {
    const { maxBytes, keep } = this.rotation;
    const size = statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
    if (maxBytes === 0 || size === 0 || size + bytes <= maxBytes) return;
    this.close();
    for (let number = keep - 1; number >= 1; number -= 1)
      await rename(`${this.path}.${number}`, `${this.path}.${number + 1}`).catch(unlessAbsent);
    if (keep > 0) await rename(this.path, `${this.path}.1`);
    else await unlink(this.path);
  }
}

/** Opens a file at its end, without what is left of a line that was never finished. */
function openWhole(path: string): number {
  const descriptor = openSync(path, 'a+', 0o640);
  const { size } = fstatSync(descriptor);
  const end = Buffer.alloc(Math.min(size, SEARCHED));
  readSync(descriptor, end, 0, end.length, size - end.length);
  const torn = end.length - 1 - end.lastIndexOf(LINE_END);
  if (torn > 0) ftruncateSync(descriptor, size - torn);
  return descriptor;
}

/** Writes all or nothing. */
function writeAll(descriptor: number, lines: Buffer): void {
  const { size } = fstatSync(descriptor);
  try {
    let written = 0;
    while (written < lines.length) written += writeSync(descriptor, lines, written);
  } catch (error) {
    ftruncateSync(descriptor, size);
    throw error;
  }
}

function unlessAbsent(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
