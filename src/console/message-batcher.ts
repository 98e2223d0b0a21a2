// SPDX-License-Identifier: Apache-2.0
// Messages for an IPC channel: each send is a system call that wakes the other process, so those of one turn of the event
// loop are sent together, and those that nobody waits for are sent with the next one that somebody does.

/** Milliseconds for which a message that nobody waits for may be kept. */
const GATHER_MS = 10;

/** Gathers messages and sends them in the order in which they were put. */
export class MessageBatcher<Message> {
  private gathered: Message[] = [];
  private atEndOfTurn = false;
  private soon = false;

  /** @param send puts a batch on the channel */
  constructor(private readonly send: (batch: Message[]) => void) {}

  /** Takes a message; it goes at the end of this turn. */
  put(message: Message): void {
    this.gathered.push(message);
    if (this.atEndOfTurn) return;
    this.atEndOfTurn = true;
    setImmediate(() => {
      this.atEndOfTurn = false;
      this.flush();
    });
  }

  /** Takes a message that nobody waits for; it goes with the next one of {@link put}, or within 10 ms. */
  putSoon(message: Message): void {
    this.gathered.push(message);
    if (this.soon || this.atEndOfTurn) return;
    this.soon = true;
    setTimeout(() => {
      this.soon = false;
      this.flush();
    }, GATHER_MS);
  }

  /** Sends what is gathered now. */
  flush(): void {
    if (this.gathered.length === 0) return;
    const batch = this.gathered;
    this.gathered = [];
    this.send(batch);
  }
}
