// SPDX-License-Identifier: Apache-2.0
// Lists the active virtual machines of a zone. The first time in pages, newest first, to learn which ids there are; then by ranges of ids,
// which do not shift when a virtual machine comes or goes meanwhile. An answer that is the same as before is not read again.
import { hash } from 'node:crypto';
import type { VmFilter } from './entry.js';
import { readPool, type Guests } from './inventory.js';
import { nextRanges, RANGE_SIZE, WHOLE, type IdRange } from './ranges.js';
import type { OpenNebulaRpc, RpcAnswer } from './rpc.js';

/** What a listing has. */
export interface Listing {
  readonly ranges: readonly Guests[];
  /** Whether any answer differs from the time before. */
  readonly changed: boolean;
}

interface Known {
  readonly range: IdRange;
  readonly digest: string;
  readonly guests: Guests;
}

/** The argument for a filter (RequestManagerPoolInfoFilter: ALL, MINE, and MINE_GROUP, which has the user's groups in it). */
const FILTERS: Readonly<Record<VmFilter, number>> = { all: -2, mine: -3, group: -1 };
const LISTED = /<VM><ID>(\d{1,10})<\/ID>/g;
const ACTIVE = 3;
const MOST_GUESTS = 50_000;
const WHAT = 'its virtual machines';

/** The listings of one source. */
export class VmListing {
  private known: readonly Known[] | undefined;
  private ranges: readonly IdRange[] | undefined;

  /** @param timeout seconds for one answer */
  constructor(
    private readonly rpc: OpenNebulaRpc,
    private readonly filter: VmFilter,
    private readonly timeout: number,
  ) {}

  /** @throws Unavailable */
  async list(signal: AbortSignal): Promise<Listing> {
    const before = this.known;
    const ranges = this.ranges ?? (await this.learn(signal));
    // After a fault it begins anew: an answer may have been too large.
    this.known = undefined;
    this.ranges = undefined;
    const now: Known[] = [];
    for (const range of ranges)
      now.push(
        await this.readRange(
          range,
          before?.find((known) => sameRange(known.range, range)),
          signal,
        ),
      );
    const found = now.map(({ guests }) => guests);
    this.ranges = nextRanges(
      ranges,
      found.map(({ listed }) => listed),
    );
    this.known = now;
    const same = before?.length === now.length && now.every((known) => before.includes(known));
    return { ranges: found, changed: !same };
  }

  private async readRange(range: IdRange, before: Known | undefined, signal: AbortSignal): Promise<Known> {
    const answer = await this.ask(range.first, range.last ?? -1, signal);
    const digest = hash('sha256', answer.bytes);
    if (before?.digest === digest) return before;
    return { range, digest, guests: this.read(answer) };
  }

  /** Ranges for the ids that there are now. What is taken for an id and is none makes a range too small, and no more. */
  private async learn(signal: AbortSignal): Promise<readonly IdRange[]> {
    const ids: number[] = [];
    for (;;) {
      const text = this.rpc.read(await this.ask(ids.length, -RANGE_SIZE, signal), WHAT);
      const found = Array.from(text.matchAll(LISTED), ([, id]) => Number(id));
      ids.push(...found);
      if (found.length < RANGE_SIZE) return nextRanges(WHOLE, [ids]);
      if (ids.length > MOST_GUESTS)
        throw this.rpc.fault(
          `lists more than ${String(MOST_GUESTS)} virtual machines; give the user fewer of them, or set filter`,
        );
    }
  }

  // From -> to: ids when `to` is -1 or more, a page of -to entries that begins at entry `from` when it is less.
  private ask(from: number, to: number, signal: AbortSignal): Promise<RpcAnswer> {
    const args = [FILTERS[this.filter], from, to, ACTIVE];
    return this.rpc.call('one.vmpool.info', args, signal, this.timeout);
  }

  private read(answer: RpcAnswer): Guests {
    const guests = readPool(this.rpc.read(answer, WHAT));
    if (guests !== null) return guests;
    throw this.rpc.fault('answered without a pool of virtual machines; see whether it is an OpenNebula');
  }
}

function sameRange(a: IdRange, b: IdRange): boolean {
  return a.first === b.first && a.last === b.last;
}
