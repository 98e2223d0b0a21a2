// SPDX-License-Identifier: Apache-2.0
// Writes one recording: gathers records into chunks, compresses them on the thread pool, seals them, appends them to the file.
// It never makes anybody wait: what waits for the disk is bounded, and whoever records asks `full` before the next message.
import type { FileHandle } from 'node:fs/promises';
import { compress } from './compression.js';
import type { DiskLane } from './disk-lane.js';
import { CHUNK_BYTES, type Compression } from './layout.js';
import type { Sealer } from './sealing.js';

/** Bytes of one recording, and of all of a process, that may wait for the disk. */
const WAITING_MAX_BYTES = 16 * 1024 * 1024;
const ALL_WAITING_MAX_BYTES = 128 * 1024 * 1024;
/** With this much waiting, chunks are stored as they are: compressing is what takes the time. */
const HURRY_BYTES = 2 * 1024 * 1024;
/** Milliseconds that records may wait for more of them. */
const GATHER_MS = 1000;

/** What waits for the disk in all recordings of a process. */
export class WaitingBytes {
  total = 0;
}

/** What a recording is written with. */
export interface WriterParts {
  /** The file, as soon as it is there. */
  readonly file: Promise<FileHandle>;
  readonly sealer: Sealer;
  readonly compression: Compression;
  readonly lane: DiskLane;
  readonly waiting: WaitingBytes;
  /** Told of bytes that are on the disk. @throws to end the recording, with the reason */
  readonly wrote: (bytes: number) => Promise<void>;
  /** The file is whole and closed. */
  readonly finished: () => Promise<void>;
  /** The recording is lost from here on; called once. */
  readonly failed: (error: Error) => void;
}

interface Chunk {
  readonly bytes: Buffer;
  readonly time: bigint;
  readonly last: boolean;
}

/** Writes one file. */
export class RecordingWriter {
  private gathered: Buffer[] = [];
  private gatheredBytes = 0;
  private time = 0n;
  private waiting = 0;
  private readonly chunks: Chunk[] = [];
  private working: Promise<void> | null = null;
  private file: FileHandle | null = null;
  private timer: NodeJS.Timeout | null = null;
  private state: 'open' | 'ended' | 'failed' = 'open';

  constructor(private readonly parts: WriterParts) {
    this.waiting = parts.sealer.header.length;
    parts.waiting.total += this.waiting;
    this.working = this.begin();
  }

  /** Too much waits for the disk: the next message is for a gap. */
  get full(): boolean {
    return this.waiting > WAITING_MAX_BYTES || this.parts.waiting.total > ALL_WAITING_MAX_BYTES;
  }

  /** Half of that is written again: a gap may end. */
  get roomy(): boolean {
    return this.waiting < WAITING_MAX_BYTES / 2 && this.parts.waiting.total < ALL_WAITING_MAX_BYTES / 2;
  }

  /** Appends records. @param time microseconds since the beginning; never less than before */
  append(records: readonly Buffer[], time: bigint): void {
    if (this.state !== 'open') return;
    this.time = time;
    for (const bytes of records) {
      this.gathered.push(bytes);
      this.gatheredBytes += bytes.length;
      this.account(bytes.length);
    }
    if (this.gatheredBytes >= CHUNK_BYTES) this.cut(false);
    else
      this.timer ??= setTimeout(() => {
        this.timer = null;
        this.cut(false);
      }, GATHER_MS);
  }

  /** Ends the recording with these records; resolves when the file is whole, or lost. */
  async end(records: readonly Buffer[], time: bigint): Promise<void> {
    if (this.state === 'open') {
      this.append(records, time);
      this.cut(true);
      this.state = 'ended';
    }
    await this.working;
  }

  private cut(last: boolean): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (this.state !== 'open') return;
    const all = Buffer.concat(this.gathered);
    this.gathered = [];
    this.gatheredBytes = 0;
    const end = last ? all.length : all.length - (all.length >= CHUNK_BYTES ? all.length % CHUNK_BYTES : 0);
    let at = 0;
    do {
      const next = Math.min(at + CHUNK_BYTES, end);
      this.chunks.push({ bytes: all.subarray(at, next), time: this.time, last: last && next === end });
      at = next;
    } while (at < end);
    if (end < all.length) {
      this.gathered = [all.subarray(end)];
      this.gatheredBytes = all.length - end;
      this.timer = setTimeout(() => {
        this.timer = null;
        this.cut(false);
      }, GATHER_MS);
    }
    this.working ??= this.work();
  }

  private async begin(): Promise<void> {
    const { header } = this.parts.sealer;
    await this.guarded(async () => {
      this.file = await this.parts.file;
      await this.put(header);
      this.account(-header.length);
    });
    await this.work();
  }

  private async work(): Promise<void> {
    await this.guarded(async () => {
      for (let chunk = this.chunks.shift(); chunk !== undefined; chunk = this.chunks.shift()) {
        await this.write(chunk);
        this.account(-chunk.bytes.length);
        if (!chunk.last) continue;
        await this.parts.lane.run(async () => this.file?.close());
        await this.parts.finished();
      }
    });
    this.working = null;
  }

  private async write({ bytes, time, last }: Chunk): Promise<void> {
    const { sealer, compression } = this.parts;
    const packed = this.waiting > HURRY_BYTES ? null : await compress(compression, bytes);
    await this.put(sealer.seal(packed ?? bytes, { time, last, stored: packed === null }));
  }

  private async put(bytes: Buffer): Promise<void> {
    const { lane } = this.parts;
    const { file } = this;
    if (file === null) return;
    for (let at = 0; at < bytes.length;) {
      const { bytesWritten } = await lane.run(() => file.write(bytes, at));
      at += bytesWritten;
    }
    await this.parts.wrote(bytes.length);
  }

  private async guarded(work: () => Promise<void>): Promise<void> {
    if (this.state === 'failed') return;
    try {
      await work();
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  private fail(error: Error): void {
    if (this.state === 'failed') return;
    this.state = 'failed';
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.chunks.length = 0;
    this.gathered = [];
    this.account(-this.waiting);
    // On a disk that hangs this would hang as well.
    this.file?.close().catch(() => undefined);
    this.parts.failed(error);
  }

  private account(bytes: number): void {
    if (this.state === 'failed' && bytes > 0) return;
    this.waiting += bytes;
    this.parts.waiting.total += bytes;
  }
}
