// SPDX-License-Identifier: Apache-2.0
// The once-a-second look at all connections of a worker: legs that take no bytes, channels that are idle, counters
// for the metrics. One timer for all, so that nothing of it costs a chunk anything.
import type { ClientConnection } from './client-connection.js';
import { channelName } from '../spice/constants.js';
import type { WorkerContext } from './worker-context.js';

/** Seconds between two sweeps. */
export const SWEEP_INTERVAL = 1;

/** Starts sweeping; gives the function that stops it. */
export function startSweep(worker: WorkerContext): () => void {
  const timer = setInterval(() => {
    for (const connection of worker.registry.connections) {
      if (connection.traffic !== null) inspect(connection, worker);
    }
    const report = worker.meter.report();
    if (report !== null) worker.control.note(report);
  }, SWEEP_INTERVAL * 1000);
  return () => clearInterval(timer);
}

function inspect(connection: ClientConnection, worker: WorkerContext): void {
  const { meter } = worker;
  const { writeTimeout, idleTimeout: byChannel } = worker.settings.proxy;
  const { meteredUp, meteredDown } = connection;
  const moved = meter.collect(connection) > 0;
  const blocked = connection.traffic?.blockedLeg() ?? null;
  // What passes the other way says nothing: a client may send on and never read.
  const taken =
    blocked === 'client' ? connection.meteredDown > meteredDown : connection.meteredUp > meteredUp;
  connection.blockedFor = blocked === null || taken ? 0 : connection.blockedFor + SWEEP_INTERVAL;
  connection.idleFor = moved ? 0 : connection.idleFor + SWEEP_INTERVAL;
  if (blocked !== null && connection.blockedFor >= writeTimeout) {
    connection.end(`${blocked} stopped reading`, `nothing was taken for ${writeTimeout} s`);
    return;
  }
  const channel = channelName(connection.channelType);
  const idleTimeout = channel === null ? undefined : byChannel[channel];
  if (idleTimeout !== undefined && idleTimeout > 0 && connection.idleFor >= idleTimeout) {
    connection.end('idle', `no byte for ${idleTimeout} s`);
  }
}
