// SPDX-License-Identifier: Apache-2.0
// The backend's leg of a connection: a stream towards a hypervisor behind one way of reading. The reader is called with
// a buffer and a length, and answers whether it wants more at once; after `false` nothing is read until resume().
// socket-leg.ts is the first transport.
import type { BackendFailed } from '../connection/ends.js';
import type { LegStream } from '../connection/leg-stream.js';

/**
 * How long a chunk stays intact: until the reader returns, until resume(), or for good (the chunk is the reader's).
 */
export type ChunkLife = 'until_return' | 'until_resume' | 'kept';

/** Takes the first `length` bytes of `buffer`; true: go on reading. */
export type LegReader = (length: number, buffer: Buffer) => boolean;

/** One connection to a backend, dialled and perhaps not up yet. */
export interface BackendLeg {
  readonly socket: LegStream;
  readonly chunkLife: ChunkLife;
  /** The socket's event that says that the leg can carry bytes; null: it can already. */
  readonly readyEvent: string | null;
  /** Whether the leg is encrypted. */
  readonly secure: boolean;
  /** What an error of its socket is called. */
  failed(error: NodeJS.ErrnoException): BackendFailed;
  /** Who takes the next chunks. */
  read(reader: LegReader): void;
  /** Reads on after the reader answered false. */
  resume(): void;
  /** Closes behind what was written; cuts it when that has not gone out after so many milliseconds. */
  end(linger: number): void;
}
