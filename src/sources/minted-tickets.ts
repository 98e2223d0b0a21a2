// SPDX-License-Identifier: Apache-2.0
// Tickets that platforms make at connect time. A new one makes the one before useless for channels to come, so a console has
// one at a time: it is made once, serves every channel of every session while it lasts, and is made again when it is too old, when a
// hypervisor has refused it (another node has made a newer one), or when the guest has moved. They are held in memory only. Each node has
// its own: nodes take turns, so that none makes one while the channels of another one are on their way with theirs.
import { setTimeout as sleep } from 'node:timers/promises';
import { Unavailable } from '../exception.js';
import { signalWithin, unlessAborted } from '../net/deadline.js';
import type { Minted } from './driver.js';

/** Seconds before its end from which on a ticket is not handed out: a channel takes its time to get there. */
const MARGIN = 5;
/** Seconds for which a ticket is kept at most: its platform may have ended it meanwhile. */
const LONGEST = 120;
/** Seconds for which a node keeps its turn after a ticket was made: the channels of a desktop come within a moment. */
const BURST = 1;
/** Milliseconds after which it is asked again whether the turn is free. */
const PAUSE_MS = 50;

/** Whose turn it is among the nodes (mint-turn.ts). */
export interface Turns {
  /** Takes the turn for some seconds; false: another node has it. */
  take(source: string, uuid: string, seconds: number): Promise<boolean>;
  giveUp(source: string, uuid: string): Promise<void>;
}

/** There is one node. */
const ALWAYS: Turns = { take: () => Promise.resolve(true), giveUp: () => Promise.resolve() };

/** Which console a ticket is for, and what must be true of a kept one. */
export interface TicketWish {
  readonly source: string;
  readonly uuid: string;
  /** The number of the ticket that was refused: only a newer one will do. */
  readonly refused?: number | undefined;
  /** The hypervisor that the guest is known to run on: a ticket for another one is of no use. */
  readonly hypervisor?: string | undefined;
}

/** A ticket by its number: of two, the higher is the newer. */
export interface NumberedTicket {
  readonly number: number;
  readonly minted: Minted;
}

interface Kept {
  readonly number: number;
  readonly ticket: Promise<NumberedTicket>;
  /** null: it is being made. */
  made: { readonly minted: Minted; readonly until: number } | null;
}

/** The tickets of this process. */
export class MintedTickets {
  private readonly kept = new Map<string, Kept>();
  private last = 0;

  /** @param now milliseconds, of a clock that is never set */
  constructor(
    private readonly turns: Turns = ALWAYS,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /**
   * A ticket that holds, made now where none is kept.
   *
   * @param timeout seconds that making one may take, with the wait for other nodes
   * @throws what `make` rejects with, Unavailable when that takes too long, or DatabaseError
   */
  take(
    wish: TicketWish,
    timeout: number,
    make: (signal: AbortSignal) => Promise<Minted>,
  ): Promise<NumberedTicket> {
    const key = JSON.stringify([wish.source, wish.uuid]);
    const known = this.kept.get(key);
    if (known !== undefined && this.serves(known, wish)) return known.ticket;
    this.sweep();
    this.last += 1;
    const number = this.last;
    const kept: Kept = {
      number,
      made: null,
      ticket: this.mint({ wish, number }, timeout, make, (made) => (kept.made = made)),
    };
    this.kept.set(key, kept);
    kept.ticket.catch(() => {
      if (this.kept.get(key) === kept) this.kept.delete(key);
    });
    return kept.ticket;
  }

  private async mint(
    { wish, number }: { readonly wish: TicketWish; readonly number: number },
    timeout: number,
    make: (signal: AbortSignal) => Promise<Minted>,
    keep: (made: Kept['made']) => void,
  ): Promise<NumberedTicket> {
    const { source, uuid } = wish;
    const signal = signalWithin(timeout * 1000);
    await this.waitForTurn(wish, timeout + BURST, signal);
    const began = this.now();
    let minted: Minted | null = null;
    try {
      minted = await unlessAborted(make(signal), signal);
    } finally {
      // Where this fails, the turn ends by itself.
      const done = minted === null ? this.turns.giveUp(source, uuid) : this.turns.take(source, uuid, BURST);
      void Promise.resolve(done).catch(() => undefined);
    }
    if (minted === null) throw new Unavailable('the platform did not make a ticket in time');
    keep({ minted, until: began + (Math.min(minted.validFor, LONGEST) - MARGIN) * 1000 });
    return { number, minted };
  }

  private async waitForTurn(
    { source, uuid }: TicketWish,
    seconds: number,
    signal: AbortSignal,
  ): Promise<void> {
    while (!(await this.turns.take(source, uuid, seconds))) {
      if (signal.aborted)
        throw new Unavailable('other nodes have tickets made for the same console; try again');
      await sleep(PAUSE_MS);
    }
  }

  private serves({ number, made }: Kept, { refused, hypervisor }: TicketWish): boolean {
    if (made === null) return true;
    if (this.now() >= made.until || number === refused) return false;
    return hypervisor === undefined || made.minted.target.hypervisor === hypervisor;
  }

  private sweep(): void {
    const now = this.now();
    for (const [key, { made }] of this.kept) if (made !== null && made.until <= now) this.kept.delete(key);
  }
}
