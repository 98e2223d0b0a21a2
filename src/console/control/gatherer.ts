// SPDX-License-Identifier: Apache-2.0
// Gathers what arrives within a few milliseconds into one statement: a desktop opens and closes about ten channels at once,
// and a statement for each of them costs the parent process more than the rest of the work.
import type { Timers } from '../../net/timers.js';

/** Items in one statement at most. SQLite allows 500 terms of a compound SELECT. */
const MOST_AT_ONCE = 200;

interface Gathered<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (fault: unknown) => void;
}

/** Gathers items of one kind into batches. */
export class Gatherer<Item, Result = void> {
  private readonly kinds = new Map<string, Gathered<Item, Result>[]>();
  /** Batches that have not been started, each with its kind; also those that are full. */
  private readonly waiting = new Map<Gathered<Item, Result>[], string>();
  private readonly underWay = new Set<Promise<void>>();

  /**
   * @param windowMs for how long items are gathered
   * @param work handles a batch; what it gives or throws is the answer to each item
   */
  constructor(
    private readonly timers: Timers,
    private readonly windowMs: number,
    private readonly work: (items: readonly Item[]) => Promise<Result>,
  ) {}

  /** Adds an item; resolves with the result of its batch. @param kind items of different kinds share no batch */
  add(item: Item, kind = ''): Promise<Result> {
    return new Promise((resolve, reject) => {
      const gathered = this.kinds.get(kind) ?? this.begin(kind);
      gathered.push({ item, resolve, reject });
      if (gathered.length === MOST_AT_ONCE) this.kinds.delete(kind);
    });
  }

  /** Starts all batches now; resolves when they, and those under way, have been tried. Never rejects. */
  async flush(): Promise<void> {
    for (const gathered of [...this.waiting.keys()]) this.start(gathered);
    await Promise.all(this.underWay);
  }

  private begin(kind: string): Gathered<Item, Result>[] {
    const gathered: Gathered<Item, Result>[] = [];
    this.kinds.set(kind, gathered);
    this.waiting.set(gathered, kind);
    this.timers.after(this.windowMs, () => this.start(gathered));
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
