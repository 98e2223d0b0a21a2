// SPDX-License-Identifier: Apache-2.0
// The ids of the messages that were handled last, to recognise one that is delivered again.

/** A bounded set of ids: the oldest is dropped first. */
export class DedupCache {
  private readonly ids = new Set<string>();

  /** @param capacity how many ids are kept */
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
