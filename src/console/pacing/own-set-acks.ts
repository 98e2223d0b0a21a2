// SPDX-License-Identifier: Apache-2.0
// The SET_ACKs of the proxy's own. A client counts the messages of its server, and the server names counts: what was put in takes
// the place of a message that stands for nothing, or of a PING, sooner or later.
import type { Message } from '../relay/stage.js';

/** Keeps the count of one channel right. */
export class OwnSetAcks {
  /** SET_ACKs that the client was sent and that stand for no message of the server. */
  private surplus = 0;
  private owedPing: Message | null = null;

  /** One more was put in. */
  inserted(): void {
    this.surplus += 1;
  }

  /** A message that stands for nothing may be left out for one of them. @returns whether it is */
  absorb(): boolean {
    if (this.surplus === 0) return false;
    this.surplus -= 1;
    return true;
  }

  /** One goes out in the place of this PING, which is answered when the client has answered the SET_ACK. */
  inPlaceOf(ping: Message): void {
    this.owedPing = ping;
  }

  /** The PING that is to be answered now; null: none. */
  takeOwedPing(): Message | null {
    const { owedPing } = this;
    this.owedPing = null;
    return owedPing;
  }
}
