// SPDX-License-Identifier: Apache-2.0
// How fast the server of a paced channel sends: the ACKs that it is given, and the stop where too much waits.
import type { StagePorts } from '../relay/stage.js';
import type { AckAgent } from './ack-agent.js';
import type { DisplaySender } from './display-sender.js';
import type { ServerAnswers } from './server-answers.js';
import type { SessionPacer } from './session-pacer.js';

/** With so many bytes before any new draw, one that is read early would not be drawn earlier. */
const BLOCKED_BYTES = 65_536;

/** What the flow is made with. */
export interface ServerFlowParts {
  readonly ports: Pick<StagePorts, 'progress' | 'hold'>;
  readonly agent: AckAgent;
  readonly server: ServerAnswers;
  readonly pacer: SessionPacer;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** Regulates one server. */
export class ServerFlow {
  private release: (() => void) | null = null;

  constructor(private readonly parts: ServerFlowParts) {}

  /** Stops the server or lets it go on, as what waits demands. @param acknowledges whether it is given ACKs */
  regulate(sender: DisplaySender, acknowledges: boolean): void {
    if (this.release === null && sender.full) this.release = this.parts.ports.hold('down');
    if (acknowledges) this.acknowledge(sender);
    if (sender.roomy) this.letGo();
  }

  /** Gives the server the ACKs that it may have and that are of use now. */
  acknowledge(sender: DisplaySender): void {
    const { ports, agent, server } = this.parts;
    const { messages } = ports.progress('down');
    while (agent.due(messages) > 0 && this.wantsMore(sender, messages)) {
      agent.acknowledged();
      server.acknowledge();
    }
  }

  /** The server goes on. */
  letGo(): void {
    const { release } = this;
    this.release = null;
    release?.();
  }

  /** Whether more of the server is wanted now. @param messages those that have come */
  private wantsMore(sender: DisplaySender, messages: number): boolean {
    const { pacer, agent, now } = this.parts;
    const { queue } = sender;
    if (sender.full) return false;
    // Nothing can overtake what waits: the server is not told sooner than the client would have told it.
    if (queue.blockedByBarrier || queue.bytesBeforeNewDraw > BLOCKED_BYTES)
      return queue.bytes < pacer.lowWater && agent.due(messages - sender.undelivered) > 0;
    return sender.queueBytes < pacer.lowWater || pacer.boosting(now());
  }
}
