// SPDX-License-Identifier: Apache-2.0
// Where the bytes of one direction go: the client's writer or the backend's.
import type { ChunkLife } from '../backend/leg.js';

/** The end of one direction. */
export interface Sink {
  /**
   * Takes the bytes; they are in one piece whole messages, parts of messages, or both.
   *
   * @param cut where the bytes must be written in two parts for the record rule (client-writer.ts); 0: in one
   * @param life how long the bytes stay intact
   * @returns whether more may come at once; false: only after {@link drained}
   */
  write(bytes: Buffer, cut: number, life: ChunkLife): boolean;
  /** Whether bytes were given that the leg has not taken. */
  readonly busy: boolean;
  /** Called each time when the leg has taken everything. */
  drained: () => void;
}
