// SPDX-License-Identifier: Apache-2.0
// Binds a queue again from time to time: the bindings of an exchange are deleted with it, and a consumer is not notified of
// that.
import { BrokerFault } from './broker-fault.js';

const EVERY_MS = 60_000;

/** Keeps the bindings of one use of the broker, over all its channels. */
export class BindingWatch {
  private timer: NodeJS.Timeout | undefined;

  /**
   * @param exchange what is bound to
   * @param every milliseconds between two binds
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

  /** Stops binding: the channel is gone. */
  stop(): void {
    clearInterval(this.timer);
  }
}
