// SPDX-License-Identifier: Apache-2.0
// One direction of the agent's stream with what is put into it: messages of our own go between two messages of the sender, and
// nothing goes for which the receiver has given no token.
import { LimitExceeded } from '../spice/errors.js';
import type { AgentJudge } from './agent-stream.js';
import { AgentStream } from './agent-stream.js';
import { TokenLedger } from './token-ledger.js';

/** Messages of our own that wait for the end of a message; parts that wait for tokens. */
const MAX_WAITING = 64;

/** Carries the bodies of AGENT_DATA of one direction. */
export class AgentLane {
  readonly tokens: TokenLedger;
  /** Tokens are in use; not while the agent has changed and the client has not greeted the new one. */
  counted = true;
  private readonly stream: AgentStream;
  private ours: Buffer[] = [];
  private waiting: Buffer[] = [];

  /**
   * @param tokens that the sender begins with
   * @param strict the receiver ends the channel when it is sent more than it takes
   */
  constructor(
    judge: AgentJudge,
    tokens: number,
    private readonly strict: boolean,
  ) {
    this.stream = new AgentStream(judge);
    this.tokens = new TokenLedger(tokens);
  }

  /** Parts that wait for tokens. */
  get parts(): number {
    return this.waiting.length;
  }

  /**
   * A part of the sender has come; gives the bodies that go on now.
   *
   * @param open everything passes as it is
   * @throws LimitExceeded, PeerMisbehaved
   */
  take(body: Buffer, open: boolean): Buffer[] {
    this.waiting.push(...this.stream.take(body, open));
    if (this.waiting.length > 2 * MAX_WAITING)
      throw new LimitExceeded('agent parts without tokens', 2 * MAX_WAITING, this.waiting.length);
    this.putOurs();
    return this.ready();
  }

  /** Puts in a whole message of ours; gives the bodies that go on now. Beyond a bound such messages are lost. */
  put(message: Buffer): Buffer[] {
    if (this.ours.length < MAX_WAITING) this.ours.push(message);
    this.putOurs();
    return this.ready();
  }

  /** The bodies that go on now, as far as there are tokens. */
  ready(): Buffer[] {
    const bodies: Buffer[] = [];
    while (this.waiting.length > 0 && (!this.strict || !this.counted || this.tokens.open)) {
      bodies.push(this.waiting.shift() as Buffer);
      if (this.counted) this.tokens.went();
    }
    return bodies;
  }

  /** The sender may begin anew, and the receiver goes on where it is. */
  interrupt(): void {
    this.stream.interrupt();
  }

  /** Another agent: nothing of the last one is of use. @param stream whether its messages are forgotten too */
  forget(stream: boolean): void {
    this.ours = [];
    this.waiting = [];
    if (stream) this.stream.reset();
    else this.stream.interrupt();
  }

  private putOurs(): void {
    if (this.stream.midMessage || this.ours.length === 0) return;
    for (const message of this.ours) if (this.waiting.length < MAX_WAITING) this.waiting.push(message);
    this.ours = [];
  }
}
