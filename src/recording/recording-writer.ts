// SPDX-License-Identifier: Apache-2.0
// Writes one recording: gathers records into chunks, compresses them on the thread pool, seals them, appends them to the file.
// It never makes anybody wait: what waits for the disk is bounded, and whoever records asks `full` before the next message.
import type { FileHandle } from 'node:fs/promises';
import { ChunkGatherer } from './chunk-gatherer.js';
import { CompressionGain } from './compression-gain.js';
import type { CompressionShare } from './compression-share.js';
import { compress } from './compression.js';
import type { DiskLane } from './disk-lane.js';
import type { Compression } from './layout.js';
import { writeEnd, type RecordTarget } from './records.js';
import type { Sealer } from './sealing.js';

/** Bytes of one recording, and of all of a process, that may wait for the disk. */
const WAITING_MAX_BYTES = 16 * 1024 * 1024;
const ALL_WAITING_MAX_BYTES = 128 * 1024 * 1024;
/** Chunks that are written together at most. */
const CHUNKS_AT_ONCE = 16;
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
  readonly share: CompressionShare;
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
  /** Microseconds. */
  readonly time: number;
  readonly last: boolean;
  readonly missing: boolean;
}

/** Writes one file. */
export class RecordingWriter implements RecordTarget {
  private readonly gatherer = new ChunkGatherer((bytes) => this.queue(bytes, false));
  private readonly gain = new CompressionGain();
  private time = 0;
  /** Something is missing from what is gathered. */
  private missing = false;
  private waiting = 0;
  private readonly chunks: Chunk[] = [];
  private working: Promise<void> | null = null;
  private file: FileHandle | null = null;
  private timer: NodeJS.Timeout | null = null;
  private state: 'open' | 'ended' | 'failed' = 'open';

  constructor(private readonly parts: WriterParts) {
    this.account(parts.sealer.header.length);
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

  append(bytes: Buffer, time: number): void {
    if (this.state !== 'open') return;
    this.time = time;
    this.account(bytes.length);
    this.gatherer.add(bytes);
    this.timer ??= setTimeout(() => this.cut(), GATHER_MS);
  }

  /** Something that passed is not in the recording: said in the clear at the next chunk. */
  markMissing(): void {
    this.missing = true;
  }

  /** Ends the recording; resolves when the file is whole, or lost. @param reason for whoever reads it */
  async end(reason: string, time: number): Promise<void> {
    if (this.state === 'open') {
      writeEnd(this, time, reason);
      this.state = 'ended';
      this.queue(this.gatherer.take(), true);
    }
    await this.working;
  }

  private cut(): void {
    this.timer = null;
    if (this.state === 'open' && !this.gatherer.empty) this.queue(this.gatherer.take(), false);
  }

  private queue(bytes: Buffer, last: boolean): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.chunks.push({ bytes, time: this.time, last, missing: this.missing });
    this.missing = false;
    this.working ??= this.work();
  }

  private async begin(): Promise<void> {
    const { header } = this.parts.sealer;
    await this.guarded(async () => {
      this.file = await this.parts.file;
      await this.put([header]);
      this.account(-header.length);
    });
    await this.work();
  }

  private async work(): Promise<void> {
    await this.guarded(async () => {
      while (this.chunks.length > 0) {
        // All that waits in one go: a busy process comes here only once in a turn of its loop.
        const chunks = this.chunks.splice(0, CHUNKS_AT_ONCE);
        await this.write(chunks);
        this.account(-chunks.reduce((sum, { bytes }) => sum + bytes.length, 0));
        for (const { bytes } of chunks) this.gatherer.giveBack(bytes);
        if (chunks.at(-1)?.last !== true) continue;
        await this.parts.lane.run(async () => this.file?.close());
        await this.parts.finished();
      }
    });
    this.working = null;
  }

  private async write(chunks: readonly Chunk[]): Promise<void> {
    const { sealer } = this.parts;
    const packed = await Promise.all(chunks.map(({ bytes }) => this.pack(bytes)));
    const sealed = chunks.map(({ bytes, ...facts }, at) => {
      const smaller = packed[at] ?? null;
      return sealer.seal(smaller ?? bytes, { ...facts, stored: smaller === null });
    });
    await this.put(sealed.flat());
  }

  /** The chunk compressed; null: it is stored as it is. */
  private async pack(bytes: Buffer): Promise<Buffer | null> {
    const { share, compression } = this.parts;
    if (!share.take(bytes.length) || !this.gain.try()) return null;
    const packed = await compress(compression, bytes);
    this.gain.saw(bytes.length, packed?.length ?? null);
    return packed;
  }

  private async put(pieces: Buffer[]): Promise<void> {
    const { file } = this;
    if (file === null) return;
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const { bytesWritten } = await this.parts.lane.run(() => file.writev(pieces));
    // A disk that is nearly full takes a part, and gives its fault for the next byte.
    if (bytesWritten < length) await this.putRest(file, Buffer.concat(pieces).subarray(bytesWritten));
    await this.parts.wrote(length);
  }

  private async putRest(file: FileHandle, bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const { bytesWritten } = await this.parts.lane.run(() => file.write(bytes, at));
      at += bytesWritten;
    }
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
    this.gatherer.take();
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
