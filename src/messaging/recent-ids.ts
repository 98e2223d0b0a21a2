// SPDX-License-Identifier: Apache-2.0
// The names of the messages that were handled last, to know one that comes again.

/** A bounded memory: the oldest name goes first. */
export class RecentIds {
  private readonly ids = new Set<string>();

  /** @param capacity how many names are remembered */
  constructor(private readonly capacity: number) {}

  has(id: string): boolean {
    return this.ids.has(id);
  }

  add(id: string): void {
    this.ids.delete(id);
    this.ids.add(id);
    if (this.ids.size <= this.capacity) return;
    const [oldest] = this.ids;
    if (oldest !== undefined) this.ids.delete(oldest);
  }
}
