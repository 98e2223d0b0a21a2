// SPDX-License-Identifier: Apache-2.0
// What pacing has done on one display channel so far: for the metrics while it lives, and for the audit at its end.
import type { PacingSummary } from '../ipc.js';
import type { DisplaySender } from './display-sender.js';
import type { SessionPacer } from './session-pacer.js';

/** How a display channel is. */
export interface DisplayFigures {
  readonly paced: boolean;
  readonly queueBytes: number;
  /** Draws, and video frames, that were not sent because later ones hid them. */
  readonly supersededDraws: number;
  readonly supersededFrames: number;
}

/** Adds up what the senders of one channel have done, one after the other. */
export class PacingRecord {
  private supersededDraws = 0;
  private supersededFrames = 0;
  private pacedMs = 0;
  private since = 0;

  /** A sender begins. @param now monotonic ms */
  begin(now: number): void {
    this.since = now;
  }

  /** It has ended. @param now monotonic ms */
  end({ queue }: DisplaySender, now: number): void {
    this.supersededDraws += queue.counters.supersededDraws;
    this.supersededFrames += queue.counters.supersededFrames;
    this.pacedMs += Math.max(1, now - this.since);
  }

  /** How the channel is. @param sender the one that is at work; null: none */
  figures(sender: DisplaySender | null, paced: boolean): DisplayFigures {
    const counters = sender?.queue.counters;
    return {
      paced,
      queueBytes: sender?.queueBytes ?? 0,
      supersededDraws: this.supersededDraws + (counters?.supersededDraws ?? 0),
      supersededFrames: this.supersededFrames + (counters?.supersededFrames ?? 0),
    };
  }

  /** What is told of it in the audit, once all senders have ended; null: it was never paced. */
  summary(pacer: SessionPacer): PacingSummary | null {
    if (this.pacedMs === 0) return null;
    const { rttMs, bandwidth, keyToDrawMs } = pacer.figures;
    const { supersededDraws, supersededFrames } = this;
    return {
      pacedFor: this.pacedMs / 1000,
      rttMs,
      bandwidth,
      supersededDraws,
      supersededFrames,
      keyToDrawMs,
    };
  }
}
