// SPDX-License-Identifier: Apache-2.0
// The turns of all sources that are asked for at one moment, when the conductor starts or the sources file is read again: a few at a
// time, so that their listings are no burst; and a platform that takes long makes room, so that it delays nobody else.
import { systemTimers, type Timers } from '../net/timers.js';

/** So many turns begin at the same time. */
const AT_ONCE = 8;
/** Milliseconds after which a turn that goes on does not count any more. */
const MAKES_ROOM_MS = 500;

/** Begins turns in the order in which they are given. */
export class FirstTurns {
  private readonly waiting: (() => void)[] = [];
  private running = 0;

  constructor(private readonly timers: Timers = systemTimers) {}

  /** @param turn never rejects. Resolves when it has ended */
  async add(turn: () => Promise<void>): Promise<void> {
    if (this.running < AT_ONCE) this.running += 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    let counts = true;
    const makeRoom = (): void => {
      if (counts) this.next();
      counts = false;
    };
    const callOff = this.timers.after(MAKES_ROOM_MS, makeRoom);
    await turn();
    callOff();
    makeRoom();
  }

  /** The place goes to the next one, or is free. */
  private next(): void {
    const begin = this.waiting.shift();
    if (begin === undefined) this.running -= 1;
    else begin();
  }
}
