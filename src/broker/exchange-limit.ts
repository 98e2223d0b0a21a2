// SPDX-License-Identifier: Apache-2.0
// How often a stranger may try tokens of Nova: each try is a question to every cloud. Counted per client address, in
// this process; a try that succeeds is given back, so that a campus behind one address is not shut out.
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { networkOf } from '../net/address.js';

/** The count of failed exchanges. */
export class ExchangeLimit {
  private readonly limiter: RateLimiterMemory;

  /** @param failures how many within `window` seconds */
  constructor(failures: number, window: number) {
    this.limiter = new RateLimiterMemory({ points: failures, duration: window });
  }

  /** Takes one try: null when there was one left, else the whole seconds until there is. */
  async take(address: string): Promise<number | null> {
    try {
      await this.limiter.consume(networkOf(address));
      return null;
    } catch (refusal) {
      if (refusal instanceof RateLimiterRes) return Math.max(1, Math.ceil(refusal.msBeforeNext / 1000));
      throw refusal;
    }
  }

  /** Gives a try back. */
  async giveBack(address: string): Promise<void> {
    await this.limiter.reward(networkOf(address));
  }
}
