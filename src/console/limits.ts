// SPDX-License-Identifier: Apache-2.0
// Counts of connections by client address, so that one address cannot take the whole process.

/** Counts by key; keys at zero take no memory. */
export class AddressCounts {
  private readonly counts = new Map<string, number>();

  /** How many `address` holds now. */
  of(address: string): number {
    return this.counts.get(address) ?? 0;
  }

  /** One more for `address`. */
  add(address: string): void {
    this.counts.set(address, this.of(address) + 1);
  }

  /** One fewer for `address`. */
  remove(address: string): void {
    const left = this.of(address) - 1;
    if (left > 0) this.counts.set(address, left);
    else this.counts.delete(address);
  }
}

/** The address as logs, rows and limits know it: IPv4 clients of a dual-stack listener lose their `::ffff:`. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return '';
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address;
}
