// SPDX-License-Identifier: Apache-2.0
// The worker's counters between two reports to the supervisor, which owns the metrics.
import type { ClientConnection } from './client-connection.js';
import type { PolicyDrop, WorkerNote } from '../ipc.js';

/** Counts connections and relayed bytes since the last report. */
export class TrafficCounter {
  /** TCP connections accepted, on both ports. */
  accepted = 0;
  private bytesUp = 0;
  private bytesDown = 0;

  /** Counts the bytes that a connection has relayed since the last call; gives their number. */
  count(connection: ClientConnection): number {
    const { traffic } = connection;
    if (traffic === null) return 0;
    const up = traffic.bytesUp - connection.countedUp;
    const down = traffic.bytesDown - connection.countedDown;
    connection.countedUp = traffic.bytesUp;
    connection.countedDown = traffic.bytesDown;
    this.bytesUp += up;
    this.bytesDown += down;
    return up + down;
  }

  /**
   * The report since the last one, after which all counters are 0; null when there is nothing to report.
   *
   * @param policyDrops what guest policies have kept back meanwhile; null: nothing
   */
  report(policyDrops: readonly PolicyDrop[] | null): WorkerNote | null {
    const { accepted, bytesUp, bytesDown } = this;
    if (accepted === 0 && bytesUp === 0 && bytesDown === 0 && policyDrops === null) return null;
    this.accepted = 0;
    this.bytesUp = 0;
    this.bytesDown = 0;
    return { op: 'traffic', accepted, bytesUp, bytesDown, ...(policyDrops === null ? {} : { policyDrops }) };
  }
}
