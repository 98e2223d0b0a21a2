// SPDX-License-Identifier: Apache-2.0
// The timers of one paced channel: a look at it every now and then, and the next moment at which something may go out.

/** Between two looks, in milliseconds; and where the leg was busy at the last one. */
const TICK_MS = 250;
const BUSY_TICK_MS = 50;

/** What the timers are made with. */
export interface ChannelTimersParts {
  readonly timers: { after(milliseconds: number, work: () => void): () => void };
  /** Looks at the channel. @returns when to look again; null: no more */
  readonly look: () => 'soon' | 'later' | null;
  /** Sends what may go out now. */
  readonly pump: () => void;
  /** A fault of ours ends this channel, not the worker. */
  readonly failed: (error: unknown) => void;
}

/** Runs them. */
export class ChannelTimers {
  private lookOff: (() => void) | null = null;
  private pumpOff: (() => void) | null = null;

  constructor(private readonly parts: ChannelTimersParts) {}

  /** Begins to look. */
  start(): void {
    this.lookIn(TICK_MS);
  }

  /** Pumps after so many milliseconds, or before where that was asked for already. */
  pumpLater(milliseconds: number): void {
    this.pumpOff ??= this.parts.timers.after(milliseconds, () => {
      this.pumpOff = null;
      this.guarded(this.parts.pump);
    });
  }

  /** There is nothing to pump. */
  stopPump(): void {
    this.pumpOff?.();
    this.pumpOff = null;
  }

  /** The channel is over. */
  stop(): void {
    this.stopPump();
    this.lookOff?.();
    this.lookOff = null;
  }

  private lookIn(milliseconds: number): void {
    this.lookOff = this.parts.timers.after(milliseconds, () => {
      const next = this.guarded(this.parts.look) ?? null;
      if (next !== null) this.lookIn(next === 'soon' ? BUSY_TICK_MS : TICK_MS);
    });
  }

  private guarded<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.parts.failed(error);
      return undefined;
    }
  }
}
