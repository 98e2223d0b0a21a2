// SPDX-License-Identifier: Apache-2.0
// The folder of recordings: makes new files, finds those that are there, and keeps their size and age within bounds. The
// oldest go first; one that is being written is never removed.
import { constants, statSync, accessSync } from 'node:fs';
import { open, readdir, rename, stat, unlink, utimes, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomBytes } from 'node:crypto';
import { ConfError, Unavailable } from '../exception.js';
import { shownPath } from '../option-file.js';
import type { DiskLane } from './disk-lane.js';
import { publicKeyOf } from './keys.js';
import { BrokenRecording } from './layout.js';
import { LIVE_EXTENSION, summaryOf, type RecordingSummary } from './recording-reader.js';

/** How the names of recordings end. */
const EXTENSION = '.kerbrec';
/** Milliseconds without a write or touch after which one that has not ended, of another process, counts as left behind. */
const LEFT_BEHIND_MS = 24 * 3600 * 1000;
/** What is written to see whether anything can be. */
const CHECK = Buffer.alloc(4096);
const OWNER_ONLY = 0o600;
/** Milliseconds between two looks at the whole folder, which other nodes may write into as well. */
const LOOK_MS = 60_000;
const SECOND_MS = 1000;

/** Within which bounds the folder is kept; 0: without one. */
export interface FolderBounds {
  readonly maxBytes: number;
  /** Seconds since a recording was last written to. */
  readonly maxAge: number;
}

interface Found {
  readonly path: string;
  readonly bytes: number;
  readonly changedMs: number;
}

/** Checks [recording] at the start of a program. @throws ConfError */
export function checkRecording({
  path,
  publicKey,
}: {
  readonly path: string;
  readonly publicKey: string;
}): void {
  if (path === '' && publicKey === '') return;
  if (path === '')
    throw new ConfError(
      'recording',
      'path',
      'is not set although public_key is',
      'give a directory, or neither',
    );
  if (publicKey === '')
    throw new ConfError(
      ...(['recording', 'public_key', 'is not set although path is'] as const),
      'give the key that "kerbside-manage recording keygen" prints, or neither',
    );
  try {
    publicKeyOf(publicKey);
  } catch (error) {
    throw new ConfError('recording', 'public_key', (error as Error).message, 'make one with keygen');
  }
  checkFolder('recording', path);
}

/** Checks a folder that shows what users do. @throws ConfError */
export function checkFolder(group: string, path: string): void {
  const fault = (what: string): ConfError =>
    new ConfError(
      ...([group, 'path', `the folder ${shownPath(path)} ${what}`] as const),
      'create it, owned by the user that Kerbside runs as, or name another one',
    );
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw fault('does not exist');
  if (!found.isDirectory()) throw fault('is no folder');
  if ((found.mode & 0o007) !== 0)
    throw new ConfError(
      ...([group, 'path', `everybody may enter the folder ${shownPath(path)}`] as const),
      `change that: chmod o-rwx ${path}`,
    );
  try {
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    throw fault('cannot be written to');
  }
}

/** All recordings of a folder, oldest first; what is no recording, or is gone meanwhile, is left out. @throws Unavailable */
export async function listRecordings(path: string): Promise<RecordingSummary[]> {
  const summaries: RecordingSummary[] = [];
  for (const { path: file } of await filesIn(path)) {
    try {
      summaries.push(await summaryOf(file));
    } catch (error) {
      if (!(error instanceof BrokenRecording) && !isGone(error)) throw error;
    }
  }
  return summaries.sort((one, other) => one.metadata.begin - other.metadata.begin);
}

/** The folder as the proxy of a node writes into it. */
export class RecordingFolder {
  private readonly live = new Set<string>();
  private readonly abandoned = new Set<string>();
  /** Bytes in the folder, as far as this process knows. */
  private bytes = 0;
  private lookedAt = -Infinity;
  private looking: Promise<void> | null = null;

  constructor(
    private readonly path: string,
    private readonly bounds: FolderBounds,
    private readonly lane: DiskLane,
    private readonly now: () => number = Date.now,
  ) {}

