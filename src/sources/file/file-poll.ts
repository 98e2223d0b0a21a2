// SPDX-License-Identifier: Apache-2.0
// Notices that a file has changed, however it was changed: written in place, replaced by another file, or reached
// through a symbolic link that now points elsewhere. Polling, because watching misses replaced files and network
// file systems. A file that is being written is read when its writer has been quiet for a moment.
import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Unavailable } from '../../exception.js';

/** Largest file that is read, in bytes. */
const MAX_BYTES = 32 * 1024 * 1024;
/** Up to this size the content is compared too: an edit can keep size and time stamp. */
const ALWAYS_READ_BYTES = 1024 * 1024;
const QUIET_MS = 200;
const MAX_WAITS = 10;

/** What a poll found. */
export type PollResult =
  { readonly kind: 'unchanged' } | { readonly kind: 'changed'; readonly bytes: Buffer };

/** Time as a poll sees it. */
export interface PollTime {
  /** Epoch milliseconds, as the time stamps of files are. */
  now(): number;
  /** Waits so many milliseconds for a writer. */
  wait(milliseconds: number): Promise<unknown>;
}

const SYSTEM_TIME: PollTime = { now: () => Date.now(), wait: (milliseconds) => sleep(milliseconds) };

/** Polls one file. */
export class FilePoll {
  private signature = '';
  private digest = '';

  constructor(
    private readonly path: string,
    private readonly time: PollTime = SYSTEM_TIME,
  ) {}

  /**
   * The file's content when it differs from that of the last poll.
   * @param force gives the content even when it is the same
   * @throws Unavailable when the file cannot be read (missing, no permission, too large)
   */
  async poll(force: boolean): Promise<PollResult> {
    try {
      return await this.read(force);
    } catch (cause) {
      this.signature = '';
      this.digest = '';
      if (cause instanceof Unavailable) throw cause;
      throw new Unavailable(`cannot be read: ${reason(cause)}`, { cause });
    }
  }

  private async read(force: boolean): Promise<PollResult> {
    const now = await stat(this.path);
    if (!force && signatureOf(now) === this.signature && now.size > ALWAYS_READ_BYTES)
      return { kind: 'unchanged' };
    const { bytes, signature } = await this.readQuiet();
    const digest = createHash('sha256').update(bytes).digest('hex');
    const same = digest === this.digest;
    this.signature = signature;
    this.digest = digest;
    return same && !force ? { kind: 'unchanged' } : { kind: 'changed', bytes };
  }

  // A writer that never rests is read all the same after MAX_WAITS.
  private async readQuiet(): Promise<{ bytes: Buffer; signature: string }> {
    for (let waits = 0; ; waits += 1) {
      const before = await stat(this.path);
      if (before.size > MAX_BYTES) throw new Unavailable(`is larger than ${String(MAX_BYTES)} bytes`);
      const age = this.time.now() - before.mtimeMs;
      const quiet = age < 0 || age >= QUIET_MS;
      if (quiet || waits >= MAX_WAITS) {
        const bytes = await readFile(this.path);
        const signature = signatureOf(await stat(this.path));
        if (signature === signatureOf(before) || waits >= MAX_WAITS) return { bytes, signature };
      }
      await this.time.wait(QUIET_MS);
    }
  }
}

const signatureOf = (stats: Stats): string => [stats.dev, stats.ino, stats.size, stats.mtimeMs].join(':');

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a directory',
};

function reason(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  return REASONS[code ?? ''] ?? message;
}
