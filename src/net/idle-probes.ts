// SPDX-License-Identifier: Apache-2.0
// TCP's own probes on the connections of sessions: most channels are silent for hours, and only a probe tells a quiet peer
// from one that is gone. They must not take an outage of the network for a death, so their pace is ours; Node before 24
// knows one pace only (ten probes, one second apart), and there the system's own is left in place.
import { Socket } from 'node:net';

/** When a silent connection is probed, and when it is given up. Milliseconds. */
export interface ProbePace {
  /** Silence before the first probe. */
  readonly delay: number;
  /** From one probe without an answer to the next. */
  readonly interval: number;
  /** So many in a row without an answer end the connection. */
  readonly count: number;
}

/** An outage of three minutes is survived, and a peer that is gone is found within three and a half. */
const PACE: ProbePace = { delay: 30_000, interval: 15_000, count: 12 };

/** Sockets whose probes can be paced; the types are those of an older Node. */
interface PacedSocket {
  setKeepAlive(enable: boolean, delay: number, interval: number, count: number): unknown;
}

/** Whether this Node can pace probes; else they are as the system has them (`net.ipv4.tcp_keepalive_*` of Linux). */
export const PROBES_ARE_PACED = Socket.prototype.setKeepAlive.length > 2;

/**
 * Has the kernel probe a connection while it is silent. Before it is up, that waits for its `connect`: libuv forgets what a
 * socket was told earlier, and takes a pace of its own.
 */
export function probeWhenIdle(socket: Socket, pace: ProbePace = PACE): void {
  if (socket.connecting) {
    socket.once('connect', () => probe(socket, pace));
    return;
  }
  probe(socket, pace);
}

function probe(socket: Socket, { delay, interval, count }: ProbePace): void {
  if (PROBES_ARE_PACED) (socket as PacedSocket).setKeepAlive(true, delay, interval, count);
  // Without a delay only the probes are turned on: any other would set interval and number as well.
  else socket.setKeepAlive(true, 0);
}
