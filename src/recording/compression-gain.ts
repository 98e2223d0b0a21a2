// SPDX-License-Identifier: Apache-2.0
// Whether compression pays for a recording: what the hypervisor, a video or a copied disk has compressed already gets no
// smaller, so that most of it is stored as it is, and a chunk now and then is tried.

/** Of a chunk this much must be left at most. */
const WORTH = 0.9;
/** Chunks that are stored untried after one that was hardly smaller: 2, and twice as many each time, up to so many. */
const FEWEST = 2;
const MOST = 32;

/** Watches the chunks of one recording, of which several may be tried at the same time. */
export class CompressionGain {
  private pause = 0;
  private untried = 0;
  private trying = 0;

  /** Whether to try the next chunk; whoever does tells {@link saw}. */
  try(): boolean {
    const doubted = this.pause > 0;
    if (doubted && (this.untried > 0 || this.trying > 0)) {
      this.untried = Math.max(0, this.untried - 1);
      return false;
    }
    this.trying += 1;
    return true;
  }

  /** Tells what became of one that was tried. @param packed bytes; null: no fewer than before */
  saw(bytes: number, packed: number | null): void {
    this.trying -= 1;
    const paid = packed !== null && packed <= bytes * WORTH;
    this.pause = paid ? 0 : Math.min(MOST, Math.max(FEWEST, 2 * this.pause));
    this.untried = this.pause;
  }
}
