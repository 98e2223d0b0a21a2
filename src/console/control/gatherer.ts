// SPDX-License-Identifier: Apache-2.0
// What comes within one instant goes to the database in one statement: a desktop opens and closes about ten channels at
// once, and a statement for each of them costs the parent process more than all else about them.

import type { Timers } from '../../net/timers.js';

/** Items in one statement at most. SQLite allows 500 terms of a compound SELECT. */
const MOST_AT_ONCE = 200;

interface Gathered<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (fault: unknown) => void;
}

/** Gathers items and gives those of an instant, and of one kind, to one piece of work. */
export class Gatherer<Item, Result = void> {
  private readonly kinds = new Map<string, Gathered<Item, Result>[]>();
  /** What has not been begun with, each with its kind; also what takes nothing more. */
  private readonly waiting = new Map<Gathered<Item, Result>[], string>();
  private readonly underWay = new Set<Promise<void>>();

  /**
   * @param instant milliseconds
   * @param work does it for all; what it gives or throws is the answer to each of them
   */
  constructor(
    private readonly timers: Timers,
    private readonly instant: number,
    private readonly work: (items: readonly Item[]) => Promise<Result>,
  ) {}

  /** Takes an item. @param kind items of another kind are not worked on together with it */
  add(item: Item, kind = ''): Promise<Result> {
    return new Promise((resolve, reject) => {
      const gathered = this.kinds.get(kind) ?? this.begin(kind);
      gathered.push({ item, resolve, reject });
      if (gathered.length === MOST_AT_ONCE) this.kinds.delete(kind);
    });
  }

  /** Begins with what is gathered now; resolves when that, and what was under way, has been tried. Never rejects. */
  async flush(): Promise<void> {
    for (const gathered of [...this.waiting.keys()]) this.start(gathered);
    await Promise.all(this.underWay);
  }

  private begin(kind: string): Gathered<Item, Result>[] {
    const gathered: Gathered<Item, Result>[] = [];
    this.kinds.set(kind, gathered);
    this.waiting.set(gathered, kind);
    this.timers.after(this.instant, () => this.start(gathered));
    return gathered;
  }

  private start(gathered: Gathered<Item, Result>[]): void {
    const kind = this.waiting.get(gathered);
    if (kind === undefined) return;
    this.waiting.delete(gathered);
    if (this.kinds.get(kind) === gathered) this.kinds.delete(kind);
    const work = this.workOn(gathered);
    this.underWay.add(work);
    void work.then(() => this.underWay.delete(work));
  }

  private async workOn(gathered: readonly Gathered<Item, Result>[]): Promise<void> {
    try {
      const result = await this.work(gathered.map(({ item }) => item));
      for (const { resolve } of gathered) resolve(result);
    } catch (error) {
      for (const { reject } of gathered) reject(error);
    }
  }
}
