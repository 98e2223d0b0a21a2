// SPDX-License-Identifier: Apache-2.0
// In which order the hosts of a transport URL are tried: shuffled once, so that processes spread over them, then round
// robin, or shuffled again for each round.

/** [oslo_messaging_rabbit] kombu_failover_strategy. */
export type FailoverStrategy = 'round-robin' | 'shuffle';

function shuffle<T>(items: readonly T[], random: () => number): T[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    const [a, b] = [order[last], order[other]];
    if (a === undefined || b === undefined) continue;
    [order[last], order[other]] = [b, a];
  }
  return order;
}

/** Gives one host after the other, without end. */
export class HostOrder<T> {
  private order: T[];
  private next = 0;

  /**
   * @param hosts at least one
   * @param random gives a number from 0 up to 1
   */
  constructor(
    private readonly hosts: readonly T[],
    private readonly strategy: FailoverStrategy,
    private readonly random: () => number = Math.random,
  ) {
    this.order = shuffle(hosts, random);
  }

  /** How many there are: that many make a round. */
  get size(): number {
    return this.hosts.length;
  }

  /** The host to try now. */
  take(): T {
    if (this.next === this.order.length) {
      this.next = 0;
      if (this.strategy === 'shuffle') this.order = shuffle(this.hosts, this.random);
    }
    const host = this.order[this.next];
    this.next += 1;
    if (host === undefined) throw new RangeError('a list of hosts is never empty');
    return host;
  }
}
