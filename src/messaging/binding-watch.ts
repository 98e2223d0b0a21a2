// SPDX-License-Identifier: Apache-2.0
// Binds a queue again from time to time: an exchange that was deleted takes its bindings along, and whoever only listens
// is not told.
import { BrokerFault } from './broker-fault.js';

const EVERY_MS = 60_000;

/** Keeps the bindings of one use of the broker, over all its channels. */
export class BindingWatch {
  private timer: NodeJS.Timeout | undefined;

  /**
   * @param exchange what is bound to
   * @param every milliseconds between two looks
   */
  constructor(
    private readonly exchange: string,
    private readonly every = EVERY_MS,
  ) {}

  /**
   * Binds, and goes on doing so until {@link stop}; `lose` is called when that fails later.
   *
   * @throws what `bind` rejects with now
   */
  async start(bind: () => Promise<unknown>, lose: (fault: BrokerFault) => void): Promise<void> {
    await bind();
    this.stop();
    this.timer = setInterval(() => {
      bind().catch(() => lose(new BrokerFault(`exchange ${this.exchange} was deleted`)));
    }, this.every);
  }

  /** The channel is gone. */
  stop(): void {
    clearInterval(this.timer);
  }
}
