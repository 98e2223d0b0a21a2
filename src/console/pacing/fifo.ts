// SPDX-License-Identifier: Apache-2.0
// First in, first out, at a constant price per item on average, however many there are.

/** Items taken out that may still hold a place in the array. */
const SLACK = 1024;

/** A queue without a bound of its own. */
export class Fifo<Item> {
  private items: (Item | undefined)[] = [];
  private taken = 0;

  /** Items that are in it. */
  get length(): number {
    return this.items.length - this.taken;
  }

  /** Adds an item behind all others. */
  push(item: Item): void {
    this.items.push(item);
  }

  /** Takes out the oldest item; undefined when there is none. */
  shift(): Item | undefined {
    if (this.length === 0) return undefined;
    const item = this.items[this.taken];
    this.items[this.taken++] = undefined;
    if (this.taken === this.items.length || this.taken > Math.max(SLACK, this.items.length / 2)) {
      this.items = this.items.slice(this.taken);
      this.taken = 0;
    }
    return item;
  }

  /** The oldest item, which stays in. */
  peek(): Item | undefined {
    return this.items[this.taken];
  }
}
