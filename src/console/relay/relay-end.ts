// SPDX-License-Identifier: Apache-2.0
// The end of a relayed connection, whoever it comes from: a leg, the control plane, or the relay itself. The first one counts, and
// from then on no byte moves; what was written goes out when close.ts ends the legs.
import type { CloseReason } from '../../close-reason.js';
import type { BackendLeg } from '../backend/leg.js';
import type { ClientConnection } from '../connection/client-connection.js';
import { ConnectionEnded } from '../connection/ends.js';
import { faultOf } from '../connection/leg-stream.js';

/** Waits for the end of one relay. */
export class RelayEnd {
  private over = false;
  private settle: (fault: Error) => void = () => undefined;

  /** @param atEnd stops what the relay has of its own; called once, before the legs are read no more */
  constructor(
    private readonly connection: ClientConnection,
    private readonly leg: BackendLeg,
    private readonly atEnd: () => void,
  ) {}

  /**
   * Starts the relay unless a leg is gone already.
   * @throws ConnectionEnded with the reason of the end, or the fault that the relay was stopped with
   */
  wait(start: () => void): Promise<never> {
    const { client, signal } = this.connection;
    const { socket } = this.leg;
    return new Promise<never>((_resolve, reject) => {
      this.settle = reject;
      signal.addEventListener('abort', () => this.stop(signal.reason as Error));
      socket.once('end', () => this.end('backend closed'));
      socket.once('close', () => this.end('backend connection lost', faultOf(socket)));
      if (signal.aborted) this.stop(signal.reason as Error);
      // A leg that broke before it was listened to tells nothing more.
      if (client.destroyed) this.end('client connection lost', faultOf(client));
      if (socket.destroyed) this.end('backend connection lost', faultOf(socket));
      if (!this.over) start();
    });
  }

  /** Ends the connection for a reason. @param detail for the log */
  end(reason: CloseReason, detail = ''): void {
    if (!this.over) this.stop(ConnectionEnded.of(reason, detail));
  }

  /** Ends the connection with a fault. */
  stop(fault: Error): void {
    if (this.over) return;
    this.over = true;
    this.atEnd();
    this.leg.read(() => false);
    this.connection.readBy(null);
    this.settle(fault);
  }
}