  /** A new file, for the owner's eyes only. @throws what the disk throws, Unavailable when it does not answer */
  async create(sessionId: string): Promise<{ readonly path: string; readonly file: FileHandle }> {
    await this.keepBounds();
    const begin = new Date(this.now()).toISOString().replaceAll(/[-:]|\.\d+/g, '');
    const safe = sessionId.replaceAll(/[^0-9A-Za-z-]/g, '').slice(0, 36);
    const path = join(this.path, `${begin}-${safe}-${randomBytes(4).toString('hex')}${LIVE_EXTENSION}`);
    // Before it exists: the look of another moment must not take it for an old one.
    this.live.add(path);
    try {
      const file = await this.lane.run(() => open(path, 'wx', OWNER_ONLY));
      return { path, file };
    } catch (error) {
      this.live.delete(path);
      throw error;
    }
  }

  /** Whether a recording could be made now. @throws Error with the words for that, Unavailable when it is not known in time */
  async check(withinMs: number): Promise<void> {
    const path = join(this.path, `.check-${randomBytes(4).toString('hex')}`);
    const tried = this.lane.run(async () => {
      const file = await open(path, 'wx', OWNER_ONLY);
      try {
        await file.write(CHECK);
      } finally {
        await file.close();
        await unlink(path);
      }
    });
    const late = sleep(withinMs, undefined, { ref: false }).then(() => {
      throw new Unavailable('the disk does not answer');
    });
    await Promise.race([tried, late]);
    await this.keepBounds();
    const { maxBytes } = this.bounds;
    if (maxBytes > 0 && this.bytes > maxBytes) throw new Unavailable('[recording] max_bytes is used up');
  }

  /** A recording has ended: it gets its name. @throws what the disk throws */
  async finish(path: string): Promise<void> {
    await this.lane.run(() => rename(path, path.slice(0, -LIVE_EXTENSION.length) + EXTENSION));
    this.live.delete(path);
  }

  /** A recording is lost from here on: it stays as it is, and goes with the oldest. */
  abandon(path: string): void {
    this.live.delete(path);
    this.abandoned.add(path);
  }

  /** Shows others that recordings are being written, also those of desktops that stand still. @throws Unavailable when the disk does not answer */
  async touch(): Promise<void> {
    const now = new Date(this.now());
    for (const path of [...this.live])
      await this.lane.run(() =>
        utimes(path, now, now).catch((error: unknown) => {
          if (!isGone(error)) throw error;
        }),
      );
  }

  /** So many bytes more are in the folder. @throws Unavailable when they are too many and none can go */
  async grew(bytes: number): Promise<void> {
    this.bytes += bytes;
    const { maxBytes } = this.bounds;
    if ((maxBytes > 0 && this.bytes > maxBytes) || this.now() - this.lookedAt > LOOK_MS)
      await this.keepBounds();
    if (maxBytes > 0 && this.bytes > maxBytes)
      throw new Unavailable(
        `[recording] max_bytes (${maxBytes}) is used up by recordings that are being written`,
      );
  }

  /** Removes what is too old or too much. @throws what the disk throws */
  keepBounds(): Promise<void> {
    this.looking ??= this.look().finally(() => {
      this.looking = null;
    });
    return this.looking;
  }

  private async look(): Promise<void> {
    const found = await this.lane.run(() => filesIn(this.path));
    this.lookedAt = this.now();
    this.bytes = found.reduce((sum, { bytes }) => sum + bytes, 0);
    const { maxBytes, maxAge } = this.bounds;
    const oldest = [...found].sort((one, other) => one.changedMs - other.changedMs);
    for (const { path, bytes, changedMs } of oldest) {
      const old = maxAge > 0 && this.now() - changedMs > maxAge * SECOND_MS;
      const much = maxBytes > 0 && this.bytes > maxBytes;
      if ((!old && !much) || this.isLive(path, changedMs)) continue;
      await this.lane
        .run(() => unlink(path))
        .catch((error: unknown) => {
          if (!isGone(error)) throw error;
        });
      this.bytes -= bytes;
      this.abandoned.delete(path);
    }
  }

  /** Whether somebody writes it: this process, or one of another node. */
  private isLive(path: string, changedMs: number): boolean {
    if (this.live.has(path)) return true;
    if (!path.endsWith(LIVE_EXTENSION) || this.abandoned.has(path)) return false;
    return this.now() - changedMs < LEFT_BEHIND_MS;
  }
}

async function filesIn(path: string): Promise<Found[]> {
  const names = (await readdir(path)).filter(
    (name) => name.endsWith(EXTENSION) || name.endsWith(LIVE_EXTENSION),
  );
  const found: Found[] = [];
  for (const name of names) {
    const file = join(path, name);
    try {
      const { size, mtimeMs } = await stat(file);
      found.push({ path: file, bytes: size, changedMs: mtimeMs });
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
  return found;
}

function isGone(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
