// SPDX-License-Identifier: Apache-2.0
// The recording of one session on one node: its file, its channels, its end. Times in it never go back, whatever the channels'
// workers say.
import type { FileHandle } from 'node:fs/promises';
import { ChannelRecording, type RecordSink } from './channel-recording.js';
import type { CompressionShare } from './compression-share.js';
import { BEST } from './compression.js';
import type { DiskLane } from './disk-lane.js';
import type { PublicKey } from './keys.js';
import type { RecordingMetadata } from './metadata.js';
import type { ChannelFacts, Way } from './records.js';
import type { RecordingFolder } from './recording-folder.js';
import { RecordingWriter, type WaitingBytes } from './recording-writer.js';
import { Sealer } from './sealing.js';

/** What recordings are made with. */
export interface RecordingParts {
  readonly folder: RecordingFolder;
  readonly lane: DiskLane;
  readonly waiting: WaitingBytes;
  readonly share: CompressionShare;
  readonly key: PublicKey;
}

/** Who is told of a recording. */
export interface RecordingWatcher {
  /** Bytes are on the disk. */
  wrote(bytes: number): void;
  /** A gap has begun. */
  gap(): void;
  /** It is lost from here on. */
  failed(why: string): void;
}

/** Records one session. */
export class SessionRecording implements RecordSink {
  /** Bytes on the disk. */
  bytes = 0;
  private readonly writer: RecordingWriter;
  private readonly channels = new Map<number, ChannelRecording>();
  private next = 1;
  private time = 0;
  private path: string | null = null;

  constructor(
    private readonly metadata: RecordingMetadata,
    private readonly parts: RecordingParts,
    private readonly watcher: RecordingWatcher,
  ) {
    const { folder, lane, waiting, share, key } = parts;
    this.writer = new RecordingWriter({
      file: this.create(),
      sealer: new Sealer(key, BEST, metadata),
      compression: BEST,
      ...{ lane, waiting, share },
      wrote: async (bytes) => {
        this.bytes += bytes;
        watcher.wrote(bytes);
        await folder.grew(bytes);
      },
      finished: async () => {
        if (this.path !== null) await folder.finish(this.path);
      },
      failed: (error) => {
        if (this.path !== null) folder.abandon(this.path);
        watcher.failed(wordsOf(error));
      },
    });
  }

  get full(): boolean {
    return this.writer.full;
  }

  get roomy(): boolean {
    return this.writer.roomy;
  }

  /** How many channels are open. */
  get open(): number {
    return this.channels.size;
  }

  append(bytes: Buffer, time: number): void {
    this.writer.append(bytes, time);
  }

  gap(): void {
    this.writer.markMissing();
    this.watcher.gap();
  }

  /** A channel begins. @param at epoch milliseconds @returns its number */
  begin(facts: ChannelFacts, miniHeader: boolean, at: number): number {
    const number = this.next++;
    const { recordInput } = this.metadata;
    this.channels.set(
      number,
      new ChannelRecording({ number, facts, miniHeader, recordInput }, this, this.timeOf(at)),
    );
    return number;
  }

  /** Bytes of a channel, which are copied. */
  push(channel: number, way: Way, bytes: Buffer, at: number): void {
    this.channels.get(channel)?.push(way, bytes, this.timeOf(at));
  }

  /** A channel has ended. */
  close(channel: number, at: number): void {
    this.channels.get(channel)?.close(this.timeOf(at));
    this.channels.delete(channel);
  }

  /** The session has ended. @param early it goes on, and is not recorded any more */
  async end(reason: string, at: number, early = false): Promise<void> {
    for (const channel of [...this.channels.keys()]) this.close(channel, at);
    if (early) this.writer.markMissing();
    await this.writer.end(reason, this.timeOf(at));
  }

  private async create(): Promise<FileHandle> {
    const { path, file } = await this.parts.folder.create(this.metadata.sessionId);
    this.path = path;
    return file;
  }

  private timeOf(at: number): number {
    const time = Math.round(at * 1000) - this.metadata.begin;
    if (time > this.time) this.time = time;
    return this.time;
  }
}

/** Of the disk's own faults the word that operators know, and no path. */
function wordsOf(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  switch (code) {
    case undefined:
      return error.message;
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return `the disk is full (${code})`;
    case 'ENOENT':
    case 'ENOTDIR':
      return `the directory is gone (${code})`;
    case 'EACCES':
    case 'EROFS':
    case 'EPERM':
      return `the directory cannot be written to (${code})`;
    default:
      return `the disk failed (${code})`;
  }
}
