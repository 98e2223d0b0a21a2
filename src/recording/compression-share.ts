// SPDX-License-Identifier: Apache-2.0
// How much of what is recorded is compressed: as much as desktops are, and no more than costs a small part of one processor.
// What comes faster than that (a video, a copied disk) is compressed by whoever made it, most of the time.
import { performance } from 'node:perf_hooks';
import { CHUNK_BYTES } from './layout.js';

/** Bytes that a process compresses in a second, and at once after a quiet time. */
const BYTES_A_SECOND = 8 * 1024 * 1024;
const BURST_BYTES = 16 * CHUNK_BYTES;

/** Shared by all recordings of a process. */
export class CompressionShare {
  private left = BURST_BYTES;
  private at: number;

  /** @param now milliseconds that never go back */
  constructor(private readonly now: () => number = () => performance.now()) {
    this.at = now();
  }

  /** Whether so many bytes may be compressed; if so, they are taken off. */
  take(bytes: number): boolean {
    const now = this.now();
    this.left = Math.min(BURST_BYTES, this.left + ((now - this.at) / 1000) * BYTES_A_SECOND);
    this.at = now;
    if (this.left < bytes) return false;
    this.left -= bytes;
    return true;
  }
}
