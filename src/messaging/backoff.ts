// SPDX-License-Identifier: Apache-2.0
// The pauses between attempts to reach the broker, as kombu has them: first the reconnect delay with its splay, then a
// pause that grows by the same step after each failed round up to a maximum. Pure but for the splay.

/** Seconds, from [oslo_messaging_rabbit]. */
export interface BackoffOptions {
  readonly kombuReconnectDelay: number;
  readonly kombuReconnectSplay: number;
  readonly rabbitRetryInterval: number;
  readonly rabbitRetryBackoff: number;
  readonly rabbitIntervalMax: number;
}

/** Counts failures and gives the pause before the next attempt. */
export class Backoff {
  private failures = 0;

  /**
   * @param options the times
   * @param random gives a number from 0 to 1
   */
  constructor(
    private readonly options: BackoffOptions,
    private readonly random: () => number = Math.random,
  ) {}

  /** The pause before the first attempt after a loss. @returns milliseconds */
  afterLoss(): number {
    const { kombuReconnectDelay, kombuReconnectSplay } = this.options;
    return (kombuReconnectDelay + this.random() * kombuReconnectSplay) * 1000;
  }

  /** The pause after one more failed round. @returns milliseconds */
  afterFailure(): number {
    const { rabbitRetryInterval, rabbitRetryBackoff, rabbitIntervalMax } = this.options;
    const grown = rabbitRetryInterval + this.failures * rabbitRetryBackoff;
    this.failures += 1;
    return Math.min(grown, rabbitIntervalMax) * 1000;
  }

  /** The next failure counts as the first one again. */
  reset(): void {
    this.failures = 0;
  }
}
