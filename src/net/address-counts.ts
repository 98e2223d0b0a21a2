// SPDX-License-Identifier: Apache-2.0
// Counts of connections by client address, so that one address cannot take the whole process.
import { networkOf } from './address.js';

/** Counts by IPv4 address and by IPv6 /64 network; those at zero take no memory. */
export class AddressCounts {
  private readonly counts = new Map<string, number>();

  /** How many `address` holds now. */
  of(address: string): number {
    return this.counts.get(networkOf(address)) ?? 0;
  }

  /** One more for `address`. */
  add(address: string): void {
    this.counts.set(networkOf(address), this.of(address) + 1);
  }

  /** One fewer for `address`. */
  remove(address: string): void {
    const left = this.of(address) - 1;
    if (left > 0) this.counts.set(networkOf(address), left);
    else this.counts.delete(networkOf(address));
  }
}
