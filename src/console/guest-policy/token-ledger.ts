// SPDX-License-Identifier: Apache-2.0
// The tokens of one direction of the agent's stream, where messages are dropped and put in between sender and receiver: each
// AGENT_DATA costs its sender one that the receiver has given. What the sender believes to have left never exceeds what the
// receiver still takes.

/** Counts the tokens of one direction. */
export class TokenLedger {
  /** Parts that the receiver still takes; those of which the sender knows. */
  private taken: number;
  private known: number;

  /** @param tokens that both sides begin with */
  constructor(tokens: number) {
    this.taken = tokens;
    this.known = tokens;
  }

  /** Both sides begin anew. */
  reset(tokens: number): void {
    this.taken = tokens;
    this.known = tokens;
  }

  /** The sender has sent a part; false: without a token. */
  came(): boolean {
    this.known -= 1;
    return this.known >= 0;
  }

  /** A part goes to the receiver, whoever it is from. */
  went(): void {
    this.taken -= 1;
  }

  /** The receiver takes more parts. */
  granted(tokens: number): void {
    this.taken += tokens;
  }

  /** Whether the receiver takes another part; what a sender sends without tokens is not held back for it. */
  get open(): boolean {
    return this.taken > 0 || this.known < 0;
  }

  /**
   * Tokens that the sender is to be told of, and from now on knows of.
   *
   * @param waiting parts that wait for the receiver
   */
  owed(waiting: number): number {
    const tokens = Math.max(0, this.taken - this.known - waiting);
    this.known += tokens;
    return tokens;
  }
}
