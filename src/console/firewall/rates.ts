// SPDX-License-Identifier: Apache-2.0
// How much a channel may carry: for each rate a bucket that holds as much as may come at once, and that fills again with what
// may come in a second.
import { parseRate, type Rate } from '../../conf/firewall-rate.js';
import type { Direction } from '../relay/stage.js';
import type { Fault } from './grammar.js';
import { RULE } from './rules.js';

const DIRECTION = { client_to_server: 'up', server_to_client: 'down' } as const;

class Bucket {
  readonly direction: Direction;
  private left: number;

  constructor(
    readonly rate: Rate,
    private filledAt: number,
  ) {
    this.direction = DIRECTION[rate.direction];
    this.left = rate.burst;
  }

  /** Takes what a message needs; false: there is not enough, and nothing is taken. */
  take(size: number, now: number): boolean {
    const { perSecond, burst, unit } = this.rate;
    this.left = Math.min(burst, this.left + (Math.max(0, now - this.filledAt) * perSecond) / 1000);
    this.filledAt = now;
    const needed = unit === 'bytes' ? size : 1;
    if (needed > this.left) return false;
    this.left -= needed;
    return true;
  }
}

/** The rates of one channel. */
export class ChannelRates {
  private readonly buckets: readonly Bucket[];

  /**
   * @param channel the channel's name
   * @param rates as [firewall] rates has them, of all channels
   * @param now milliseconds
   */
  constructor(
    channel: string,
    readonly rates: readonly string[],
    private readonly now: () => number,
  ) {
    this.buckets = rates
      .map(parseRate)
      .filter((rate) => rate !== null)
      .filter((rate) => rate.channel === channel)
      .map((rate) => new Bucket(rate, now()));
  }

  /** Whether a direction has a rate: then every message of it must be counted. */
  limits(direction: Direction): boolean {
    return this.buckets.some((bucket) => bucket.direction === direction);
  }

  /** Counts a message. @param size bytes of its body */
  fault(direction: Direction, size: number): Fault | null {
    if (this.buckets.length === 0) return null;
    const now = this.now();
    for (const bucket of this.buckets) {
      if (bucket.direction !== direction || bucket.take(size, now)) continue;
      const { perSecond, unit } = bucket.rate;
      return { rule: RULE.rate, detail: `more than ${perSecond} ${unit} a second` };
    }
    return null;
  }
}
