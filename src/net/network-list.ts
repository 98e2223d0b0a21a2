// SPDX-License-Identifier: Apache-2.0
// A list of addresses and networks, as options name them, and whether an address belongs to it.
import { BlockList, isIP } from 'node:net';
import { plainAddress } from './address.js';

/** Addresses and networks such as 192.0.2.7, 192.0.2.0/24 and 2001:db8::/32. */
export class NetworkList {
  private readonly list = new BlockList();
  private readonly empty: boolean;

  /** @param entries texts that the option's type has accepted */
  constructor(entries: readonly string[]) {
    for (const entry of entries) {
      const [address = '', prefix] = entry.split('/');
      const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
      if (prefix === undefined) this.list.addAddress(address, family);
      else this.list.addSubnet(address, Number(prefix), family);
    }
    this.empty = entries.length === 0;
  }

  /** Whether `address` is in the list; IPv4 addresses in either spelling. */
  has(address: string): boolean {
    if (this.empty) return false;
    const bare = plainAddress(address).replace(/%.*$/, '');
    const family = isIP(bare);
    return family !== 0 && this.list.check(bare, family === 6 ? 'ipv6' : 'ipv4');
  }
}
