// SPDX-License-Identifier: Apache-2.0
// What the stage of a paced display channel is made with, and what such a channel may be at.
import type { SessionSettings } from '../ipc.js';
import type { SessionPacer } from './session-pacer.js';

/** What the channel is at. */
export type DisplayState =
  /** The server's SET_ACK has not come: everything goes by. */
  | 'start'
  /** The plain relay. */
  | 'plain'
  | 'paced'
  /** The client has its window back; what waits still goes out. */
  | 'closing'
  /** The plain relay, for good. */
  | 'off';

/** What the stage is made with. */
export interface DisplayPacingParts {
  readonly pacer: SessionPacer;
  readonly settings: SessionSettings;
  /** Monotonic milliseconds, and timers on them. */
  readonly timers: {
    now(): number;
    after(milliseconds: number, work: () => void): () => void;
  };
  /** The server takes a PREFERRED_COMPRESSION. */
  readonly takesCompression: boolean;
}
