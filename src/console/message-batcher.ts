// SPDX-License-Identifier: Apache-2.0
// Messages on their way through an IPC channel: those of one turn of the event loop travel together, because each
// send is a system call that wakes the other process.

/** Gathers messages and sends them at the end of the turn, in order. */
export class Outbox<Message> {
  private gathered: Message[] = [];

  /** @param send puts a batch on the channel */
  constructor(private readonly send: (batch: Message[]) => void) {}

  /** Takes a message. */
  put(message: Message): void {
    this.gathered.push(message);
    if (this.gathered.length === 1) setImmediate(() => this.flush());
  }

  /** Sends what is gathered now. */
  flush(): void {
    if (this.gathered.length === 0) return;
    const batch = this.gathered;
    this.gathered = [];
    this.send(batch);
  }
}
